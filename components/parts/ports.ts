import * as k8s from "@pulumi/kubernetes";

/** TCP ports at which clients outside the cluster come; the guide's are 6080 and 60443. */
export interface Ports {
    /** Port for plain HTTP, which is only redirected. */
    readonly http: number;
    /** Port for HTTPS. */
    readonly https: number;
}

/** Nodes whose own ports lead to a component's pods. */
export interface HostPorts {
    /** Labels of the nodes. */
    readonly nodeSelector: Readonly<Record<string, string>>;
}

/** Names of the ports: in the arguments, and of the containers' ports, by which a Service finds them. */
export const PORT_NAMES = ["http", "https"] as const;

/** A container's ports for clients, on the node as well where its ports are taken. */
export function containerPorts(
    ports: Ports,
    hostPorts: HostPorts | undefined,
): k8s.types.input.core.v1.ContainerPort[] {
    return PORT_NAMES.map((name) => ({
        name,
        containerPort: ports[name],
        ...(hostPorts === undefined ? {} : { hostPort: ports[name] }),
    }));
}

/** Where pods run. */
export interface Scheduling {
    /**
     * Labels of the nodes.
     * @default all nodes
     */
    readonly nodeSelector?: Readonly<Record<string, string>>;
    /**
     * Taints of nodes that do not keep the pods off, as a pod spells them.
     * @default none
     */
    readonly tolerations?: readonly k8s.types.input.core.v1.Toleration[];
}

/** Real nodes of Linux: a virtual node's label says something else, whatever taints of nodes a site's pods have to tolerate. */
const LINUX = { "kubernetes.io/os": "linux" };

/**
 * Where pods run: on nodes of Linux, on those whose ports they take, control planes among them, which kind's only node is; and
 * only where all pods of the stack may run.
 */
export function placement(
    hostPorts: HostPorts | undefined,
    { nodeSelector = {}, tolerations = [] }: Scheduling,
): Pick<k8s.types.input.core.v1.PodSpec, "nodeSelector" | "tolerations"> {
    const tolerated = [
        ...tolerations,
        ...(hostPorts === undefined
            ? []
            : [{ key: "node-role.kubernetes.io/control-plane", operator: "Exists", effect: "NoSchedule" }]),
    ];
    return {
        nodeSelector: { ...LINUX, ...nodeSelector, ...hostPorts?.nodeSelector },
        ...(tolerated.length === 0 ? {} : { tolerations: tolerated }),
    };
}
