import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { IDLE_SECONDS } from "./limits";
import { HostPorts } from "./ports";

/**
 * How long a pod that goes still takes what arrives, in seconds: until every node knows that its endpoint is withdrawn. On a busy
 * node five seconds were too few, where an update replaced all pods at once.
 */
const WITHDRAWAL_SECONDS = 15;
/** How long its watches may then go on, in seconds; clients begin them anew at the pods that stay. */
const SHUTDOWN_SECONDS = 300;
/**
 * How long a server takes requests by one connection where something before it passes the connection through, in seconds: that
 * cannot tell clients to leave, so that a connection has to end by itself, its last pause included, before a pod that goes cuts it.
 */
export const KEPT_SECONDS = SHUTDOWN_SECONDS - IDLE_SECONDS - 20;

/** How many pods lead clients in, unless a setting says otherwise: two, but one where pods take a node's ports. */
export function frontReplicas(hostPorts: HostPorts | undefined): number {
    return hostPorts === undefined ? 2 : 1;
}

/** How pods are replaced: two of them cannot have a node's ports at once. */
export function rollout(hostPorts: HostPorts | undefined): k8s.types.input.apps.v1.DeploymentStrategy {
    return {
        rollingUpdate:
            hostPorts === undefined ? { maxUnavailable: 0, maxSurge: 1 } : { maxUnavailable: 1, maxSurge: 0 },
    };
}

/**
 * How a pod ends, in seconds: behind a Service it takes what still arrives, and lets what it has go on; one that has a node's
 * ports ends at once, since nobody answers there before the next one has them.
 */
export function drain(hostPorts: HostPorts | undefined): { readonly withdrawal: number; readonly shutdown: number } {
    return hostPorts === undefined
        ? { withdrawal: WITHDRAWAL_SECONDS, shutdown: SHUTDOWN_SECONDS }
        : { withdrawal: 0, shutdown: 1 };
}

/** That drain as a pod's grace period, and as what its container does before it is told to end. */
export function gracefulEnd(hostPorts: HostPorts | undefined) {
    const { withdrawal, shutdown } = drain(hostPorts);
    return {
        pod: { terminationGracePeriodSeconds: withdrawal + shutdown + (withdrawal === 0 ? 0 : 5) },
        container: withdrawal === 0 ? {} : { lifecycle: { preStop: { sleep: { seconds: withdrawal } } } },
    };
}

/** Keeps pods on different nodes where there are such, those of each rollout for themselves. */
export function spread(
    matchLabels: Readonly<Record<string, string>>,
): k8s.types.input.core.v1.TopologySpreadConstraint[] {
    return [
        {
            maxSkew: 1,
            topologyKey: "kubernetes.io/hostname",
            whenUnsatisfiable: "ScheduleAnyway",
            labelSelector: { matchLabels },
            matchLabelKeys: ["pod-template-hash"],
        },
    ];
}

/** Lets a drained node or a cluster's upgrade take one of several pods at a time; a single one it may take, or it would wait for ever. */
export function disruptionBudget(
    name: string,
    metadata: k8s.types.input.meta.v1.ObjectMeta,
    matchLabels: Readonly<Record<string, string>>,
    replicas: number,
    parent: pulumi.Resource,
): void {
    if (replicas < 2) {
        return;
    }
    new k8s.policy.v1.PodDisruptionBudget(
        `${name}-disruption-budget`,
        {
            metadata,
            // Pods that are not ready protect nobody.
            spec: { maxUnavailable: 1, selector: { matchLabels }, unhealthyPodEvictionPolicy: "AlwaysAllow" },
        },
        { parent },
    );
}
