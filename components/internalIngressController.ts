import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { ADDRESS, checkArguments, isAddress } from "./arguments";

/** The controllers that the component can run. */
export const CONTROLLERS = ["traefik"] as const;

/** Name of a controller. */
export type Controller = (typeof CONTROLLERS)[number];

const HEALTH_PORT = 8080;
const CONFIGURATION_DIRECTORY = "/etc/traefik/dynamic";

/** Arguments of InternalIngressController. */
export interface InternalIngressControllerArgs {
    /** Which controller runs. */
    readonly controller: Controller;
    /** Namespace of the controller, and the only one whose Ingresses, Services and Secrets it can read. */
    readonly namespace: pulumi.Input<string>;
    /** Image of the controller. */
    readonly image: pulumi.Input<string>;
    /** Name of the IngressClass that is made; clients of the controller name it. */
    readonly ingressClassName: string;
    /** Address under which clients come, an IP address or a DNS name; it becomes the status of the Ingresses. */
    readonly address: string;
    /** Ports of the node on which the controller answers; plain HTTP is only redirected. */
    readonly ports: {
        /** Port for plain HTTP, the guide's 6080. */
        readonly http: number;
        /** Port for HTTPS, the guide's 60443. */
        readonly https: number;
    };
    /** Labels of the node that has the ports. */
    readonly nodeSelector: Readonly<Record<string, string>>;
    /**
     * Name of the Secret, in the namespace, with the certificate for clients that name no host: those that come by IP address.
     * The pods cannot start before it exists.
     */
    readonly defaultCertificateSecretName: pulumi.Input<string>;
}

/**
 * An ingress controller for traffic between Kubernetes and the HPC site alone, apart from whatever serves the public: a
 * class, a controller value and a namespace of its own.
 */
export class InternalIngressController extends pulumi.ComponentResource {
    /** Name of the IngressClass; resolves when the class exists. */
    readonly ingressClassName: pulumi.Output<string>;

    constructor(name: string, args: InternalIngressControllerArgs, opts?: pulumi.ComponentResourceOptions) {
        super("interlink:index:InternalIngressController", name, args, opts);
        checkArguments(this, [
            {
                key: "controller",
                value: args.controller,
                ok: CONTROLLERS.includes(args.controller),
                allowed: CONTROLLERS.join(" or "),
            },
            { key: "address", value: args.address, ok: isAddress(args.address), allowed: ADDRESS },
        ]);
        const controllerValue = `k8s.io/${args.ingressClassName}`;

        const ingressClass = new k8s.networking.v1.IngressClass(
            `${name}-class`,
            { metadata: { name: args.ingressClassName }, spec: { controller: controllerValue } },
            { parent: this },
        );
        traefik(name, args, controllerValue, this);

        this.ingressClassName = ingressClass.metadata.name;
        this.registerOutputs({ ingressClassName: this.ingressClassName });
    }
}

/** Traefik, with its provider for ingress-nginx's annotations, so that an Ingress is the same for both controllers. */
function traefik(
    name: string,
    args: InternalIngressControllerArgs,
    controllerValue: string,
    parent: pulumi.Resource,
): void {
    const labels = { "app.kubernetes.io/name": "traefik", "app.kubernetes.io/instance": name };
    const metadata = { name, namespace: args.namespace, labels };
    const serviceAccount = new k8s.core.v1.ServiceAccount(`${name}-service-account`, { metadata }, { parent });
    const grants = traefikGrants(name, args.namespace, serviceAccount, parent);

    const configuration = new k8s.core.v1.ConfigMap(
        `${name}-configuration`,
        {
            metadata: { namespace: args.namespace, labels },
            immutable: true,
            data: { "traefik.yaml": traefikDynamicConfiguration() },
        },
        { parent },
    );

    new k8s.apps.v1.Deployment(
        `${name}-deployment`,
        {
            metadata,
            spec: {
                replicas: 1,
                selector: { matchLabels: labels },
                // Two pods cannot have the node's ports at once.
                strategy: { rollingUpdate: { maxUnavailable: 1, maxSurge: 0 } },
                template: {
                    metadata: { labels },
                    spec: traefikPodSpec(args, controllerValue, serviceAccount, configuration),
                },
            },
        },
        { parent, dependsOn: grants },
    );
}

