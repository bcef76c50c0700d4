import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { grant } from "../parts/grant";
import { kubectlPodSpec } from "../parts/kubectlPod";
import { PodDefaults } from "../parts/pods";

/** What is waited for; ample for two probes of the virtual node, which come every 30 s. */
const READY = ["--for=condition=Ready", "--timeout=180s"];

/**
 * The virtual node, before the virtual kubelet takes it over: so it is gone after `destroy`, without the chart's clean-up
 * hook. Label and taint are those with which the virtual kubelet would make it.
 */
export function virtualNode(name: string, nodeName: pulumi.Input<string>, parent: pulumi.Resource): k8s.core.v1.Node {
    return new k8s.core.v1.Node(
        `${name}-node`,
        {
            metadata: { name: nodeName, labels: { "kubernetes.io/hostname": nodeName } },
            spec: { taints: [{ key: "virtual-node.interlink/no-schedule", value: "true", effect: "NoSchedule" }] },
        },
        { parent },
    );
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
}

/**
 * A Job that waits until the virtual node is Ready. The chart has no probes: without this a release counts as deployed
 * while its node cannot be scheduled to.
 */
export function nodeReady(
    name: string,
    { nodeName, namespace, kubectlImage, pods }: NodeReadyArgs,
    chart: pulumi.Resource,
    parent: pulumi.Resource,
): k8s.batch.v1.Job {
    const metadata = { name: pulumi.interpolate`${nodeName}-ready`, namespace };
    const serviceAccount = new k8s.core.v1.ServiceAccount(`${name}-ready-service-account`, { metadata }, { parent });
    const binding = grant(
        `${name}-ready`,
        {
            roleName: metadata.name,
            serviceAccountName: serviceAccount.metadata.name,
            namespace,
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
                template: {
                    spec: kubectlPodSpec({
                        image: kubectlImage,
                        serviceAccountName: serviceAccount.metadata.name,
                        restartPolicy: "Never",
                        pods,
                        command: ["kubectl", "wait", pulumi.interpolate`node/${nodeName}`, ...READY],
                    }),
                },
            },
        },
        { parent, dependsOn: [chart, binding] },
    );
}
