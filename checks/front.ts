import { Duplex } from "node:stream";
import { text } from "node:stream/consumers";
import { setTimeout } from "node:timers/promises";
import { CoreV1Api, KubeConfig, V1Pod } from "@kubernetes/client-node";
import * as pulumi from "@pulumi/pulumi";
import { NotChecked, reasonOf } from "./notChecked";
import { send, Server } from "./send";
import { TunnelRefused, tunnelTo } from "./tunnel";

/** What is asked: whatever the API server says to it, also a refusal, comes from the API server. */
const PATH = "/version";
/** How long a pod may take for its answer, in milliseconds. */
const ANSWER_MS = 10_000;
/** Between two rounds of questions, in milliseconds. */
const PAUSE_MS = 1000;
/** How much of an unexpected answer is repeated. */
const EXCERPT_LENGTH = 120;

/** The way in: the pods that clients outside the cluster reach. */
export interface Front extends Server {
    /** Namespace of the pods. */
    readonly namespace: string;
    /** Labels of the pods. */
    readonly labels: Readonly<Record<string, string>>;
    /** A token to ask with, where nobody gets in without; undefined asks anonymously. */
    readonly token: string | undefined;
}

/**
 * Asks the Kubernetes API through every ready pod of the front, as a client outside would, until all of them answer.
 * @param patienceMs how long they may take, in milliseconds: a controller needs seconds to see its Ingress
 * @throws NotChecked where the cluster lets nobody ask; pulumi.RunError with one sentence that says what was seen instead
 */
export async function askThroughFront(cluster: KubeConfig, front: Front, patienceMs = 60_000): Promise<void> {
    const deadline = Date.now() + patienceMs;
    for (;;) {
        const faults = await frontFaults(cluster, front);
        if (faults.length === 0) {
            return;
        }
        if (Date.now() >= deadline) {
            throw new pulumi.RunError(
                `The Kubernetes API is not served at ${front.host}, port ${front.port}: GET ${PATH} through the pods of ` +
                    `namespace ${front.namespace} was tried for ${Math.round(patienceMs / 1000)} s, and ${faults.join(", ")}.`,
            );
        }
        await setTimeout(PAUSE_MS);
    }
}

/** What is wrong with the ready pods, each as a part of a sentence; nothing where the API server answered through all of them. */
async function frontFaults(cluster: KubeConfig, front: Front): Promise<string[]> {
    const pods = await readyPods(cluster, front);
    if (pods.length === 0) {
        return [`no pod with the labels ${selectorOf(front)} is ready`];
    }
    const faults = await Promise.all(
        pods.map(async (pod) => {
            const fault = await podFault(cluster, front, pod);
            return fault === undefined ? [] : [`pod ${pod} ${fault}`];
        }),
    );
    return faults.flat();
}

/**
 * Names of the ready pods.
 * @throws NotChecked where nobody may list them
 */
export async function readyPods(cluster: KubeConfig, front: Pick<Front, "namespace" | "labels">): Promise<string[]> {
    try {
        const { items } = await cluster
            .makeApiClient(CoreV1Api)
            .listNamespacedPod({ namespace: front.namespace, labelSelector: selectorOf(front) });
        return items.filter(isReady).map(({ metadata }) => metadata?.name ?? "");
    } catch (error) {
        throw new NotChecked(`the pods of namespace ${front.namespace} cannot be listed (${reasonOf(error)})`);
    }
}

function selectorOf({ labels }: Pick<Front, "labels">): string {
    return Object.entries(labels)
        .map(([key, value]) => `${key}=${value}`)
        .join(",");
}

function isReady({ metadata, status }: V1Pod): boolean {
    return (
        metadata?.deletionTimestamp === undefined &&
        (status?.conditions ?? []).some((condition) => condition.type === "Ready" && condition.status === "True")
    );
}

/** What a pod did instead of handing on the API server's answer; undefined where it did that. */
async function podFault(cluster: KubeConfig, front: Front, pod: string): Promise<string | undefined> {
    try {
        const connection = await tunnelTo(cluster, { namespace: front.namespace, pod, port: front.port });
        const { status, body } = await ask(connection, front).finally(() => connection.destroy());
        return isFromApiServer(status, body, front.token) ? undefined : `answered ${said(status, body)}`;
    } catch (error) {
        if (error instanceof TunnelRefused && (error.status === 401 || error.status === 403)) {
            throw new NotChecked(
                `ports of pods in namespace ${front.namespace} may not be forwarded (${error.message})`,
            );
        }
        return `did not answer (${reasonOf(error)})`;
    }
}

/** Asks once, over TLS, verified as a client outside would. */
async function ask(connection: Duplex, front: Front): Promise<{ readonly status: number; readonly body: string }> {
    const headers = front.token === undefined ? {} : { authorization: `Bearer ${front.token}` };
    const { status, body } = await send(connection, front, { path: PATH, headers }, ANSWER_MS);
    return { status, body: await text(body) };
}

/**
 * Whether an answer is the API server's: its version, or its refusal of somebody without a name. With a token, the proxy's own
 * refusal is as good: it knows from the API server that the token is not a job's. Without that, its answer is 401 or 503.
 */
export function isFromApiServer(status: number, body: string, token?: string): boolean {
    const refusals = token === undefined ? [401, 403] : [403];
    try {
        const { gitVersion, kind } = JSON.parse(body) as { readonly gitVersion?: unknown; readonly kind?: unknown };
        return status === 200 ? typeof gitVersion === "string" : refusals.includes(status) && kind === "Status";
    } catch {
        return false;
    }
}

/** An answer in a few words: its status, and the beginning of its text in one line. */
export function said(status: number, body: string): string {
    const text = body.replace(/\s+/g, " ").trim().slice(0, EXCERPT_LENGTH);
    return text === "" ? String(status) : `${status} (${text})`;
}
