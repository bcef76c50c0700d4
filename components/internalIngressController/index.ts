import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { checkArguments } from "../parts/arguments";
import { clientsOutside, fromCluster, networkPolicy } from "../parts/networkPolicy";
import { podMonitor } from "../parts/podMonitor";
import { ControllerArgs } from "./controller";
import { ingressNginx, IngressNginxSoftware } from "./ingressNginx";
import { HEALTH_PORT, traefik, TraefikSoftware } from "./traefik";

/** The controllers that the component can run. */
export const CONTROLLERS = ["traefik", "ingress-nginx"] as const;

/** Ports of the controllers' metrics: Traefik's is that of its health answer. */
const METRICS_PORTS = { traefik: HEALTH_PORT, "ingress-nginx": 10254 } as const;

/** Arguments of InternalIngressController. */
export interface InternalIngressControllerArgs extends Omit<ControllerArgs, "controllerValue"> {
    /** Which controller runs, and where it comes from. */
    readonly software: TraefikSoftware | IngressNginxSoftware;
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
        networkPolicy(
            `${name}-network-policy`,
            {
                metadata: { name, namespace: args.namespace },
                matchLabels: { "app.kubernetes.io/instance": name },
                traffic: (toApiServer) => ({
                    ingress: [
                        clientsOutside(args.ports, args.sourceRanges ?? []),
                        ...(args.metrics === undefined ? [] : [fromCluster(METRICS_PORTS[software.type])]),
                    ],
                    // An Ingress leads to Services beside it alone, and TLS is passed through to the proxy beside it.
                    egress: [toApiServer, { to: [{ podSelector: {} }] }],
                }),
            },
            args.pods ?? {},
            { parent: this },
        );
        const controllerArgs = { ...args, controllerValue };
        const ready =
            software.type === "traefik"
                ? traefik(name, software, controllerArgs, this)
                : ingressNginx(name, software, controllerArgs, this);

        if (args.metrics?.podMonitor) {
            const labels = { "app.kubernetes.io/instance": name };
            const metadata = { name, namespace: args.namespace, labels };
            podMonitor(name, metadata, [software.type === "traefik" ? "health" : "metrics"], this);
        }

        this.ingressClassName = pulumi.all([ingressClass.metadata.name, ready]).apply(([className]) => className);
        this.registerOutputs({ ingressClassName: this.ingressClassName });
    }
}
