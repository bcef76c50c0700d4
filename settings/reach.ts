import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { messageOf } from "../components/parts/errors";
import { ApiServer, apiServer } from "./apiServer";
import { findKubeconfig, Kubeconfig, KubeconfigFault } from "./kubeconfig";

/** The cluster that a stack belongs to. */
export interface Cluster {
    /** What the Kubernetes provider is told. */
    readonly providerArgs: k8s.ProviderArgs;
    /** The API server, which answers; undefined in a preview without a cluster. */
    readonly api?: ApiServer;
}

/**
 * Finds the cluster and makes certain that it answers: before anything is created. A preview does without a cluster.
 * @throws pulumi.RunError with one sentence where there is no kubeconfig, it names no server, or its server does not answer.
 */
export async function reachCluster(given: string | undefined, context: string | undefined): Promise<Cluster> {
    // A stack belongs to one cluster: else a preview without the cluster would replace everything.
    const clusterIdentifier = stackIdentifier();
    try {
        const kubeconfig = findKubeconfig(given);
        const api = apiServer(kubeconfig, context);
        await makeCertainThatItAnswers(api, kubeconfig);
        // A text may hold credentials.
        const told = kubeconfig.path ?? pulumi.secret(JSON.stringify(kubeconfig.content));
        return { providerArgs: { clusterIdentifier, kubeconfig: told, ...(context && { context }) }, api };
    } catch (error) {
        if (!(error instanceof KubeconfigFault)) {
            throw error;
        }
        if (!pulumi.runtime.isDryRun()) {
            throw new pulumi.RunError(error.message);
        }
        void pulumi.log.warn(
            `${error.message} The preview goes on without a cluster: whether the API server takes the resources, and what ` +
                "the cluster already has, was not checked.",
        );
        pulumi.runtime.registerStackTransformation(leaveUnread);
        // Only so does the provider render charts without a cluster. Nothing is written in a preview. The empty kubeconfig
        // keeps the provider from taking $KUBECONFIG.
        return { providerArgs: { clusterIdentifier, kubeconfig: "", renderYamlToDirectory: "preview" } };
    }
}

/** The stack's name with its project's. */
export function stackIdentifier(): string {
    return `${pulumi.getProject()}/${pulumi.getStack()}`;
}

/** Makes what a stack only reads unknown: without a cluster there is nothing to be read, though an earlier update saw it. */
function leaveUnread({
    props,
    opts,
}: pulumi.ResourceTransformationArgs): pulumi.ResourceTransformationResult | undefined {
    return "id" in opts && opts.id !== undefined
        ? { props, opts: { ...opts, id: pulumi.output(pulumi.unknown as unknown as string) } }
        : undefined;
}

/** Asks for the version, which every API server tells; a refusal is an answer too. */
async function makeCertainThatItAnswers(api: ApiServer, { called, key }: Kubeconfig): Promise<void> {
    const through = api.proxy === undefined ? "" : ` through the proxy ${api.proxy}`;
    const server = `the server ${api.origin} of ${called}`;
    const { status } = await api.get("/version").catch((error: unknown) => {
        if (error instanceof KubeconfigFault) {
            throw error;
        }
        throw new KubeconfigFault(
            `${key}: ${server} does not answer${through} (${messageOf(error)}); give the kubeconfig of a cluster that runs.`,
        );
    });
    if (status === 401) {
        void pulumi.log.warn(`${key}: ${server} refuses the credentials (HTTP 401); renew them if the update fails.`);
    } else if (status !== 200 && status !== 403) {
        throw new KubeconfigFault(
            `${key}: ${server} does not answer${through} as an API server does (HTTP ${status}); give the kubeconfig of a ` +
                "cluster that runs.",
        );
    }
}
