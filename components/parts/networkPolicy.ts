import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { PodDefaults } from "./pods";
import { Ports } from "./ports";

type NetworkPolicyPort = k8s.types.input.networking.v1.NetworkPolicyPort;
/** What may come in, as a NetworkPolicy spells it. */
export type IngressRule = k8s.types.input.networking.v1.NetworkPolicyIngressRule;
/** What may go out, as a NetworkPolicy spells it. */
export type EgressRule = k8s.types.input.networking.v1.NetworkPolicyEgressRule;

/** All that pods may receive and send, besides answers and what their own node sends, such as kubelet's probes. */
export interface Traffic {
    /**
     * What may come in.
     * @default nothing
     */
    readonly ingress?: IngressRule[];
    /**
     * What may go out.
     * @default nothing
     */
    readonly egress?: EgressRule[];
}

/** A NetworkPolicy of one component's pods. */
export interface NetworkPolicyArgs {
    /** Its name and namespace. */
    readonly metadata: { readonly name: pulumi.Input<string>; readonly namespace: pulumi.Input<string> };
    /**
     * Labels of the pods.
     * @default all pods of the namespace
     */
    readonly matchLabels?: Readonly<Record<string, string>>;
    /** The pods' traffic, by the rule that leads to the API server. */
    readonly traffic: (toApiServer: EgressRule) => pulumi.Input<Traffic>;
}

/** DNS servers: in pods, on nodes or elsewhere; OpenShift's pods answer on 5353. */
export const TO_DNS: EgressRule = {
    ports: [53, 5353].flatMap((port) => [
        { protocol: "UDP", port },
        { protocol: "TCP", port },
    ]),
};

/**
 * Makes a NetworkPolicy, unless the stack is to have none. The API server is let out to by its ports alone: it runs on nodes
 * or outside, which no selector names and some implementations find in no range of addresses.
 */
export function networkPolicy(
    name: string,
    { metadata, matchLabels = {}, traffic }: NetworkPolicyArgs,
    { networkPolicies }: PodDefaults,
    opts: pulumi.CustomResourceOptions,
): void {
    if (networkPolicies === undefined) {
        return;
    }
    const rules = traffic({ ports: networkPolicies.apiServerPorts.map(tcp) });
    new k8s.networking.v1.NetworkPolicy(
        name,
        {
            metadata,
            spec: pulumi.output(rules).apply((allowed) => ({
                podSelector: { matchLabels },
                policyTypes: ["Ingress", "Egress"],
                ...allowed,
            })),
        },
        opts,
    );
}

/** A TCP port as a NetworkPolicy spells it. */
export function tcp(port: number): NetworkPolicyPort {
    return { protocol: "TCP", port };
}

/** Pods of the cluster, such as Prometheus, at ports of metrics. */
export function fromCluster(...ports: number[]): IngressRule {
    return { from: [{ namespaceSelector: {} }], ports: ports.map(tcp) };
}

/** Clients outside the cluster, from the networks that are given as CIDRs or, without, from anywhere. */
export function clientsOutside({ http, https }: Ports, sourceRanges: readonly string[]): IngressRule {
    const from = sourceRanges.map((cidr) => ({ ipBlock: { cidr } }));
    return { ports: [http, https].map(tcp), ...(from.length > 0 && { from }) };
}
