import { execFile } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";

/** A mistake or a lack that the user can mend: its message is one sentence, and no stack is printed. */
export class UserError extends Error {}

/** What a finished command left. */
export interface Result {
    /** Exit status; 127 where there is no such command, 128 and more for signals. */
    readonly status: number;
    /** Standard output. */
    readonly stdout: string;
    /** Standard error. */
    readonly stderr: string;
}

/** How a command is run. */
export interface RunOptions {
    /** Network namespace; default the machine's. */
    readonly netns?: string;
    /** Environment in addition to ours. */
    readonly env?: Readonly<Record<string, string>>;
    /** Folder; default ours. */
    readonly cwd?: string;
    /** Text for standard input. */
    readonly input?: string;
    /** Also passes the output on as it comes. */
    readonly echo?: boolean;
    /** Kills the command after so many seconds. */
    readonly timeoutSeconds?: number;
}

/** The command that runs `command` in a network namespace. Not `ip netns exec`: that mounts a new /sys without cgroups. */
export function inNamespace(netns: string | undefined, command: readonly string[]): string[] {
    return netns === undefined ? [...command] : ["nsenter", `--net=/run/netns/${netns}`, "--", ...command];
}

/** Runs a command to its end and returns what it left, whatever its exit status. */
export function attempt(command: readonly string[], options: RunOptions = {}): Promise<Result> {
    const [file, ...args] = inNamespace(options.netns, command) as [string, ...string[]];
    const { cwd, input, echo, timeoutSeconds = 0 } = options;
    const how = { cwd, env: { ...process.env, ...options.env }, timeout: timeoutSeconds * 1000, maxBuffer: Infinity };
    return new Promise((resolve) => {
        const child = execFile(file, args, how, (error, stdout, stderr) => {
            const code = error === null ? 0 : (error.code ?? 128);
            // A word, such as ENOENT, where the command could not be started.
            const started = typeof code === "number";
            resolve(started ? { status: code, stdout, stderr } : { status: 127, stdout, stderr: error?.message ?? "" });
        });
        child.stdin?.on("error", () => undefined).end(input);
        if (echo) {
            child.stdout?.pipe(process.stdout);
            child.stderr?.pipe(process.stderr);
        }
    });
}

/** Runs a command and returns its standard output; throws where it fails. */
export async function run(command: readonly string[], options: RunOptions = {}): Promise<string> {
    const result = await attempt(command, options);
    if (result.status !== 0) {
        const tail = options.echo ? "" : `${result.stdout}\n${result.stderr}`.trim().split("\n").slice(-15).join("\n");
        throw new UserError(`${command.join(" ").slice(0, 200)}: exit status ${result.status}.\n${tail}`);
    }
    return result.stdout;
}

/** Tries until `ready` says so; throws after `seconds`, naming `what` was waited for and `hint`. */
export async function until(
    what: string,
    seconds: number,
    ready: () => Promise<boolean>,
    hint: () => string = () => "",
): Promise<void> {
    const end = Date.now() + seconds * 1000;
    while (!(await ready())) {
        if (Date.now() > end) {
            throw new UserError(`${what}: not within ${seconds} s. ${hint()}`.trim());
        }
        await sleep(250);
    }
}
