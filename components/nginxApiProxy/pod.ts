import { dirname } from "node:path";
import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { KEEP_ALIVE } from "../parts/limits";
import { gracefulEnd, spread } from "../parts/availability";
import { podDefaults, RESTRICTED_CONTAINER } from "../parts/pods";
import { HostPorts } from "../parts/ports";
import { GATE_TOKEN_DIRECTORY } from "./gate";

/** Port of the health answers, and of the metrics of connections; not for clients. */
export const HEALTH_PORT = 8081;
/** Folder with the proxy's own tls.crt and tls.key. */
export const CERTIFICATE_DIRECTORY = "/etc/nginx/tls";
/** File with the certificate authority of the API server. */
export const API_SERVER_CA_FILE = "/etc/nginx/api-server-ca/ca.crt";
/** Folder with nginx.conf and start.sh. */
export const CONFIGURATION_DIRECTORY = "/etc/nginx/api-proxy";

/** What the proxy's pod depends on. */
export interface PodArgs {
    /** Image with an unprivileged nginx. */
    readonly image: pulumi.Input<string>;
    /** Ports for clients. */
    readonly ports: readonly k8s.types.input.core.v1.ContainerPort[];
    /** Labels of the pods. */
    readonly labels: Readonly<Record<string, string>>;
    /** The nodes whose ports the pods take, if they do. */
    readonly hostPorts?: HostPorts;
    /** What the pod has in common with all others. */
    readonly defaults: ReturnType<typeof podDefaults>;
    /** Name of the ConfigMap with nginx.conf and start.sh. */
    readonly configurationName: pulumi.Input<string>;
    /** Name of the Secret with the proxy's certificate. */
    readonly tlsSecretName: pulumi.Input<string>;
    /** Containers beside nginx. */
    readonly sidecars: readonly k8s.types.input.core.v1.Container[];
    /** The account by which nginx asks whose tokens its clients have; without, the pod has no token. */
    readonly serviceAccountName: pulumi.Input<string> | undefined;
}

/** The pod of the proxy: one nginx, unprivileged, with a token of its own only where it asks whose its clients' are. */
export function podSpec(args: PodArgs): k8s.types.input.core.v1.PodSpec {
    const end = gracefulEnd(args.hostPorts);
    const { serviceAccountName } = args;
    return {
        // Left out, the one before would stay: the API server keeps it in the field's older name, serviceAccount.
        serviceAccountName: serviceAccountName ?? "default",
        // The proxy passes on its clients' tokens, never its own.
        automountServiceAccountToken: false,
        enableServiceLinks: false,
        // The image has a user of its own.
        ...args.defaults,
        ...end.pod,
        topologySpreadConstraints: spread(args.labels),
        securityContext: {
            ...args.defaults.securityContext,
            // nginx itself cannot say how often TCP asks on the way to the API server; safe ones since Kubernetes 1.29.
            sysctls: [
                { name: "net.ipv4.tcp_keepalive_time", value: String(KEEP_ALIVE.idle) },
                { name: "net.ipv4.tcp_keepalive_intvl", value: String(KEEP_ALIVE.interval) },
                { name: "net.ipv4.tcp_keepalive_probes", value: String(KEEP_ALIVE.probes) },
            ],
        },
        containers: [
            {
                name: "nginx",
                image: args.image,
                command: ["sh", `${CONFIGURATION_DIRECTORY}/start.sh`],
                ports: [...args.ports, { name: "health", containerPort: HEALTH_PORT }],
                readinessProbe: { httpGet: { path: "/healthz", port: "health" }, periodSeconds: 2 },
                livenessProbe: { httpGet: { path: "/healthz", port: "health" }, periodSeconds: 10 },
                // After it the image's stop signal, SIGQUIT, lets nginx finish what it has.
                ...end.container,
                resources: { requests: { cpu: "50m", memory: "32Mi" }, limits: { cpu: "2", memory: "1Gi" } },
                securityContext: { ...RESTRICTED_CONTAINER, readOnlyRootFilesystem: true },
                volumeMounts: [
                    { name: "configuration", mountPath: CONFIGURATION_DIRECTORY, readOnly: true },
                    { name: "tls", mountPath: CERTIFICATE_DIRECTORY, readOnly: true },
                    { name: "api-server-ca", mountPath: dirname(API_SERVER_CA_FILE), readOnly: true },
                    { name: "tmp", mountPath: "/tmp" },
                    ...(serviceAccountName === undefined
                        ? []
                        : [{ name: "token", mountPath: GATE_TOKEN_DIRECTORY, readOnly: true }]),
                ],
            },
            ...args.sidecars,
        ],
        volumes: [
            { name: "configuration", configMap: { name: args.configurationName } },
            { name: "tls", secret: { secretName: args.tlsSecretName } },
            // The cluster's own CA, which Kubernetes publishes into every namespace.
            { name: "api-server-ca", configMap: { name: "kube-root-ca.crt" } },
            { name: "tmp", emptyDir: {} },
            ...(serviceAccountName === undefined
                ? []
                : [{ name: "token", projected: { sources: [{ serviceAccountToken: { path: "token" } }] } }]),
        ],
    };
}
