import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { stringify } from "yaml";
import { disruptionBudget, drain, frontReplicas, gracefulEnd, rollout, spread } from "../parts/availability";
import { grant } from "../parts/grant";
import { IDLE_SECONDS, REQUEST_HEADER_KIB, SILENCE_SECONDS } from "../parts/limits";
import { podDefaults, RESTRICTED_CONTAINER, userIds } from "../parts/pods";
import { containerPorts } from "../parts/ports";
import { classReader, ControllerArgs } from "./controller";

/** Port of the health answer and of metrics, not for clients. */
export const HEALTH_PORT = 8080;
const CONFIGURATION_DIRECTORY = "/etc/traefik/dynamic";
/** Path of the health answer that is there as soon as the dynamic configuration is. */
const READY_PATH = "/ready";

/** Traefik, as the component runs it. */
export interface TraefikSoftware {
    /** Which controller. */
    readonly type: "traefik";
    /** Image of Traefik 3.7 or later: before, it takes no notice of the annotations for timeouts and source ranges. */
    readonly image: pulumi.Input<string>;
    /**
     * Address and port, such as 10.96.1.2:60443, of the backend to which TLS is passed through, unless a client names a host that
     * an Ingress has; the backend is told by PROXY protocol whose connection it is.
     * @default none: Ingresses alone are served
     */
    readonly passThroughTo?: pulumi.Input<string>;
}

/**
 * Traefik, with its provider for ingress-nginx's annotations, so that an Ingress is the same for both controllers.
 * @returns an Output that resolves when it runs
 */
export function traefik(
    name: string,
    software: TraefikSoftware,
    args: ControllerArgs,
    parent: pulumi.Resource,
): pulumi.Output<unknown> {
    const labels = { "app.kubernetes.io/name": "traefik", "app.kubernetes.io/instance": name };
    const replicas = frontReplicas(args.hostPorts);
    const metadata = { name, namespace: args.namespace, labels };
    const serviceAccount = new k8s.core.v1.ServiceAccount(`${name}-service-account`, { metadata }, { parent });
    const grants = traefikGrants(name, args, serviceAccount, parent);

    const configuration = new k8s.core.v1.ConfigMap(
        `${name}-configuration`,
        {
            metadata: { namespace: args.namespace, labels },
            immutable: true,
            data: { "traefik.yaml": traefikDynamicConfiguration(software.passThroughTo) },
        },
        { parent },
    );

    const deployment = new k8s.apps.v1.Deployment(
        `${name}-deployment`,
        {
            metadata,
            spec: {
                replicas,
                selector: { matchLabels: labels },
                strategy: rollout(args.hostPorts),
                template: {
                    metadata: { labels },
                    spec: traefikPodSpec(software.image, args, labels, serviceAccount, configuration),
                },
            },
        },
        { parent, dependsOn: grants },
    );
    disruptionBudget(name, metadata, labels, replicas, parent);
    return deployment.id;
}

/** What Traefik may read: the classes of the cluster; Ingresses, Services, Secrets and ConfigMaps of its own namespace alone. */
function traefikGrants(
    name: string,
    args: ControllerArgs,
    serviceAccount: k8s.core.v1.ServiceAccount,
    parent: pulumi.Resource,
): pulumi.Resource[] {
    const serviceAccountName = serviceAccount.metadata.name;
    const read = ["get", "list", "watch"];
    return [
        classReader(name, args, serviceAccountName, parent),
        grant(
            name,
            {
                roleName: name,
                serviceAccountName,
                namespace: args.namespace,
                scope: "namespace",
                rules: [
                    // From 3.7 on it waits for the ConfigMaps, which annotations may name, before it serves anything.
                    { apiGroups: [""], resources: ["services", "secrets", "configmaps"], verbs: read },
                    { apiGroups: ["discovery.k8s.io"], resources: ["endpointslices"], verbs: read },
                    { apiGroups: ["networking.k8s.io"], resources: ["ingresses"], verbs: read },
                    { apiGroups: ["networking.k8s.io"], resources: ["ingresses/status"], verbs: ["update"] },
                ],
            },
            { parent },
        ),
    ];
}

/**
 * Traefik's dynamic configuration: the certificate of Ingresses that have none of their own, the answer that it has been read, and where
 * all others' TLS is passed through to. It lies in one folder with the certificate, because Traefik watches the folder and so reads the
 * certificate again when it was renewed.
 */
function traefikDynamicConfiguration(passThroughTo?: pulumi.Input<string>): pulumi.Output<string> {
    const ready = { entryPoints: ["traefik"], rule: `Path(\`${READY_PATH}\`)`, service: "ping@internal" };
    const certificate = {
        certFile: `${CONFIGURATION_DIRECTORY}/tls.crt`,
        keyFile: `${CONFIGURATION_DIRECTORY}/tls.key`,
    };
    return pulumi
        .output({
            http: { routers: { ready } },
            ...(passThroughTo === undefined ? {} : { tcp: passThrough(passThroughTo) }),
            tls: { stores: { default: { defaultCertificate: certificate } } },
        })
        .apply((configuration) => stringify(configuration, { lineWidth: 0 }));
}

