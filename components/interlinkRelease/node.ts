import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { RESTARTED } from "../parts/annotations";
import { grantedAccount } from "../parts/grant";
import { kubectlPodSpec } from "../parts/kubectlPod";
import { PodDefaults } from "../parts/pods";

/** What is waited for; ample for two probes of the virtual node, which come every 30 s. */
const READY = ["--for=condition=Ready", "--timeout=180s"];

/** A taint as the chart spells it. */
type Taint = k8s.types.input.core.v1.Taint;

/** The taints among a chart's values; no secrets, though there may be some beside them. */
export function taintsOf(values: pulumi.Output<Readonly<Record<string, unknown>>>): pulumi.Output<readonly Taint[]> {
    return pulumi.unsecret(
        values.apply(({ virtualNode: node }) => (node as { readonly nodeTaints?: Taint[] } | null)?.nodeTaints ?? []),
    );
}

/**
 * The virtual node, before the virtual kubelet takes it over: so it is gone after `destroy`, without the chart's clean-up
 * hook. It is as the virtual kubelet would make it, with `taints` besides: of a node that is there, that writes the status.
 */
export function virtualNode(
    name: string,
    nodeName: pulumi.Input<string>,
    taints: pulumi.Output<readonly Taint[]>,
    parent: pulumi.Resource,
): k8s.core.v1.Node {
    const own: Taint = { key: "virtual-node.interlink/no-schedule", value: "true", effect: "NoSchedule" };
    return new k8s.core.v1.Node(
        `${name}-node`,
        {
            metadata: {
                name: nodeName,
                labels: {
                    "kubernetes.io/hostname": nodeName,
                    "node.kubernetes.io/exclude-from-external-load-balancers": "true",
                },
                // Kubernetes writes its own taints into the list.
                annotations: { "pulumi.com/patchForce": "true" },
            },
            spec: {
                // Of no cloud: their controllers remove nodes that they do not know by an ID of their own, or by none.
                providerID: pulumi.interpolate`external:///${nodeName}`,
                taints: taints.apply((more) =>
                    [own, ...more.map(({ key, value, effect = "NoSchedule" }) => ({ key, value, effect }))].filter(
                        // Kubernetes refuses a taint that is there twice.
                        (taint, index, all) => index === all.findIndex((other) => isSame(taint, other)),
                    ),
                ),
            },
        },
        { parent },
    );
}

/** Whether two taints are one to Kubernetes, whatever their values. */
function isSame(left: Taint, right: Taint): boolean {
    return left.key === right.key && left.effect === right.effect;
}

/** What the wait for the virtual node needs. */
export interface NodeReadyArgs {
    /** Name of the virtual node. */
    readonly nodeName: pulumi.Input<string>;
    /** Namespace of the Job. */
    readonly namespace: pulumi.Input<string>;
    /** Image with kubectl. */
    readonly kubectlImage: pulumi.Input<string>;
    /** What its pod has in common with all others. */
    readonly pods: PodDefaults;
    /** When the virtual kubelet was last started anew; then it is waited for again. */
    readonly restarted?: pulumi.Input<string | undefined>;
}

/**
 * A Job that waits until the virtual node is Ready. The chart has no probes: without this a release counts as deployed
 * while its node cannot be scheduled to.
 */
export function nodeReady(
    name: string,
    { nodeName, namespace, kubectlImage, restarted, pods }: NodeReadyArgs,
    chart: pulumi.Resource,
    parent: pulumi.Resource,
): k8s.batch.v1.Job {
    const metadata = { name: pulumi.interpolate`${nodeName}-ready`, namespace };
    const { serviceAccountName, binding } = grantedAccount(
        `${name}-ready`,
        {
            metadata,
            scope: "cluster",
            rules: [{ apiGroups: [""], resources: ["nodes"], verbs: ["get", "list", "watch"] }],
        },
        { parent },
    );
    return new k8s.batch.v1.Job(
        `${name}-ready`,
        {
            metadata,
            spec: {
                backoffLimit: 1,
                template: pulumi.output(restarted).apply((time) => ({
                    ...(time !== undefined && { metadata: { annotations: { [RESTARTED]: time } } }),
                    spec: kubectlPodSpec({
                        image: kubectlImage,
                        serviceAccountName,
                        restartPolicy: "Never",
                        pods,
                        command: ["kubectl", "wait", pulumi.interpolate`node/${nodeName}`, ...READY],
                    }),
                })),
            },
        },
        { parent, dependsOn: [chart, binding] },
    );
}
