import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { drain, frontReplicas, gracefulEnd, rollout, spread } from "../parts/availability";
import { IDLE_SECONDS, MAX_BODY_SIZE, REQUEST_HEADER_KIB, RESPONSE_HEADER_KIB, SILENCE_SECONDS } from "../parts/limits";
import { pullSecrets, RESTRICTED_CONTAINER } from "../parts/pods";
import { placement } from "../parts/ports";
import { ChartRegistry, chartSource } from "../parts/release";
import { classReader, ControllerArgs } from "./controller";

/** What is known to be open in the last release, 1.15.1; printed at every run. */
const WARNING =
    "ingress-nginx has been retired with release 1.15.1, whose nginx 1.27.1 stays open to CVE-2026-123007 (HTTP/2, hence " +
    "off here), CVE-2026-42945, CVE-2026-42533 and CVE-2026-1642; nothing that is found later will be mended. Prefer traefik or none.";

/**
 * The controller's ConfigMap. Plain HTTP, which would be served where an Ingress has no host, is only redirected; queries,
 * which may hold tokens, are not logged.
 */
const CONFIGURATION = {
    "allow-cross-namespace-resources": "false",
    "annotations-risk-level": "High",
    "force-ssl-redirect": "true",
    hsts: "false",
    "use-http2": "false",
    // Sizes, pauses and names of headers as in the proxy.
    "client-header-buffer-size": "8k",
    "large-client-header-buffers": `2 ${REQUEST_HEADER_KIB}k`,
    "proxy-buffer-size": `${RESPONSE_HEADER_KIB}k`,
    "proxy-body-size": MAX_BODY_SIZE,
    "ignore-invalid-headers": "false",
    "enable-underscores-in-headers": "true",
    "keep-alive": String(IDLE_SECONDS),
    "client-body-timeout": String(SILENCE_SECONDS),
    // It has no setting of its own for readers that pause.
    "http-snippet": `send_timeout ${SILENCE_SECONDS}s;`,
    "log-format-upstream": '$remote_addr [$time_iso8601] "$request_method $uri" $status $body_bytes_sent $request_time',
    "worker-processes": "2",
    // A renewed certificate reloads nginx; connections go on in the old workers for as long as they may be silent.
    "worker-shutdown-timeout": `${SILENCE_SECONDS}s`,
};

/** ingress-nginx, as the component runs it: its own chart. */
export interface IngressNginxSoftware {
    /** Which controller. */
    readonly type: "ingress-nginx";
    /**
     * Chart: an oci:// address or a folder.
     * @default ingress-nginx in its own chart repository
     */
    readonly chart?: string;
    /** How the chart's registry is spoken to. */
    readonly registry?: ChartRegistry;
    /** Version of the chart. */
    readonly chartVersion: string;
    /** Image of the controller; the chart's own one would not be the one of a mirror. */
    readonly image: string;
}

/**
 * ingress-nginx by its chart: no admission webhook, no snippets, no Service of its own.
 * @returns an Output that resolves when it runs
 */
export function ingressNginx(
    name: string,
    software: IngressNginxSoftware,
    args: ControllerArgs,
    parent: pulumi.Resource,
): pulumi.Output<unknown> {
    void pulumi.log.warn(WARNING, parent);
    const chart = new k8s.helm.v4.Chart(
        `${name}-chart`,
        {
            name,
            ...chartSource(
                software.chart,
                "ingress-nginx",
                "https://kubernetes.github.io/ingress-nginx",
                software.registry,
            ),
            version: software.chartVersion,
            namespace: args.namespace,
            values: {
                fullnameOverride: name,
                imagePullSecrets: pullSecrets(args.pods ?? {}) ?? [],
                rbac: { scope: true },
                controller: controllerValues(name, software, args),
            },
        },
        // With all its rights in the namespace, the chart leaves this one out, and no Ingress would be served.
        { parent, dependsOn: [classReader(name, args, name, parent)] },
    );
    return chart.resources;
}

/** The chart's values for the controller, spelled as the chart spells them. */
function controllerValues(
    name: string,
    software: IngressNginxSoftware,
    args: ControllerArgs,
): pulumi.Input<Readonly<Record<string, unknown>>> {
    const { ports, hostPorts, ingressClassName } = args;
    return {
        image: imageValues(software.image),
        // The component makes the class.
        ingressClassResource: { enabled: false, name: ingressClassName, controllerValue: args.controllerValue },
        ingressClass: ingressClassName,
        electionID: pulumi.interpolate`${ingressClassName}-leader`,
        scope: { enabled: true },
        admissionWebhooks: { enabled: false },
        allowSnippetAnnotations: false,
        enableAnnotationValidations: true,
        // It names the pods' port or none.
        config: { ...CONFIGURATION, "use-port-in-redirects": String(args.outsidePort === ports.https) },
        containerPort: { http: ports.http, https: ports.https },
        hostPort: { enabled: hostPorts !== undefined, ports: { http: ports.http, https: ports.https } },
        service: { enabled: false },
        metrics: { enabled: args.metrics !== undefined },
        publishService: { enabled: false },
        extraArgs: {
            "http-port": String(ports.http),
            "https-port": String(ports.https),
            "default-ssl-certificate": pulumi.interpolate`${args.namespace}/${args.defaultCertificateSecretName}`,
            "publish-status-address": args.address,
            "update-status-on-shutdown": "false",
            // Between the end of its readiness and that of nginx.
            "shutdown-grace-period": String(drain(hostPorts).withdrawal),
            "post-shutdown-grace-period": "0",
        },
        // The chart makes the disruption budget of several; its own preStop hook withdraws them.
        replicaCount: frontReplicas(hostPorts),
        updateStrategy: { type: "RollingUpdate", ...rollout(hostPorts) },
        topologySpreadConstraints: spread({
            "app.kubernetes.io/instance": name,
            "app.kubernetes.io/component": "controller",
        }),
        ...gracefulEnd(hostPorts).pod,
        readinessProbe: { initialDelaySeconds: 1, periodSeconds: 2 },
        ...placement(hostPorts, args.pods ?? {}),
        resources: { requests: { cpu: "50m", memory: "128Mi" }, limits: { cpu: "2", memory: "512Mi" } },
        // The chart's own one adds NET_BIND_SERVICE, which ports above 1023 do not need.
        containerSecurityContext: {
            ...RESTRICTED_CONTAINER,
            runAsNonRoot: true,
            runAsUser: 101,
            runAsGroup: 82,
            seccompProfile: { type: "RuntimeDefault" },
        },
    };
}

/** An image in the parts in which the chart takes it. */
function imageValues(image: string): Record<string, string> {
    const [name = "", digest = ""] = image.split("@");
    const colon = name.lastIndexOf(":");
    const tagged = colon > name.lastIndexOf("/");
    return { repository: tagged ? name.slice(0, colon) : name, tag: tagged ? name.slice(colon + 1) : "", digest };
}
