import { createHash } from "node:crypto";
import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { CA_CERTIFICATES, INSECURE, RESTARTED } from "../parts/annotations";

/** The chart versions that the component knows: those that start InterLink's virtual kubelet, with memory limits. */
export const CHART_VERSIONS: readonly string[] = ["0.6.1", "0.6.2-pre1", "0.6.2-pre2", "0.6.2-pre3"];

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
 * So the chart can be rendered in a preview, before the values exist, and has only one line to indent: it indents the first
 * line of a CA more than the others.
 */
export const KUBERNETES_API_VALUES = {
    kubernetesApiAddr: "KUBERNETES-API-ADDR",
    kubernetesApiPort: "KUBERNETES-API-PORT",
    kubernetesApiCaCrt: "KUBERNETES-API-CA-CRT",
} as const;

/** What the transforms put into the chart's objects. */
export interface ChartChanges {
    /** Version of the chart, for messages. */
    readonly chartVersion: string;
    /** For the virtual kubelet's configuration. */
    readonly kubernetesApi: KubernetesApi;
    /** Whether somebody said that the InterLink API server need not be verified. */
    readonly insecure: boolean;
    /** Pods are rolled when this changes, which the chart leaves out. */
    readonly configuration: pulumi.Output<unknown>;
    /** Whether there may be secrets in the values, and so in the Deployment. */
    readonly secretValues: boolean;
    /** When the virtual kubelet was last started anew. */
    readonly restarted?: pulumi.Input<string | undefined>;
}

/** The transforms of the chart's objects, and what is to be called when all were transformed. */
export interface ChartTransforms {
    /** For the chart. */
    readonly transforms: pulumi.ResourceTransform[];
    /** Throws where the chart has not what is to be changed. */
    readonly checkChanged: () => void;
}

/** What makes InterLink's chart ours. */
export function chartTransforms(changes: ChartChanges): ChartTransforms {
    const changed = new Set<string>();
    return {
        transforms: [
            tokenSecretTransform,
            configurationTransform(changes, changed),
            deploymentTransform(changes, changed),
        ],
        checkChanged: () => {
            for (const kind of ["ConfigMap", "Deployment"]) {
                if (!changed.has(kind)) {
                    throw unfit(changes.chartVersion, `it has no ${kind} of a virtual kubelet`);
                }
            }
        },
    };
}

/** The error for a chart in which there is something else than expected. */
function unfit(chartVersion: string, reason: string): pulumi.RunError {
    return new pulumi.RunError(
        `chartVersion: ${JSON.stringify(chartVersion)} is not allowed, since ${reason}; give one of ${CHART_VERSIONS.join(", ")}.`,
    );
}

/** Puts the values of the Kubernetes API into the virtual kubelet's configuration. */
function configurationTransform(
    { chartVersion, kubernetesApi, insecure }: ChartChanges,
    changed: Set<string>,
): pulumi.ResourceTransform {
    return ({ type, props, opts }) => {
        if (type !== "kubernetes:core/v1:ConfigMap") {
            return undefined;
        }
        const { metadata } = props as k8s.core.v1.ConfigMapArgs;
        const given = pulumi.output(props.data as Record<string, string> | undefined);
        const words = Object.values(KUBERNETES_API_VALUES);
        const isOurs = given.apply((texts) => {
            const text = Object.values(texts ?? {}).join("\n");
            const ours = words.some((word) => text.includes(word));
            const rest = told(text, ["", "", ""]);
            const unplaced = words.find((word) => !text.includes(word)) ?? words.find((word) => rest.includes(word));
            if (ours && unplaced !== undefined) {
                throw unfit(chartVersion, `its configuration has no place of the known form for ${unplaced}`);
            }
            if (ours) {
                changed.add("ConfigMap");
            }
            return ours;
        });
        const data = pulumi
            .all([given, kubernetesApi, isOurs])
            .apply(([texts = {}, { address, port, caCertificate }]) =>
                Object.fromEntries(
                    Object.entries(texts).map(([key, text]) => [
                        key,
                        told(text, [address, String(port), caCertificate]),
                    ]),
                ),
            );
        const annotated = pulumi
            .all([pulumi.output(metadata), isOurs])
            .apply(([all, ours]) =>
                ours && insecure ? { ...all, annotations: { ...all?.annotations, [INSECURE]: "true" } } : all,
            );
        return { props: { ...props, metadata: annotated, data }, opts };
    };
}

/** A text with address, port and CA in the places of their words: the CA's stands alone in its line, and is indented as that. */
function told(text: string, [address, port, caCertificate]: readonly [string, string, string]): string {
    return text
        .replaceAll(KUBERNETES_API_VALUES.kubernetesApiAddr, () => address)
        .replaceAll(KUBERNETES_API_VALUES.kubernetesApiPort, () => port)
        .replace(new RegExp(`^( *)${KUBERNETES_API_VALUES.kubernetesApiCaCrt}$`, "gm"), (_, indentation: string) =>
            caCertificate.trim().replace(/^/gm, indentation),
        );
}

/**
 * Changes the chart's Deployment: its pods are rolled when the configuration changes or the virtual kubelet is to start anew,
 * its refresher logs no tokens, and its specification, where OAUTH puts its secrets, is a Pulumi secret.
 */
function deploymentTransform(
    { configuration, kubernetesApi, restarted, secretValues }: ChartChanges,
    changed: Set<string>,
): pulumi.ResourceTransform {
    const checksum = configuration.apply((text) => createHash("sha256").update(JSON.stringify(text)).digest("hex"));
    const certificates = pulumi
        .output(kubernetesApi)
        .apply(({ caCertificate }) => caCertificate.split("-----BEGIN CERTIFICATE-----").length - 1);
    return ({ type, props, opts }) => {
        if (type !== "kubernetes:apps/v1:Deployment") {
            return undefined;
        }
        changed.add("Deployment");
        const spec = pulumi
            .all([pulumi.output(props.spec as DeploymentSpec), checksum, pulumi.output(restarted), certificates])
            .apply(([{ template, ...rest }, sum, time, count]) => ({
                ...rest,
                template: {
                    ...template,
                    metadata: {
                        ...template.metadata,
                        annotations: {
                            ...template.metadata?.annotations,
                            "checksum/configuration": sum,
                            ...(time !== undefined && { [RESTARTED]: time }),
                            ...(count > 1 && { [CA_CERTIFICATES]: String(count) }),
                        },
                    },
                    spec: { ...template.spec, containers: template.spec?.containers.map(quiet) },
                },
            }));
        return { props: { ...props, spec: secretValues ? pulumi.secret(spec) : spec }, opts };
    };
}

type DeploymentSpec = k8s.types.output.apps.v1.DeploymentSpec;

/** The container that renews the token for InterLink's API without what it prints: by authorization_code, the tokens. */
function quiet(container: k8s.types.output.core.v1.Container): k8s.types.output.core.v1.Container {
    return container.name === "refresh-token"
        ? { ...container, command: ["sh", "-c", `exec ${container.command.join(" ")} >/dev/null`] }
        : container;
}

/**
 * Makes the chart's token Secret an empty one: nothing reads the token, it would never expire, and Kubernetes removes the
 * Secret where it comes before its service account.
 */
function tokenSecretTransform({
    type,
    props,
    opts,
}: pulumi.ResourceTransformArgs): pulumi.ResourceTransformResult | undefined {
    return type === "kubernetes:core/v1:Secret" && props.type === "kubernetes.io/service-account-token"
        ? { props: { ...props, type: "Opaque" }, opts }
        : undefined;
}
