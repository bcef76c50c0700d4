import * as k8s from "@pulumi/kubernetes";
import * as certmanager from "@pulumi/kubernetes-cert-manager";
import * as pulumi from "@pulumi/pulumi";
import { checkArguments, DURATION, isCertificateDuration } from "../parts/arguments";
import { podNamespace } from "../parts/namespace";
import { PodDefaults, pullSecrets } from "../parts/pods";
import { placement } from "../parts/ports";
import { InstalledRelease, loginOptions, mergeValues, Release } from "../parts/release";
import { IssuerRef } from "../parts/serverCertificate";
import { Authority, authority } from "./authority";

export { generationSuffix } from "./authority";

/** The chart's start-up check is for the first time alone; whatever rolls the webhook's pods leaves the API server without it for a while. */
const CHECKED = { "helm.sh/hook": "post-install,post-upgrade" };

/**
 * Values for the chart, as 1.15 and later spell them. The definitions outlive the release, and with them everybody's
 * certificates; the next release of the same name and namespace takes them over. Leases in kube-system, the chart's default,
 * are forbidden where that namespace is the provider's.
 */
const VALUES = (namespace: string) => ({
    crds: { enabled: true, keep: true },
    global: { leaderElection: { namespace } },
    resources: resources("1", "1Gi"),
    // Everything waits for it, and it serves within a second.
    webhook: { resources: resources("500m", "256Mi"), readinessProbe: { initialDelaySeconds: 1, periodSeconds: 2 } },
    // It holds every Secret and definition of the cluster.
    cainjector: { resources: resources("1", "1Gi") },
    startupapicheck: {
        resources: resources("500m", "256Mi"),
        jobAnnotations: CHECKED,
        rbac: { annotations: CHECKED },
        serviceAccount: { annotations: CHECKED },
    },
});

/** Steps of a rotation: prepare trusts the old and the new CA and signs with the old, complete signs with the new. */
export const ROTATIONS = ["none", "prepare", "complete"] as const;
/** A step of a rotation; none is no rotation. */
export type Rotation = (typeof ROTATIONS)[number];

/** Arguments of SelfSignedCA. */
export interface SelfSignedCAArgs {
    /**
     * Where cert-manager comes from. The CA's private key lies in its namespace: where it looks for the Secrets of
     * ClusterIssuers (`--cluster-resource-namespace`).
     */
    readonly certManager: Release;
    /** Name of the ClusterIssuer and of the CA's Certificate: one that no other stack in the cluster uses. */
    readonly issuerName: pulumi.Input<string>;
    /**
     * What cert-manager's pods have in common with all others.
     * @default {}
     */
    readonly pods?: PodDefaults;
    /**
     * Lifetime of the CA. It is handed out to every job, and a new one reaches none that runs: hence the guide's 100 years.
     * @default "876000h"
     */
    readonly duration?: string;
    /**
     * Number of the CA or, in a rotation, of the new one; the old one is the number before.
     * @default 1
     */
    readonly generation?: number;
    /**
     * Step of a rotation; with prepare and complete the generation is 2 or more.
     * @default "none"
     */
    readonly rotation?: Rotation;
    /**
     * Whether Pulumi refuses to delete or replace the CA that signs.
     * @default false
     */
    readonly protect?: boolean;
}

/**
 * A certificate authority of our own: cert-manager where asked for, a self-signed root, and a ClusterIssuer that signs with
 * it. The root's private key stays in cert-manager's namespace, out of the ingress controller's reach.
 */
export class SelfSignedCA extends pulumi.ComponentResource {
    /** The CA's certificate, PEM; in a rotation the old one and the new one. Public: it is no Pulumi secret. */
    readonly caCertificate: pulumi.Output<string>;
    /** The issuer that signs; resolves when it can. */
    readonly issuerRef: pulumi.Output<IssuerRef>;

    constructor(name: string, args: SelfSignedCAArgs, opts?: pulumi.ComponentResourceOptions) {
        super("interlink:index:SelfSignedCA", name, args, opts);
        const { certManager, issuerName, duration = "876000h", generation = 1, rotation = "none" } = args;
        checkArguments(this, [
            { key: "duration", value: duration, ok: isCertificateDuration(duration), allowed: DURATION },
            {
                key: "generation",
                value: generation,
                ok: generation > (rotation === "none" ? 0 : 1),
                allowed: "1 or more, in a rotation 2 or more",
            },
        ]);
        const installed = certManager.install ? [installCertManager(name, certManager, args.pods ?? {}, this)] : [];

        const root = new k8s.apiextensions.CustomResource(
            `${name}-root-issuer`,
            {
                apiVersion: "cert-manager.io/v1",
                kind: "ClusterIssuer",
                metadata: {
                    name: pulumi.interpolate`${issuerName}-root`,
                    annotations: { "pulumi.com/waitFor": "condition=Ready" },
                },
                spec: { selfSigned: {} },
            },
            { parent: this, dependsOn: installed },
        );

        const generations = rotation === "none" ? [generation] : [generation - 1, generation];
        const signing = rotation === "prepare" ? generation - 1 : generation;
        const authorities = generations.map((number) =>
            authority(
                name,
                {
                    number,
                    issuerName,
                    namespace: certManager.namespace,
                    duration,
                    rootName: root.metadata.name,
                    // What the next step takes away must not be protected by then.
                    protect: number === signing && args.protect === true,
                },
                this,
            ),
        );

        this.caCertificate = pulumi
            .all(authorities.map(({ caCertificate }) => caCertificate))
            .apply((certificates) => certificates.map((pem) => pem.replace(/\n*$/, "\n")).join(""));
        this.issuerRef = (authorities[generations.indexOf(signing)] as Authority).issuerRef;
        this.registerOutputs({ caCertificate: this.caCertificate, issuerRef: this.issuerRef });
    }
}

/** cert-manager's namespace and release; the release is done when its webhook answers (its start-up check). */
function installCertManager(
    name: string,
    args: InstalledRelease,
    pods: PodDefaults,
    parent: pulumi.Resource,
): pulumi.Resource {
    const { chart, registry = {}, values = {} } = args;
    const { hostNetwork } = (values.webhook ?? {}) as { readonly hostNetwork?: boolean };
    const namespace = podNamespace(
        `${name}-cert-manager-namespace`,
        { name: args.namespace, level: hostNetwork === true ? "privileged" : "restricted", pods },
        { parent },
    );
    return new certmanager.CertManager(
        `${name}-cert-manager`,
        {
            helmOptions: {
                name: "cert-manager",
                chart,
                // The plugin gives every chart its own repository unless there is one; an empty one is none.
                repositoryOpts:
                    chart === undefined
                        ? undefined
                        : { repo: "", ...loginOptions(registry.login), caFile: registry.caFile },
                version: args.version,
                namespace,
                values: mergeValues(mergeValues(VALUES(args.namespace), podValues(pods)), values),
                timeout: 300,
            },
        },
        { parent },
    );
}

/** What a container asks for, and at most gets. */
function resources(cpu: string, memory: string) {
    return { requests: { cpu: "10m", memory: "32Mi" }, limits: { cpu, memory } };
}

/** Values by which the pods of the chart get what all pods have in common; they are restricted by themselves. */
function podValues(pods: PodDefaults): Record<string, unknown> {
    const where = placement(undefined, pods);
    const imagePullSecrets = pullSecrets(pods);
    return {
        ...(imagePullSecrets && { global: { imagePullSecrets } }),
        ...where,
        webhook: where,
        cainjector: where,
        startupapicheck: where,
    };
}
