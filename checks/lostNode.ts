import { ApiException, AppsV1Api, CoreV1Api, KubeConfig } from "@kubernetes/client-node";
import * as pulumi from "@pulumi/pulumi";
import { RESTARTED } from "../components/parts/annotations";
import { reasonOf } from "./notChecked";

/**
 * When the virtual kubelet was last started anew, which is now where the cluster has lost its virtual node: it makes the node at
 * its start and never again. Pulumi does not look for what it has made. Undefined where it never was, or is not there yet.
 */
export async function restartedAt(
    cluster: KubeConfig,
    nodeName: string,
    namespace: string,
): Promise<string | undefined> {
    const deployment = await unlessMissing(
        cluster.makeApiClient(AppsV1Api).readNamespacedDeployment({ namespace, name: `${nodeName}-node` }),
    );
    if (deployment === undefined) {
        return undefined;
    }
    const node = await unlessMissing(cluster.makeApiClient(CoreV1Api).readNode({ name: nodeName }));
    return node === undefined ? new Date().toISOString() : deployment.spec?.template.metadata?.annotations?.[RESTARTED];
}

/** What was asked for; undefined where there is none. */
async function unlessMissing<T>(asked: Promise<T>): Promise<T | undefined> {
    try {
        return await asked;
    } catch (error) {
        if (error instanceof ApiException && error.code === 404) {
            return undefined;
        }
        throw new pulumi.RunError(
            `Whether the cluster has lost its virtual node could not be asked (${reasonOf(error)}); give a kubeconfig whose ` +
                "user may get nodes and deployments.",
        );
    }
}
