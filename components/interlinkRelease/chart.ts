import { createHash } from "node:crypto";
import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";

/** The chart versions that the component knows: those whose values and objects are as its transforms expect them. */
export const CHART_VERSIONS: readonly string[] = [
    "0.5.2",
    "0.5.3-pre1",
    "0.5.3-pre2",
    "0.5.3-pre3",
    "0.5.3-pre4",
    "0.5.3-patch1",
    "0.6.0",
    "0.6.1-pre1",
    "0.6.1",
    "0.6.2-pre1",
    "0.6.2-pre2",
    "0.6.2-pre3",
];

/** What a chart version may be, for messages. */
export const KNOWN_CHART_VERSION = `one of ${CHART_VERSIONS.join(", ")}, or set allowUnknownChartVersion`;

/** Where workload outside the cluster finds the Kubernetes API: the guide's "Configure InterLink Helm Chart". */
export interface KubernetesApi {
    /** IP address or DNS name. */
    readonly address: pulumi.Input<string>;
    /** TCP port. */
    readonly port: pulumi.Input<number>;
    /** CA certificate that verifies the address, PEM. */
    readonly caCertificate: pulumi.Input<string>;
}

/**
 * What the chart is given for the Kubernetes API: words of one line, in whose places configurationTransform puts the values.
 * So the chart can be rendered in a preview, before the values exist, and its versions from 0.5.3-pre1 on, which indent the
 * first line of a CA more than the others, have only one line to indent.
 */
export const KUBERNETES_API_VALUES = {
    kubernetesApiAddr: "KUBERNETES-API-ADDR",
    kubernetesApiPort: "KUBERNETES-API-PORT",
    kubernetesApiCaCrt: "KUBERNETES-API-CA-CRT",
} as const;

/** Puts the values of the Kubernetes API into the virtual kubelet's configuration. */
export function configurationTransform(kubernetesApi: KubernetesApi): pulumi.ResourceTransform {
    return ({ type, props, opts }) => {
        if (type !== "kubernetes:core/v1:ConfigMap") {
            return undefined;
        }
        const data = pulumi
            .all([pulumi.output(props.data as Record<string, string> | undefined), kubernetesApi])
            .apply(([given, { address, port, caCertificate }]) =>
                Object.fromEntries(
                    Object.entries(given ?? {}).map(([key, text]) => [
                        key,
                        text
                            .replace(KUBERNETES_API_VALUES.kubernetesApiAddr, address)
                            .replace(KUBERNETES_API_VALUES.kubernetesApiPort, String(port))
                            .replace(
                                new RegExp(`^( *)${KUBERNETES_API_VALUES.kubernetesApiCaCrt}$`, "m"),
                                (_, indentation: string) => caCertificate.trim().replace(/^/gm, indentation),
                            ),
                    ]),
                ),
            );
        // Pulumi replaces a ConfigMap whose data changes, and under the same name the old one has to go first.
        return { props: { ...props, data }, opts: { ...opts, deleteBeforeReplace: true } };
    };
}

/**
 * Changes the chart's Deployment: its pods are rolled when `configuration` changes, which the chart leaves out, and its
 * specification, where OAUTH puts its secrets, is a Pulumi secret where `secretValues` says that there may be some.
 */
export function deploymentTransform(
    configuration: pulumi.Output<unknown>,
    secretValues: boolean,
): pulumi.ResourceTransform {
    const checksum = configuration.apply((text) => createHash("sha256").update(JSON.stringify(text)).digest("hex"));
    return ({ type, props, opts }) => {
        if (type !== "kubernetes:apps/v1:Deployment") {
            return undefined;
        }
        const spec = pulumi
            .all([pulumi.output(props.spec as k8s.types.input.apps.v1.DeploymentSpec), checksum])
            .apply(([given, sum]) => ({
                ...given,
                template: {
                    ...given.template,
                    metadata: {
                        ...given.template.metadata,
                        annotations: { ...given.template.metadata?.annotations, "checksum/configuration": sum },
                    },
                },
            }));
        return { props: { ...props, spec: secretValues ? pulumi.secret(spec) : spec }, opts };
    };
}

/**
 * Makes the chart's token Secret an empty one: nothing reads the token, it would never expire, and Kubernetes removes the
 * Secret where it comes before its service account.
 */
export function tokenSecretTransform({
    type,
    props,
    opts,
}: pulumi.ResourceTransformArgs): pulumi.ResourceTransformResult | undefined {
    return type === "kubernetes:core/v1:Secret" ? { props: { ...props, type: "Opaque" }, opts } : undefined;
}
