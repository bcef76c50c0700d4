import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { stringify } from "yaml";
import { applyManifest, kubectl } from "../local/cluster/kubectl";
import { HPC } from "../local/machine/layout";
import { inNamespace, run } from "../local/machine/shell";
import { program } from "../local/toolchain/tools";
import { Silence, Task } from "./clients";
import { ByPart, Events, Jobs, Load, Request, Watches } from "./data";
import { sum } from "./numbers";
import { counters, difference, memory, Pods, TICKS } from "./parts";

/** Ends what is being measured. */
export const interruption = new AbortController();
/** Namespace of what is asked for. */
const NAMESPACE = "bench";
const PATHS: Readonly<Record<Request, string>> = {
    version: "/version",
    pods: `/api/v1/namespaces/${NAMESPACE}/pods`,
    connect: "/version",
};
/** Each of them may ask 500 times a second. */
const TOKENS = 32;
const PODS = 500;
/** What is sent through `kubectl exec` and `kubectl cp`, in megabytes. */
const MEGABYTES = 100;
/** Until a proxy's memory stays as it is, in milliseconds. */
const SETTLING_MS = 5000;
/** An image with a shell and tar that the cluster has. */
const SHELL_IMAGE = "docker.io/nginxinc/nginx-unprivileged:1.22.1";

/** A way that is up. */
export interface Target {
    /** URL that the HPC side knows. */
    readonly url: string;
    /** What it consists of. */
    readonly pods: Pods;
}

/** Makes the objects that are asked for, and tokens that may ask. */
export async function makeObjects(): Promise<string[]> {
    const pods = Array.from({ length: PODS }, (_, index) => ({
        apiVersion: "v1",
        kind: "Pod",
        metadata: { name: `pod-${index}`, namespace: NAMESPACE, labels: { app: "bench" } },
        // Nobody serves this scheduler: the pods stay objects.
        spec: {
            schedulerName: "nobody",
            automountServiceAccountToken: false,
            containers: [{ name: "none", image: SHELL_IMAGE }],
        },
    }));
    await kubectl("create", "namespace", NAMESPACE);
    const grant = ["--clusterrole=admin", `--serviceaccount=${NAMESPACE}:default`];
    await kubectl("create", "rolebinding", "admin", "-n", NAMESPACE, ...grant);
    await kubectl("run", "shell", "-n", NAMESPACE, `--image=${SHELL_IMAGE}`, "--command", "--", "sleep", "infinity");
    await applyManifest(JSON.stringify({ apiVersion: "v1", kind: "List", items: pods }), "--server-side");
    await kubectl("wait", "--for=condition=Ready", "pod/shell", "-n", NAMESPACE, "--timeout=60s");
    return tokensOf(NAMESPACE);
}

/** Tokens of a namespace's default account: as many as keep each below the proxy's limits, since jobs have one each. */
export async function tokensOf(namespace: string): Promise<string[]> {
    const create = () => kubectl("create", "token", "default", "-n", namespace, "--duration=4h");
    const tokens: string[] = [];
    while (tokens.length < TOKENS) {
        tokens.push((await create()).trim());
    }
    return tokens;
}

/** Runs wrk on the HPC side. */
export async function load(
    { url, pods }: Target,
    tokens: readonly string[],
    request: Request,
    connections: number,
    seconds: number,
): Promise<Load> {
    const command = [
        "wrk",
        "-t1",
        `-c${connections}`,
        `-d${seconds}s`,
        "--timeout",
        "30s",
        "-s",
        join(__dirname, "wrk.lua"),
    ];
    const before = counters(pods);
    const text = await run([...command, url + PATHS[request]], {
        netns: HPC,
        env: { TOKENS: tokens.join(" "), REQUEST: request },
    });
    const after = counters(pods);
    const { requests, perSecond, p50, p99, failed, client } = parseWrk(text);
    const cpu: ByPart = { ...difference(before.cpu, after.cpu, requests), client: client / requests };
    const [busy, idle] = [after.machine.busy - before.machine.busy, after.machine.idle - before.machine.idle];
    return {
        ...{ request, connections, perSecond, p50, p99, failed },
        cpu: { ...cpu, others: Math.max(0, busy / requests - sum(cpu)) },
        idle: idle / (busy + idle),
        kernel: difference(before.kernel, after.kernel, requests),
        handshakes: difference(before.opened, after.opened, requests / 1000),
    };
}

/** Reads the line that wrk.lua writes; times in milliseconds, the client's CPU in microseconds. */
export function parseWrk(text: string): Pick<Load, "perSecond" | "p50" | "p99" | "failed"> & {
    readonly requests: number;
    readonly client: number;
} {
    const [, json] = /^JSON (.*)$/m.exec(text) ?? [];
    if (json === undefined) {
        throw new Error(`wrk has written no figures: ${text.slice(-200)}`);
    }
    const seen = JSON.parse(json) as Record<"requests" | "microseconds" | "p50" | "p99" | "failed" | "ticks", number>;
    return {
        requests: seen.requests,
        perSecond: seen.requests / (seen.microseconds / 1e6),
        p50: seen.p50 / 1000,
        p99: seen.p99 / 1000,
        failed: seen.failed,
        client: seen.ticks * (1e6 / TICKS),
    };
}

