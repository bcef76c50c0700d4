import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { checkArguments } from "../parts/arguments";
import { disruptionBudget, frontReplicas, rollout } from "../parts/availability";
import { MAX_BODY_SIZE, SILENCE_SECONDS } from "../parts/limits";
import { fromCluster, networkPolicy, TO_DNS } from "../parts/networkPolicy";
import { PodDefaults, podDefaults, userIds } from "../parts/pods";
import { containerPorts, Ports } from "../parts/ports";
import { serverCertificate } from "../parts/serverCertificate";
import { podMonitor } from "../parts/podMonitor";
import { admission } from "./admission";
import { Clients, fromClients } from "./clients";
import { nginxConfiguration } from "./configuration";
import { Admit, GATE_SCRIPT, gateScript } from "./gate";
import { DEFAULT_LIMITS, Limits, limitsChecks } from "./limits";
import { Metrics, METRICS_PORT, METRICS_PROGRAM, REQUEST_LOG, requestCounter, requestMetrics } from "./metrics";
import { API_SERVER_CA_FILE, CERTIFICATE_DIRECTORY, CONFIGURATION_DIRECTORY, HEALTH_PORT, podSpec } from "./pod";
import { startScript } from "./start";

export { ADMIT, type Admit } from "./gate";
export { DEFAULT_LIMITS } from "./limits";

/**
 * What kubectl and the client libraries ask the API server for: the guide's /api and /apis, and discovery, version,
 * health and the token issuer's keys.
 */
const API_PATHS = [
    "/api",
    "/apis",
    "/openapi",
    "/version",
    "/healthz",
    "/livez",
    "/readyz",
    "/.well-known",
    "/openid",
] as const;

/** Arguments of NginxApiProxy. */
export interface NginxApiProxyArgs {
    /** Namespace of the proxy: the Ingress's, since an Ingress serves only Services beside it. */
    readonly namespace: pulumi.Input<string>;
    /** Image with an unprivileged nginx of 1.15.9 or later. */
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
    /** DNS name in the proxy's certificate for a controller, which verifies it. */
    readonly serverName: pulumi.Output<string>;
    /** Name of the Secret with the proxy's certificate; its ca.crt verifies the proxy. */
    readonly tlsSecretName: pulumi.Input<string>;
    /** Path prefixes that the proxy passes on; it answers 404 to all others. */
    readonly paths: readonly string[] = API_PATHS;

