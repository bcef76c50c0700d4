import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { checkArguments, hostAndPort } from "../parts/arguments";
import { disruptionBudget, frontReplicas } from "../parts/availability";
import { EgressRule, fromCluster, networkPolicy, TO_DNS, Traffic } from "../parts/networkPolicy";
import { PodDefaults } from "../parts/pods";
import { Ports } from "../parts/ports";
import { podMonitor } from "../parts/podMonitor";
import { certificateFor, Clients, fromClients, hostPortsOf } from "./clients";
import { API_PATHS, proxyDeployment } from "./deployment";
import { Admit } from "./gate";
import { DEFAULT_LIMITS, Limits, limitsChecks } from "./limits";
import { Metrics, METRICS_PORT } from "./metrics";
import { HEALTH_PORT } from "./pod";

export { ADMIT, type Admit } from "./gate";
export { DEFAULT_LIMITS } from "./limits";

/** Arguments of NginxApiProxy. */
export interface NginxApiProxyArgs {
    /** Namespace of the proxy: the Ingress's, since an Ingress serves only Services beside it. */
    readonly namespace: pulumi.Input<string>;
    /** Image with an unprivileged nginx of 1.19.10 or later. */
    readonly image: pulumi.Input<string>;
    /** Who the proxy's clients are. */
    readonly clients: Clients;
    /** Ports of the pods; the Service has the one for HTTPS, the other one serves clients outside alone. */
    readonly ports: Ports;
    /**
     * Number of pods, zero or more.
     * @default 2; 1 where pods take a node's ports
     */
    readonly replicas?: number;
    /**
     * What the pods have in common with all others.
     * @default {}
     */
    readonly pods?: PodDefaults;
    /**
     * How much a client may take of each pod.
     * @default DEFAULT_LIMITS
     */
    readonly limits?: Limits;
    /**
     * Where metrics for Prometheus come from.
     * @default none are made
     */
    readonly metrics?: Metrics;
    /**
     * Whose requests are passed on; for jobs' the image has to hold nginx's JavaScript module, 0.7.9 or later.
     * @default { type: "all" }
     */
    readonly admit?: Admit;
}

/**
 * A reverse proxy in front of the Kubernetes API server: the guide's "NGINX HTTPS", with TLS on both sides, the API
 * server's certificate verified, and watches, logs and exec passed through.
 */
export class NginxApiProxy extends pulumi.ComponentResource {
    /** Name of the proxy's Service, in the namespace that was given. */
    readonly serviceName: pulumi.Output<string>;
    /** Port of the Service; it speaks HTTPS. */
    readonly servicePort: number;
    /** Address and port of the Service in the cluster, such as 10.96.1.2:60443; no name has to be looked up for them. */
    readonly serviceAddress: pulumi.Output<string>;
    /** DNS name in the proxy's certificate for a controller that ends TLS, which verifies it. */
    readonly serverName: pulumi.Output<string>;
    /** Path prefixes that the proxy passes on; it answers 404 to all others. */
    readonly paths: readonly string[] = API_PATHS;

    constructor(name: string, args: NginxApiProxyArgs, opts?: pulumi.ComponentResourceOptions) {
        super("interlink:index:NginxApiProxy", name, args, opts);
        const { clients, ports, metrics, admit = { type: "all" }, limits = DEFAULT_LIMITS } = args;
        const { replicas = frontReplicas(hostPortsOf(clients)) } = args;
        checkArguments(this, [
            {
                key: "replicas",
                value: replicas,
                ok: Number.isInteger(replicas) && replicas >= 0,
                allowed: "a whole number of zero or more",
            },
            ...limitsChecks(limits),
        ]);
        const labels = { "app.kubernetes.io/name": "nginx-api-proxy", "app.kubernetes.io/instance": name };
        const metadata = { name, namespace: args.namespace, labels };

        this.servicePort = ports.https;
        this.serverName = pulumi.interpolate`${name}.${args.namespace}.svc`;
        const certificate = certificateFor(name, clients, metadata, this.serverName, this);

        const deployment = proxyDeployment(
            name,
            { ...args, limits, admit },
            { metadata, replicas, ...certificate },
            this,
        );
        disruptionBudget(name, metadata, labels, replicas, this);
        if (metrics?.podMonitor) {
            podMonitor(name, metadata, ["health", "metrics"], this);
        }
        networkPolicy(
            `${name}-network-policy`,
            { metadata, matchLabels: labels, traffic: (toApiServer) => traffic(args, toApiServer) },
            args.pods ?? {},
            { parent: this },
        );

        const service = new k8s.core.v1.Service(
            `${name}-service`,
            {
                metadata,
                spec: { selector: labels, ports: [{ name: "https", port: ports.https, targetPort: "https" }] },
            },
            { parent: this, dependsOn: [deployment] },
        );

        this.serviceName = service.metadata.name;
        this.serviceAddress = service.spec.clusterIP.apply((ip) => hostAndPort(ip, ports.https));
        this.registerOutputs({
            serviceName: this.serviceName,
            servicePort: this.servicePort,
            serviceAddress: this.serviceAddress,
            serverName: this.serverName,
        });
    }
}

/** What the pods may receive and send: their clients' requests, what reads metrics, the API server, and names. */
function traffic({ clients, ports, metrics }: NginxApiProxyArgs, toApiServer: EgressRule): Traffic {
    return {
        ingress: [
            fromClients(clients, ports),
            ...(metrics === undefined ? [] : [fromCluster(HEALTH_PORT, METRICS_PORT)]),
        ],
        egress: [toApiServer, TO_DNS],
    };
}
