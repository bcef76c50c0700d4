import { ChildProcess, spawn } from "node:child_process";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import { kubectl } from "../../local/cluster/kubectl";
import { HPC } from "../../local/machine/layout";
import { inNamespace } from "../../local/machine/shell";
import { Environment } from "../../local/stacks/environments";
import { outputs } from "../../local/stacks/pulumi";

/** Clients outside the cluster, and what they ask. */
export interface Crowd {
    /** URL of the API. */
    readonly url: string;
    /** CA certificate that verifies it, PEM. */
    readonly ca: string;
    /** Token of a service account that may look at ConfigMaps. */
    readonly token: string;
    /** Namespace of the ConfigMaps that are watched. */
    readonly namespace: string;
    /** Requests per second. */
    readonly perSecond: number;
    /** Number of watches. */
    readonly watches: number;
}

/** What the clients saw. */
export interface Seen {
    requests: number;
    /** Requests without the answer 200. */
    failed: number;
    /** Watches that ended before their time. */
    watchesLost: number;
    /** Watches that were open at the end. */
    watchesOpen: number;
    /** The longest time without an answer, the one at the end included, in milliseconds. */
    pauseMs: number;
    /** How long there was no answer at the end, in milliseconds. */
    silentMs: number;
    /** What went wrong, and how often. */
    readonly faults: Record<string, number>;
}

/** How many clients there are. */
type Size = Partial<Pick<Crowd, "perSecond" | "watches">>;

/** Before and after what is done under load, in milliseconds. */
const CALM_MS = 3000;
/** The clients that ask now. */
const asking = new Set<ChildProcess>();
let crowds = 0;

/**
 * Lets clients outside the cluster ask 200 times a second and hold 200 watches, or as many as are given; returns what ends
 * them and tells what they saw. They trust the CA that the outputs hold now.
 */
export async function beginLoad(
    environment: Environment,
    { perSecond = 200, watches = 200 }: Size = {},
): Promise<() => Promise<Seen>> {
    const { apiServerUrl: url, caCertificate: ca } = await outputs(environment);
    const namespace = `crowd-${(crowds += 1)}`;
    await kubectl("create", "namespace", namespace);
    const grant = ["--clusterrole=view", `--serviceaccount=${namespace}:default`, `--namespace=${namespace}`];
    await kubectl("create", "rolebinding", "view", ...grant);
    // For as long as twenty updates that are killed may take.
    const forLong = ["--duration=12h", "--namespace", namespace];
    const token = (await kubectl("create", "token", "default", ...forLong)).trim();
    const crowd: Crowd = { url, ca, token, namespace, perSecond, watches };
    const node = [process.execPath, "-r", "ts-node/register/transpile-only", join(__dirname, "client.ts")];
    const [file = "", ...args] = inNamespace(HPC, node);
    const client = spawn(file, args, {
        env: { ...process.env, CROWD: JSON.stringify(crowd) },
        stdio: ["pipe", "pipe", "inherit"],
    });
    asking.add(client);
    const said = text(client.stdout);
    await sleep(CALM_MS);
    return async () => {
        await sleep(CALM_MS);
        client.stdin.end();
        const seen = JSON.parse(await said) as Seen;
        asking.delete(client);
        await kubectl("delete", "namespace", namespace);
        return seen;
    };
}

/** Does something while such clients ask; returns what they saw. */
export async function underLoad(
    environment: Environment,
    action: () => Promise<unknown>,
    size: Size = {},
): Promise<Seen> {
    const end = await beginLoad(environment, size);
    try {
        await action();
    } catch (error) {
        abandonLoads();
        throw error;
    }
    return end();
}

/** Ends all clients that still ask, as a step that failed leaves them. */
export function abandonLoads(): void {
    asking.forEach((client) => client.kill());
    asking.clear();
}

/** What the clients saw, as a cell of a table. */
export function inWords({ requests, failed, watchesLost, watchesOpen, pauseMs, faults }: Seen): string {
    const why = Object.entries(faults).map(([fault, times]) => `${times} ${fault}`);
    return (
        `${failed} of ${requests} requests failed${why.length === 0 ? "" : ` (${why.join(", ")})`}, ` +
        `${watchesLost} watches were lost and ${watchesOpen} are open at the end, longest pause ${pauseMs} ms`
    );
}
