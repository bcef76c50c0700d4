import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { PORT_NAMES, Ports } from "../parts/ports";

export { providerAnnotations, PROVIDERS } from "./providers";

/** Arguments of LoadBalancer. */
export interface LoadBalancerArgs {
    /** Namespace of the Service and of the pods that it leads to. */
    readonly namespace: pulumi.Input<string>;
    /** Labels of the pods; they need not be there yet, and have container ports named http and https. */
    readonly selector: Readonly<Record<string, string>>;
    /** Ports of the load balancer. */
    readonly ports: Ports;
    /** Annotations that tell the load balancer's implementation what to make. */
    readonly annotations: Readonly<Record<string, pulumi.Input<string>>>;
    /** Networks, as CIDRs, from which clients may come; empty lets all come that reach the address. */
    readonly sourceRanges: readonly string[];
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
                    ports: PORT_NAMES.map((name) => ({ name, port: args.ports[name], targetPort: name })),
                },
            },
            { parent: this },
        );
        this.address = service.status.apply(({ loadBalancer }) => {
            const [first] = loadBalancer.ingress;
            return first?.ip ?? first?.hostname ?? "";
        });
        this.registerOutputs({ address: this.address });
    }
}
