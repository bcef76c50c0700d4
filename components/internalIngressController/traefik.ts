import { isIP } from "node:net";
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
/** How many idle connections to the backend a pod keeps: more than it has requests at once, one that is missing costs a handshake. */
const IDLE_CONNECTIONS = 256;

/**
 * A way that Traefik has in its own configuration: where an Ingress leads, it keeps two idle connections to each pod, and
 * all other requests shake hands again.
 */
interface TraefikRoute {
    /** URL of the backend, such as https://proxy.interlink.svc:60443; its certificate is verified. */
    readonly url: pulumi.Input<string>;
    /** CA certificates (PEM) that verify the backend. */
    readonly caCertificate: pulumi.Input<string>;
    /** Path prefixes, as in an Ingress, that are led to the backend. */
    readonly paths: readonly string[];
    /**
     * Networks, as CIDRs, from which clients may come, where the controller sees their own addresses; empty lets all come.
     * @default []
     */
    readonly sourceRanges?: readonly string[];
}

/** Traefik, as the component runs it. */
export interface TraefikSoftware {
    /** Which controller. */
    readonly type: "traefik";
    /** Image of Traefik 3.7 or later: before, it takes no notice of the annotations for timeouts and source ranges. */
    readonly image: pulumi.Input<string>;
    /**
     * The way for clients of the address.
     * @default none: Ingresses alone are served
     */
    readonly route?: TraefikRoute;
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
            data: { "traefik.yaml": traefikDynamicConfiguration(args.address, software.route) },
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
 * Traefik's dynamic configuration: the certificate for clients without SNI, the answer that it has been read, and the route. It lies in one folder
 * with the certificate, because Traefik watches the folder and so reads the certificate again when it was renewed.
 */
function traefikDynamicConfiguration(address: pulumi.Input<string>, route?: TraefikRoute): pulumi.Output<string> {
    const ready = { entryPoints: ["traefik"], rule: `Path(\`${READY_PATH}\`)`, service: "ping@internal" };
    const { routers, ...parts } = route === undefined ? { routers: {} } : routeConfiguration(address, route);
    const certificate = {
        certFile: `${CONFIGURATION_DIRECTORY}/tls.crt`,
        keyFile: `${CONFIGURATION_DIRECTORY}/tls.key`,
    };
    return pulumi
        .output({
            http: { routers: { ready, ...routers }, ...parts },
            tls: { stores: { default: { defaultCertificate: certificate } } },
        })
        .apply((configuration) => stringify(configuration, { lineWidth: 0 }));
}

/** The route's part of the dynamic configuration, in Traefik's words. */
function routeConfiguration(
    address: pulumi.Input<string>,
    { url, caCertificate, paths, sourceRanges = [] }: TraefikRoute,
) {
    const prefixes = paths.map((path) => `Path(\`${path}\`) || PathPrefix(\`${path}/\`)`).join(" || ");
    const ranges = sourceRanges.length > 0;
    return {
        routers: {
            api: {
                entryPoints: ["websecure"],
                // Clients that come by IP address may name any host.
                rule: pulumi
                    .output(address)
                    .apply((host) => (isIP(host) === 0 ? `Host(\`${host}\`) && (${prefixes})` : prefixes)),
                middlewares: [...(ranges ? ["sources"] : []), "retry"],
                service: "api",
            },
        },
        services: { api: { loadBalancer: { servers: [{ url }], serversTransport: "api" } } },
        serversTransports: { api: { rootCAs: [caCertificate], maxIdleConnsPerHost: IDLE_CONNECTIONS } },
        middlewares: {
            ...(ranges ? { sources: { ipAllowList: { sourceRange: sourceRanges } } } : {}),
            // Of what was not sent yet, as to a pod that has just gone.
            retry: { retry: { attempts: 3 } },
        },
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
                    // A minute, the default, ends long uploads; the header may be as large as the proxy takes it.
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
