import { spawn } from "node:child_process";
import { closeSync, existsSync, mkdirSync, openSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { RUN, STATE } from "./layout";
import { inNamespace, until } from "./shell";

const PIDS = join(RUN, "pids");
/** Folder of the processes' logs. */
export const LOGS = join(STATE, "log");

/** A process that stays. */
export interface Daemon {
    /** Its name, for the pid file and the log. */
    readonly name: string;
    /** Command with arguments. */
    readonly command: readonly string[];
    /** Network namespace; default the machine's. */
    readonly netns?: string;
    /** Environment in addition to ours. */
    readonly env?: Readonly<Record<string, string>>;
}

/** Starts a process unless it runs; it outlives ours. Says whether it had to be started. */
export function ensure(daemon: Daemon): boolean {
    if (pidOf(daemon.name) !== undefined) {
        return false;
    }
    mkdirSync(PIDS, { recursive: true });
    mkdirSync(LOGS, { recursive: true });
    const log = openSync(logOf(daemon.name), "a");
    const [file, ...args] = inNamespace(daemon.netns, daemon.command) as [string, ...string[]];
    const child = spawn(file, args, {
        detached: true,
        stdio: ["ignore", log, log],
        env: { ...process.env, ...daemon.env },
        cwd: "/",
    });
    closeSync(log);
    child.unref();
    if (child.pid === undefined) {
        throw new Error(`${daemon.name}: ${file} cannot be started`);
    }
    writeFileSync(join(PIDS, daemon.name), `${child.pid} ${startTime(child.pid) ?? ""}`);
    return true;
}

/** Stops a process: politely, and after ten seconds not. */
export async function stop(name: string): Promise<void> {
    const pid = pidOf(name);
    if (pid !== undefined) {
        const gone = () => until(`the end of ${name}`, 10, () => Promise.resolve(pidOf(name) === undefined));
        process.kill(pid, "SIGTERM");
        await gone().catch(() => process.kill(pid, "SIGKILL"));
        await gone();
    }
    rmSync(join(PIDS, name), { force: true });
}

/** Names of the processes that have a pid file, dead or alive. */
export function known(): string[] {
    return existsSync(PIDS) ? readdirSync(PIDS) : [];
}

/** The last lines of a process's log, for error messages. */
export function logTail(name: string): string {
    const file = logOf(name);
    const text = existsSync(file) ? readFileSync(file, "utf8") : "";
    return `The end of ${file}:\n${text.trim().split("\n").slice(-8).join("\n")}`;
}

function logOf(name: string): string {
    return join(LOGS, `${name}.log`);
}

/** The pid of a process that runs. Its start time is compared, so that a pid that was given away again is not taken. */
export function pidOf(name: string): number | undefined {
    const file = join(PIDS, name);
    if (!existsSync(file)) {
        return undefined;
    }
    const [pid, started] = readFileSync(file, "utf8").split(" ");
    return startTime(Number(pid)) === started ? Number(pid) : undefined;
}

/** Start time of a process in the kernel's ticks; undefined where it is gone or only waits to be reaped. */
function startTime(pid: number): string | undefined {
    try {
        const fields = readFileSync(`/proc/${pid}/stat`, "utf8")
            .replace(/^.*\) /s, "")
            .split(" ");
        return fields[0] === "Z" ? undefined : fields[19];
    } catch {
        return undefined;
    }
}
