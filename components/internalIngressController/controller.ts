import * as pulumi from "@pulumi/pulumi";
import { grant } from "../parts/grant";
import { PodDefaults } from "../parts/pods";
import { HostPorts, Ports } from "../parts/ports";

/** What each controller needs. */
export interface ControllerArgs {
    /** Namespace of the controller, and the only one whose Ingresses, Services and Secrets it serves. */
    readonly namespace: pulumi.Input<string>;
    /** Name of the IngressClass that is made; its controller value is `k8s.io/` and the name. */
    readonly ingressClassName: pulumi.Input<string>;
    /** Value of the IngressClass that this controller alone serves. */
    readonly controllerValue: pulumi.Output<string>;
    /** Address under which clients come, an IP address or a DNS name; it becomes the status of the Ingresses. */
    readonly address: pulumi.Input<string>;
    /** Ports on which the controller's pods answer; plain HTTP is only redirected. */
    readonly ports: Ports;
    /** Port for HTTPS at the address, to which plain HTTP is redirected. */
    readonly outsidePort: number;
    /** The nodes on whose ports the controller answers; without, a load balancer leads to it. */
    readonly hostPorts?: HostPorts;
    /**
     * Networks, as CIDRs, from which clients may come, where the pods see the clients' own addresses; empty lets all come.
     * @default []
     */
    readonly sourceRanges?: readonly string[];
    /**
     * Name of the Secret, in the namespace, with the certificate for clients that name no host, such as those that come by IP
     * address, and of Ingresses that have none of their own. It must exist before the component: `dependsOn` whatever makes it.
     */
    readonly defaultCertificateSecretName: string;
    /**
     * What the pods have in common with all others.
     * @default {}
     */
    readonly pods?: PodDefaults;
    /**
     * Whether the controller has metrics for Prometheus, and whether a PodMonitor tells its operator of them.
     * @default none
     */
    readonly metrics?: { readonly podMonitor: boolean };
}

/** Lets a controller's service account read the classes of the cluster: all that it may read beyond its namespace. */
export function classReader(
    name: string,
    { namespace, ingressClassName }: ControllerArgs,
    serviceAccountName: pulumi.Input<string>,
    parent: pulumi.Resource,
): pulumi.Resource {
    return grant(
        `${name}-cluster`,
        {
            // Named like the class, which is the cluster's only one of its name.
            roleName: pulumi.interpolate`${ingressClassName}-controller`,
            serviceAccountName,
            namespace,
            scope: "cluster",
            rules: [
                { apiGroups: ["networking.k8s.io"], resources: ["ingressclasses"], verbs: ["get", "list", "watch"] },
            ],
        },
        { parent },
    );
}
