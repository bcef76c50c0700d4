import { spawn } from "node:child_process";
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
    /** The longest time without an answer, in milliseconds. */
    pauseMs: number;
    /** What went wrong, and how often. */
    readonly faults: Record<string, number>;
}

const NAMESPACE = "crowd";
/** Before and after what is done under load, in milliseconds. */
const CALM_MS = 5000;

/**
 * Does something while clients outside the cluster ask 200 times a second and hold 200 watches, or as many as are given;
 * returns what they saw. They trust the CA that the outputs hold at the start.
 */
export async function underLoad(
    environment: Environment,
    action: () => Promise<unknown>,
    { perSecond = 200, watches = 200 }: Partial<Pick<Crowd, "perSecond" | "watches">> = {},
): Promise<Seen> {
    const { apiServerUrl: url, caCertificate: ca } = await outputs(environment);
    await kubectl("create", "namespace", NAMESPACE);
    try {
        const grant = ["--clusterrole=view", `--serviceaccount=${NAMESPACE}:default`, `--namespace=${NAMESPACE}`];
        await kubectl("create", "rolebinding", "view", ...grant);
        const token = (await kubectl("create", "token", "default", "--namespace", NAMESPACE)).trim();
        const crowd: Crowd = { url, ca, token, namespace: NAMESPACE, perSecond, watches };
        const node = [process.execPath, "-r", "ts-node/register/transpile-only", join(__dirname, "client.ts")];
        const [file = "", ...args] = inNamespace(HPC, node);
        const client = spawn(file, args, {
            env: { ...process.env, CROWD: JSON.stringify(crowd) },
            stdio: ["pipe", "pipe", "inherit"],
        });
        const said = text(client.stdout);
        try {
            await sleep(CALM_MS);
            await action();
            await sleep(CALM_MS);
        } finally {
            client.stdin.end();
        }
        return JSON.parse(await said) as Seen;
    } finally {
        await kubectl("delete", "namespace", NAMESPACE);
    }
}

/** What the clients saw, as a cell of a table. */
export function inWords({ requests, failed, watchesLost, pauseMs, faults }: Seen): string {
    const why = Object.entries(faults).map(([fault, times]) => `${times} ${fault}`);
    return (
        `${failed} of ${requests} requests failed${why.length === 0 ? "" : ` (${why.join(", ")})`}, ` +
        `${watchesLost} of 200 watches were lost, longest pause ${pauseMs} ms`
    );
}
