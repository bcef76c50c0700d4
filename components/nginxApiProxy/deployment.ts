import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { rollout } from "../parts/availability";
import { MAX_BODY_SIZE, SILENCE_SECONDS } from "../parts/limits";
import { PodDefaults, podDefaults, userIds } from "../parts/pods";
import { containerPorts, Ports } from "../parts/ports";
import { admission } from "./admission";
import { Clients, hostPortsOf, sourceRangesOf } from "./clients";
import { nginxConfiguration } from "./configuration";
import { Admit, GATE_SCRIPT, gateScript } from "./gate";
import { Limits } from "./limits";
import { Metrics, METRICS_PROGRAM, REQUEST_LOG, requestCounter, requestMetrics } from "./metrics";
import { API_SERVER_CA_FILE, CERTIFICATE_DIRECTORY, CONFIGURATION_DIRECTORY, HEALTH_PORT, podSpec } from "./pod";
import { startScript } from "./start";

/**
 * What kubectl and the client libraries ask the API server for: the guide's /api and /apis, and discovery, version,
 * health and the token issuer's keys.
 */
export const API_PATHS = [
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

/** Those of the proxy's arguments that its pods depend on. */
interface ProxyArgs {
    readonly image: pulumi.Input<string>;
    readonly clients: Clients;
    readonly ports: Ports;
    readonly pods?: PodDefaults;
    readonly limits: Limits;
    readonly metrics?: Metrics;
    readonly admit: Admit;
}

/** What the Deployment depends on besides the proxy's arguments. */
interface DeploymentArgs {
    /** Its name, namespace and labels, which its pods have too. */
    readonly metadata: {
        readonly name: string;
        readonly namespace: pulumi.Input<string>;
        readonly labels: Readonly<Record<string, string>>;
    };
    /** Number of pods. */
    readonly replicas: number;
    /** Name of the Secret with the proxy's certificate. */
    readonly tlsSecretName: pulumi.Input<string>;
    /** What has to be there before the pods. */
    readonly needed: readonly pulumi.Resource[];
}

/** The Deployment of the proxy, its files, and its account where it asks whose its clients' tokens are. */
export function proxyDeployment(
    name: string,
    args: ProxyArgs,
    { metadata, replicas, tlsSecretName, needed }: DeploymentArgs,
    parent: pulumi.Resource,
): k8s.apps.v1.Deployment {
    const { clients, ports, metrics, admit, pods = {} } = args;
    const { namespace, labels } = metadata;
    const hostPorts = hostPortsOf(clients);
    const configuration = new k8s.core.v1.ConfigMap(
        `${name}-configuration`,
        // No fixed name: a changed configuration gets a new one, and with it the pods are rolled.
        { metadata: { namespace, labels }, immutable: true, data: files(args) },
        { parent },
    );
    const gate = admit.type === "jobs" ? admission(name, admit, namespace, parent) : undefined;
    const spec = podSpec({
        image: args.image,
        ports: containerPorts(ports, hostPorts).filter(({ name }) => clients.type === "outside" || name === "https"),
        labels,
        hostPorts,
        defaults: podDefaults(pods, {}, hostPorts),
        configurationName: configuration.metadata.name,
        tlsSecretName,
        sidecars: metrics === undefined ? [] : [requestCounter(metrics.image, CONFIGURATION_DIRECTORY, userIds(pods))],
        serviceAccountName: gate?.serviceAccountName,
    });
    return new k8s.apps.v1.Deployment(
        `${name}-deployment`,
        {
            metadata,
            spec: {
                replicas,
                selector: { matchLabels: labels },
                strategy: rollout(hostPorts),
                template: { metadata: { labels }, spec },
            },
        },
        { parent, dependsOn: [...needed, ...(gate?.needed ?? [])] },
    );
}

/** The files of the pod, by their names: nginx's configuration, the script that starts it, what counts its requests, whom it admits. */
function files({ clients, ports, metrics, limits, admit }: ProxyArgs): Record<string, pulumi.Input<string>> {
    return {
        "nginx.conf": nginxConfiguration({
            port: ports.https,
            clients: clients.type,
            redirect: clients.type === "outside" ? { from: ports.http, to: clients.port } : undefined,
            sourceRanges: sourceRangesOf(clients),
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
