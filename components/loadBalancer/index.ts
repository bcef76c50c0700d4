import { isIP } from "node:net";
import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { PORT_NAMES, Ports } from "../parts/ports";

export { PROVIDER_TABLE, providerAnnotations, PROVIDERS } from "./providers";

/** What becomes of connections at a node: passed on to any pod, or to the node's own pods with the client's address. */
export const TRAFFIC_POLICIES = ["Cluster", "Local"] as const;

/** Ports of a load balancer in front of pods: the given one for HTTPS and, beside 443, the well-known 80 for plain HTTP. */
export function outsidePorts(pods: Ports, https = pods.https): Ports {
    return { http: https === 443 ? 80 : pods.http, https };
}

/** Arguments of LoadBalancer. */
export interface LoadBalancerArgs {
    /** Namespace of the Service and of the pods that it leads to. */
    readonly namespace: pulumi.Input<string>;
    /** Labels of the pods; they need not be there yet, and have container ports named http and https. */
    readonly selector: Readonly<Record<string, string>>;
    /** Ports of the load balancer; the pods have their own. */
    readonly ports: Ports;
    /** Address that it will have, where it is known; an IP address decides on the Service's family. */
    readonly address?: string;
    /** Annotations that tell the load balancer's implementation what to make. */
    readonly annotations: Readonly<Record<string, pulumi.Input<string>>>;
    /** Networks, as CIDRs, from which clients may come; empty lets all come that reach the address. */
    readonly sourceRanges: readonly string[];
    /**
     * Class of the implementation that makes it, where the cluster has several.
     * @default none: whichever serves Services without a class
     */
    readonly class?: string;
    /**
     * Whether nodes pass connections on to each other, or keep the client's address and answer only where a pod runs.
     * @default "Cluster"
     */
    readonly externalTrafficPolicy?: (typeof TRAFFIC_POLICIES)[number];
    /**
     * Whether nodes offer it at ports of their own too, which load balancers outside the cluster need and source ranges
     * do not guard.
     * @default true
     */
    readonly nodePorts?: boolean;
}

/**
 * A Service of type LoadBalancer, made before the pods that it leads to: its address stands in the certificate that they
 * need to start.
 */
export class LoadBalancer extends pulumi.ComponentResource {
    /** Address that the implementation gave: an IP address or, from AWS, a DNS name. */
    readonly address: pulumi.Output<string>;

    constructor(name: string, args: LoadBalancerArgs, opts?: pulumi.ComponentResourceOptions) {
        super("interlink:index:LoadBalancer", name, args, opts);
        const service = new k8s.core.v1.Service(
            `${name}-service`,
            {
                metadata: {
                    name,
                    namespace: args.namespace,
                    annotations: {
                        ...args.annotations,
                        // Not Pulumi's own condition, which waits for pods as well.
                        "pulumi.com/waitFor": "jsonpath={.status.loadBalancer.ingress[0]}",
                    },
                },
                spec: {
                    type: "LoadBalancer",
                    selector: { ...args.selector },
                    loadBalancerSourceRanges: [...args.sourceRanges],
                    loadBalancerClass: args.class,
                    externalTrafficPolicy: args.externalTrafficPolicy,
                    allocateLoadBalancerNodePorts: args.nodePorts,
                    ...families(args.address),
                    ports: PORT_NAMES.map((name) => ({ name, port: args.ports[name], targetPort: name })),
                },
            },
            // Kubernetes never changes a class, and the next Service has the same name.
            { parent: this, replaceOnChanges: ["spec.loadBalancerClass"], deleteBeforeReplace: true },
        );
        this.address = service.status.apply(({ loadBalancer }) => {
            const [first] = loadBalancer.ingress;
            return first?.ip ?? first?.hostname ?? "";
        });
        this.registerOutputs({ address: this.address });
    }
}

/** The family of an IP address, which need not be the cluster's first one; the cluster's default where there is none. */
function families(address = ""): Pick<k8s.types.input.core.v1.ServiceSpec, "ipFamilies" | "ipFamilyPolicy"> {
    const version = isIP(address);
    return version === 0 ? {} : { ipFamilyPolicy: "SingleStack", ipFamilies: [`IPv${version}`] };
}