/** Event latency, over so many events. */
export async function events(url: string, direct: string, tokens: readonly string[], count: number): Promise<Events> {
    return (await client(task("events", url, direct, count, 0), tokens)) as Events;
}

/** Jobs that start together. */
export async function jobs(url: string, direct: string, tokens: readonly string[], count: number): Promise<Jobs> {
    return (await client(task("jobs", url, direct, count, 0), tokens)) as Jobs;
}

/** Silent watches: memory and CPU are taken when all are open; then `known` is called. */
export async function watches(
    { url, pods }: Target,
    direct: string,
    tokens: readonly string[],
    count: number,
    seconds: number,
    known: () => void = () => undefined,
): Promise<Watches> {
    const before = memory(pods);
    let open = 0;
    let kib: ByPart = {};
    let cpu: ByPart = {};
    const result = (await client(task("silence", url, direct, count, seconds), tokens, async (line) => {
        open = (line as { open: number }).open;
        await sleep(SETTLING_MS);
        kib = difference(before, memory(pods), Math.max(open, 1));
        cpu = await idle(pods, 10);
        known();
    })) as Silence;
    return { asked: count, open, seconds, kib, cpu, ...result };
}

/** CPU of each part over so many seconds, in thousandths of a core. */
export async function idle(pods: Pods, seconds: number): Promise<ByPart> {
    const before = counters(pods);
    await sleep(seconds * 1000);
    const after = counters(pods);
    return difference(before.cpu, after.cpu, after.at - before.at);
}

/** Megabytes in a second out of `kubectl exec` and into a pod by `kubectl cp`. */
export async function streams(
    url: string,
    token: string | undefined,
    folder: string,
): Promise<{ exec: number; cp: number }> {
    const kubeconfig = join(folder, "kubeconfig");
    const config = {
        apiVersion: "v1",
        kind: "Config",
        clusters: [{ name: "way", cluster: { server: url, "insecure-skip-tls-verify": true } }],
        users: [{ name: "job", user: { token } }],
        contexts: [{ name: "way", context: { cluster: "way", user: "job", namespace: NAMESPACE } }],
        "current-context": "way",
    };
    writeFileSync(kubeconfig, stringify(config), { mode: 0o600 });
    const file = join(folder, "file");
    writeFileSync(file, Buffer.alloc(MEGABYTES * 1e6, "x"));
    const timed = async (command: string) => {
        const start = performance.now();
        const env = { KUBECONFIG: kubeconfig, KUBECTL: program("kubernetes", "kubectl"), FILE: file };
        await run(["sh", "-ec", command], { netns: HPC, env, timeoutSeconds: 60 });
        return MEGABYTES / ((performance.now() - start) / 1000);
    };
    return {
        exec: await timed(
            `test "$($KUBECTL exec shell -- head -c ${MEGABYTES}000000 /dev/zero | wc -c)" = ${MEGABYTES}000000`,
        ),
        cp: await timed("$KUBECTL cp $FILE shell:/tmp/file"),
    };
}

function task(kind: Task["kind"], url: string, direct: string, count: number, seconds: number): Task {
    // Nobody else's silence is to end with an event.
    const configMap = `${kind}-${new URL(url).port}`;
    return { kind, url, direct, namespace: `/api/v1/namespaces/${NAMESPACE}`, configMap, count, seconds };
}

/** Runs clients.ts on the HPC side; the lines before the last one go to `meanwhile`. */
async function client(
    task: Task,
    tokens: readonly string[],
    meanwhile?: (line: unknown) => Promise<void>,
): Promise<unknown> {
    await kubectl("create", "configmap", task.configMap, "-n", NAMESPACE);
    const node = [
        process.execPath,
        "-r",
        require.resolve("ts-node/register/transpile-only"),
        join(__dirname, "clients.ts"),
    ];
    const [file = "", ...args] = inNamespace(HPC, [...node, JSON.stringify(task)]);
    const child = spawn(file, args, {
        env: { ...process.env, TOKENS: tokens.join(" ") },
        stdio: ["ignore", "pipe", "inherit"],
        signal: interruption.signal,
    });
    const ended = once(child, "close");
    ended.catch(() => undefined);
    const lines: unknown[] = [];
    const waiting: Promise<void>[] = [];
    for await (const line of createInterface({ input: child.stdout })) {
        lines.push(JSON.parse(line));
        if (meanwhile !== undefined && lines.length === 1) {
            waiting.push(meanwhile(lines[0]));
        }
    }
    const [status] = (await ended) as [number | null];
    await Promise.all(waiting);
    if (status !== 0 || lines.length === 0) {
        throw new Error(`the clients of ${task.url} ended with ${status}`);
    }
    return lines.at(-1);
}
