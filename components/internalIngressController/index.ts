import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { checkArguments } from "../parts/arguments";
import { ingressNginx, IngressNginxSoftware } from "./ingressNginx";
import { HostPorts, Ports } from "../parts/ports";
import { traefik, TraefikSoftware } from "./traefik";

/** The controllers that the component can run. */
export const CONTROLLERS = ["traefik", "ingress-nginx"] as const;

/** Arguments of InternalIngressController. */
export interface InternalIngressControllerArgs {
    /** Which controller runs, and where it comes from. */
    readonly software: TraefikSoftware | IngressNginxSoftware;
    /** Namespace of the controller, and the only one whose Ingresses, Services and Secrets it serves. */
    readonly namespace: pulumi.Input<string>;
    /** Name of the IngressClass that is made; its controller value is `k8s.io/` and the name. */
    readonly ingressClassName: pulumi.Input<string>;
    /** Address under which clients come, an IP address or a DNS name; it becomes the status of the Ingresses. */
    readonly address: pulumi.Input<string>;
    /** Ports on which the controller's pods answer; plain HTTP is only redirected. */
    readonly ports: Ports;
    /** The nodes on whose ports the controller answers; without, a load balancer leads to it. */
    readonly hostPorts?: HostPorts;
    /**
     * Name of the Secret, in the namespace, with the certificate for clients that name no host: those that come by IP address.
     * It must exist before the component: `dependsOn` whatever makes it.
     */
    readonly defaultCertificateSecretName: string;
}

/** What each controller needs: the component's arguments, and what follows from them. */
export interface ControllerArgs extends Omit<InternalIngressControllerArgs, "software"> {
    /** Value of the IngressClass that this controller alone serves. */
    readonly controllerValue: pulumi.Output<string>;
}

/**
 * An ingress controller for traffic between Kubernetes and the HPC site alone, apart from whatever serves the public: a
 * class, a controller value and a namespace of its own. Its pods have the label `app.kubernetes.io/instance` with the
 * component's name.
 */
export class InternalIngressController extends pulumi.ComponentResource {
    /** Name of the IngressClass; resolves when the controller serves it. */
    readonly ingressClassName: pulumi.Output<string>;

    constructor(name: string, args: InternalIngressControllerArgs, opts?: pulumi.ComponentResourceOptions) {
        super("interlink:index:InternalIngressController", name, args, opts);
        const { software } = args;
        checkArguments(this, [
            {
                key: "software.type",
                value: software.type,
                ok: CONTROLLERS.includes(software.type),
                allowed: CONTROLLERS.join(" or "),
            },
        ]);
        const controllerValue = pulumi.interpolate`k8s.io/${args.ingressClassName}`;

        const ingressClass = new k8s.networking.v1.IngressClass(
            `${name}-class`,
            { metadata: { name: args.ingressClassName }, spec: { controller: controllerValue } },
            { parent: this },
        );
        const controllerArgs = { ...args, controllerValue };
        const ready =
            software.type === "traefik"
                ? traefik(name, software, controllerArgs, this)
                : ingressNginx(name, software, controllerArgs, this);

        this.ingressClassName = pulumi.all([ingressClass.metadata.name, ready]).apply(([className]) => className);
        this.registerOutputs({ ingressClassName: this.ingressClassName });
    }
}