/** TLS as it is to a backend, in Traefik's words. */
function passThrough(address: pulumi.Input<string>) {
    return {
        routers: {
            api: {
                entryPoints: ["websecure"],
                // Ingresses with a host come first. HostSNI(`*`), which matches as much, would come after those without one.
                rule: "HostSNIRegexp(`.*`)",
                // Below any rule with a host: else the longest goes first, of Ingresses whose TLS is passed through as well.
                priority: 1,
                tls: { passthrough: true },
                service: "api",
            },
        },
        services: { api: { loadBalancer: { servers: [{ address }], serversTransport: "api" } } },
        serversTransports: { api: { proxyProtocol: { version: 2 } } },
    };
}

/** The pod of Traefik: unprivileged. */
function traefikPodSpec(
    image: pulumi.Input<string>,
    args: ControllerArgs,
    labels: Readonly<Record<string, string>>,
    serviceAccount: k8s.core.v1.ServiceAccount,
    configuration: k8s.core.v1.ConfigMap,
): k8s.types.input.core.v1.PodSpec {
    const { pods = {} } = args;
    const { http, https } = args.ports;
    const end = gracefulEnd(args.hostPorts);
    return {
        serviceAccountName: serviceAccount.metadata.name,
        enableServiceLinks: false,
        ...podDefaults(pods, userIds(pods), args.hostPorts),
        ...end.pod,
        topologySpreadConstraints: spread(labels),
        containers: [
            {
                name: "traefik",
                image,
                args: [
                    "--global.checknewversion=false",
                    "--global.sendanonymoususage=false",
                    `--entrypoints.traefik.address=:${HEALTH_PORT}`,
                    `--entrypoints.web.address=:${http}`,
                    `--entrypoints.web.http.redirections.entrypoint.to=:${args.outsidePort}`,
                    "--entrypoints.web.http.redirections.entrypoint.scheme=https",
                    `--entrypoints.websecure.address=:${https}`,
                    "--entrypoints.websecure.http.tls=true",
                    // Of Ingresses, as with ingress-nginx: a minute, the default, ends long uploads.
                    `--entrypoints.websecure.transport.respondingtimeouts.readtimeout=${SILENCE_SECONDS}s`,
                    `--entrypoints.websecure.transport.respondingtimeouts.idletimeout=${IDLE_SECONDS}s`,
                    `--entrypoints.websecure.transport.lifecycle.gracetimeout=${drain(args.hostPorts).shutdown}s`,
                    `--entrypoints.websecure.http.maxheaderbytes=${REQUEST_HEADER_KIB * 1024}`,
                    "--ping=true",
                    // At the port of the health answer.
                    ...(args.metrics === undefined ? [] : ["--metrics.prometheus=true"]),
                    "--providers.kubernetesingressnginx=true",
                    pulumi.interpolate`--providers.kubernetesingressnginx.controllerclass=${args.controllerValue}`,
                    pulumi.interpolate`--providers.kubernetesingressnginx.ingressclass=${args.ingressClassName}`,
                    pulumi.interpolate`--providers.kubernetesingressnginx.watchnamespace=${args.namespace}`,
                    pulumi.interpolate`--providers.kubernetesingressnginx.publishstatusaddress=${args.address}`,
                    `--providers.file.directory=${CONFIGURATION_DIRECTORY}`,
                    "--providers.file.watch=true",
                ],
                ports: [...containerPorts(args.ports, args.hostPorts), { name: "health", containerPort: HEALTH_PORT }],
                // Before it has read the certificate, it would show clients one of its own; Ingresses come a moment later.
                readinessProbe: {
                    httpGet: { path: READY_PATH, port: "health" },
                    initialDelaySeconds: 2,
                    periodSeconds: 2,
                },
                livenessProbe: { httpGet: { path: "/ping", port: "health" }, periodSeconds: 10 },
                ...end.container,
                resources: { requests: { cpu: "50m", memory: "64Mi" }, limits: { cpu: "2", memory: "512Mi" } },
                securityContext: { ...RESTRICTED_CONTAINER, readOnlyRootFilesystem: true },
                volumeMounts: [{ name: "configuration", mountPath: CONFIGURATION_DIRECTORY, readOnly: true }],
            },
        ],
        volumes: [
            {
                name: "configuration",
                projected: {
                    sources: [
                        { configMap: { name: configuration.metadata.name } },
                        { secret: { name: args.defaultCertificateSecretName } },
                    ],
                },
            },
        ],
    };
}