/** What Traefik may read: the classes of the cluster; Ingresses, Services and Secrets of its own namespace alone. */
function traefikGrants(
    name: string,
    namespace: pulumi.Input<string>,
    serviceAccount: k8s.core.v1.ServiceAccount,
    parent: pulumi.Resource,
): pulumi.Resource[] {
    const subjects = [{ kind: "ServiceAccount", name: serviceAccount.metadata.name, namespace }];
    const read = ["get", "list", "watch"];
    const clusterRole = new k8s.rbac.v1.ClusterRole(
        `${name}-cluster-role`,
        {
            metadata: { name },
            rules: [{ apiGroups: ["networking.k8s.io"], resources: ["ingressclasses"], verbs: read }],
        },
        { parent },
    );
    const role = new k8s.rbac.v1.Role(
        `${name}-role`,
        {
            metadata: { name, namespace },
            rules: [
                { apiGroups: [""], resources: ["services", "secrets"], verbs: read },
                { apiGroups: ["discovery.k8s.io"], resources: ["endpointslices"], verbs: read },
                { apiGroups: ["networking.k8s.io"], resources: ["ingresses"], verbs: read },
                { apiGroups: ["networking.k8s.io"], resources: ["ingresses/status"], verbs: ["update"] },
            ],
        },
        { parent },
    );
    const apiGroup = "rbac.authorization.k8s.io";
    return [
        new k8s.rbac.v1.ClusterRoleBinding(
            `${name}-cluster-role-binding`,
            {
                metadata: { name },
                subjects,
                roleRef: { apiGroup, kind: "ClusterRole", name: clusterRole.metadata.name },
            },
            { parent },
        ),
        new k8s.rbac.v1.RoleBinding(
            `${name}-role-binding`,
            { metadata: { name, namespace }, subjects, roleRef: { apiGroup, kind: "Role", name: role.metadata.name } },
            { parent },
        ),
    ];
}

/**
 * Traefik's dynamic configuration: the certificate for clients without SNI. It lies in one folder with the certificate,
 * because Traefik watches the folder and so reads the certificate again when it was renewed.
 */
function traefikDynamicConfiguration(): string {
    return `tls:
  stores:
    default:
      defaultCertificate:
        certFile: ${CONFIGURATION_DIRECTORY}/tls.crt
        keyFile: ${CONFIGURATION_DIRECTORY}/tls.key
`;
}

/** The pod of Traefik: unprivileged, on the node's ports. */
function traefikPodSpec(
    args: InternalIngressControllerArgs,
    controllerValue: string,
    serviceAccount: k8s.core.v1.ServiceAccount,
    configuration: k8s.core.v1.ConfigMap,
): k8s.types.input.core.v1.PodSpec {
    const { http, https } = args.ports;
    const probe = { httpGet: { path: "/ping", port: "health" } };
    return {
        serviceAccountName: serviceAccount.metadata.name,
        enableServiceLinks: false,
        nodeSelector: { ...args.nodeSelector },
        tolerations: [{ key: "node-role.kubernetes.io/control-plane", operator: "Exists", effect: "NoSchedule" }],
        securityContext: {
            runAsNonRoot: true,
            runAsUser: 65532,
            runAsGroup: 65532,
            seccompProfile: { type: "RuntimeDefault" },
        },
        containers: [
            {
                name: "traefik",
                image: args.image,
                args: [
                    "--global.checknewversion=false",
                    "--global.sendanonymoususage=false",
                    `--entrypoints.traefik.address=:${HEALTH_PORT}`,
                    `--entrypoints.web.address=:${http}`,
                    `--entrypoints.web.http.redirections.entrypoint.to=:${https}`,
                    "--entrypoints.web.http.redirections.entrypoint.scheme=https",
                    `--entrypoints.websecure.address=:${https}`,
                    "--entrypoints.websecure.http.tls=true",
                    "--ping=true",
                    "--providers.kubernetesingressnginx=true",
                    `--providers.kubernetesingressnginx.controllerclass=${controllerValue}`,
                    `--providers.kubernetesingressnginx.ingressclass=${args.ingressClassName}`,
                    pulumi.interpolate`--providers.kubernetesingressnginx.watchnamespace=${args.namespace}`,
                    `--providers.kubernetesingressnginx.publishstatusaddress=${args.address}`,
                    `--providers.file.directory=${CONFIGURATION_DIRECTORY}`,
                    "--providers.file.watch=true",
                ],
                ports: [
                    { name: "http", containerPort: http, hostPort: http },
                    { name: "https", containerPort: https, hostPort: https },
                    { name: "health", containerPort: HEALTH_PORT },
                ],
                readinessProbe: { ...probe, periodSeconds: 2 },
                livenessProbe: { ...probe, periodSeconds: 10 },
                resources: { requests: { cpu: "50m", memory: "64Mi" }, limits: { memory: "512Mi" } },
                securityContext: {
                    allowPrivilegeEscalation: false,
                    readOnlyRootFilesystem: true,
                    capabilities: { drop: ["ALL"] },
                },
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