    constructor(name: string, args: NginxApiProxyArgs, opts?: pulumi.ComponentResourceOptions) {
        super("interlink:index:NginxApiProxy", name, args, opts);
        const { clients, ports, metrics, admit = { type: "all" }, limits = DEFAULT_LIMITS } = args;
        const hostPorts = clients.type === "outside" ? clients.hostPorts : undefined;
        const { replicas = frontReplicas(hostPorts) } = args;
        checkArguments(this, [
            {
                key: "replicas",
                value: replicas,
                ok: Number.isInteger(replicas) && replicas >= 0,
                allowed: "a whole number of zero or more",
            },
            ...limitsChecks(limits),
        ]);
        const parent = { parent: this };
        const labels = { "app.kubernetes.io/name": "nginx-api-proxy", "app.kubernetes.io/instance": name };
        const metadata = { name, namespace: args.namespace, labels };

        this.servicePort = ports.https;
        this.serverName = pulumi.interpolate`${name}.${args.namespace}.svc`;
        this.tlsSecretName = clients.type === "outside" ? clients.tlsSecretName : `${name}-tls`;

        const certificates =
            clients.type === "outside"
                ? []
                : [
                      serverCertificate(
                          `${name}-certificate`,
                          {
                              metadata,
                              secretName: `${name}-tls`,
                              issuerRef: clients.issuerRef,
                              spec: { dnsNames: [this.serverName] },
                          },
                          this,
                      ),
                  ];

        const configuration = new k8s.core.v1.ConfigMap(
            `${name}-configuration`,
            {
                // No fixed name: a changed configuration gets a new one, and with it the pods are rolled.
                metadata: { namespace: args.namespace, labels },
                immutable: true,
                data: files(args, limits, admit),
            },
            parent,
        );

        const gate = admit.type === "jobs" ? admission(name, admit, args.namespace, this) : undefined;

        const deployment = new k8s.apps.v1.Deployment(
            `${name}-deployment`,
            {
                metadata,
                spec: {
                    replicas,
                    selector: { matchLabels: labels },
                    strategy: rollout(hostPorts),
                    template: {
                        metadata: { labels },
                        spec: podSpec({
                            image: args.image,
                            ports: containerPorts(ports, hostPorts).filter(
                                ({ name }) => clients.type === "outside" || name === "https",
                            ),
                            labels,
                            hostPorts,
                            defaults: podDefaults(args.pods ?? {}, {}, hostPorts),
                            configurationName: configuration.metadata.name,
                            tlsSecretName: this.tlsSecretName,
                            sidecars:
                                metrics === undefined
                                    ? []
                                    : [
                                          requestCounter(
                                              metrics.image,
                                              CONFIGURATION_DIRECTORY,
                                              userIds(args.pods ?? {}),
                                          ),
                                      ],
                            serviceAccountName: gate?.serviceAccountName,
                        }),
                    },
                },
            },
            { parent: this, dependsOn: [...certificates, ...(gate?.needed ?? [])] },
        );
        disruptionBudget(name, metadata, labels, replicas, this);
        if (metrics?.podMonitor) {
            podMonitor(name, metadata, ["health", "metrics"], this);
        }

        networkPolicy(
            `${name}-network-policy`,
            {
                metadata,
                matchLabels: labels,
                traffic: (toApiServer) => ({
                    ingress: [
                        fromClients(clients, ports),
                        ...(metrics === undefined ? [] : [fromCluster(HEALTH_PORT, METRICS_PORT)]),
                    ],
                    egress: [toApiServer, TO_DNS],
                }),
            },
            args.pods ?? {},
            parent,
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
        this.registerOutputs({
            serviceName: this.serviceName,
            servicePort: this.servicePort,
            serverName: this.serverName,
            tlsSecretName: this.tlsSecretName,
        });
    }
}

/** The files of the pod, by their names: nginx's configuration, the script that starts it, what counts its requests, whom it admits. */
function files(
    { clients, ports, metrics }: NginxApiProxyArgs,
    limits: Limits,
    admit: Admit,
): Record<string, pulumi.Input<string>> {
    return {
        "nginx.conf": nginxConfiguration({
            port: ports.https,
            redirect: clients.type === "outside" ? { from: ports.http, to: clients.port } : undefined,
            sourceRanges: clients.type === "outside" ? clients.sourceRanges : [],
            healthPort: HEALTH_PORT,
            paths: API_PATHS,
            readTimeoutSeconds: SILENCE_SECONDS,
            maxBodySize: MAX_BODY_SIZE,
            certificateDirectory: CERTIFICATE_DIRECTORY,
            apiServerCaFile: API_SERVER_CA_FILE,
            // After a change of what nginx reads; in a pod that goes, its grace period ends them earlier.
            shutdownSeconds: SILENCE_SECONDS,
            limits,
            metrics: metrics !== undefined,
            admit: admit.type,
            configurationDirectory: CONFIGURATION_DIRECTORY,
        }),
        "start.sh": startScript({
            configurationFile: `${CONFIGURATION_DIRECTORY}/nginx.conf`,
            apiServerCaFile: API_SERVER_CA_FILE,
            requestLog: metrics === undefined ? undefined : REQUEST_LOG,
        }),
        ...(metrics === undefined ? {} : { [METRICS_PROGRAM]: requestMetrics() }),
        ...(admit.type === "jobs" ? { [GATE_SCRIPT]: pulumi.output(admit.nodeNames).apply(gateScript) } : {}),
    };
}
