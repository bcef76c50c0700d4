import { createHash } from "node:crypto";
import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";

/**
 * The chart versions that the component knows, and whether each indents a multi-line CA wrongly: from 0.5.3-pre1 on, the
 * first line of the value gets six more spaces than the others, and the virtual kubelet cannot read its configuration.
 */
export const CHART_VERSIONS: Readonly<Record<string, { readonly misindentsCa: boolean }>> = {
    "0.5.2": { misindentsCa: false },
    "0.5.3-pre1": { misindentsCa: true },
    "0.5.3-pre2": { misindentsCa: true },
    "0.5.3-pre3": { misindentsCa: true },
    "0.5.3-pre4": { misindentsCa: true },
    "0.5.3-patch1": { misindentsCa: true },
    "0.6.0": { misindentsCa: true },
    "0.6.1-pre1": { misindentsCa: true },
    "0.6.1": { misindentsCa: true },
    "0.6.2-pre1": { misindentsCa: true },
    "0.6.2-pre2": { misindentsCa: true },
    "0.6.2-pre3": { misindentsCa: true },
};

/**
 * The CA as the chart's value `interlink.kubernetesApiCaCrt`: where the chart gives the first line six spaces more than the
 * others, the others bring theirs along.
 */
export function kubernetesApiCaCrtValue(pem: string, misindentsCa: boolean): string {
    return pem.trim().replaceAll("\n", misindentsCa ? "\n" + " ".repeat(6) : "\n");
}

/**
 * Changes the chart's Deployment: its pods are rolled when `configuration` changes, which the chart leaves out, and its
 * specification, where OAUTH puts its secrets, is a Pulumi secret where `secretValues` says that there may be some.
 */
export function deploymentTransform(
    configuration: pulumi.Output<string>,
    secretValues: boolean,
): pulumi.ResourceTransform {
    const checksum = configuration.apply((text) => createHash("sha256").update(text).digest("hex"));
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
                        annotations: { ...given.template.metadata?.annotations, "checksum/kubernetes-api": sum },
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
