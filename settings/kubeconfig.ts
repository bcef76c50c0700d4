import { existsSync, readFileSync } from "node:fs";
import { connect } from "node:net";
import { homedir } from "node:os";
import { join } from "node:path";
import { KubeConfig } from "@kubernetes/client-node";
import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { parse } from "yaml";

const CONNECT_TIMEOUT_MS = 5000;

/** The parts of a kubeconfig that are read here. */
interface KubeconfigFile {
    readonly "current-context"?: string;
    readonly contexts?: readonly { readonly name: string; readonly context: { readonly cluster: string } }[];
    readonly clusters?: readonly { readonly name: string; readonly cluster: { readonly server: string } }[];
}

/**
 * What the Kubernetes provider is told, when it is certain that the cluster answers: before anything is created. The
 * kubeconfig is the one that was given, else $KUBECONFIG, else ~/.kube/config. A preview does without a cluster.
 * @throws pulumi.RunError with one sentence where the file is missing, names no server, or its server does not answer.
 */
export async function providerArgs(given: string | undefined): Promise<k8s.ProviderArgs> {
    const path = given ?? process.env.KUBECONFIG ?? join(homedir(), ".kube", "config");
    const key = given === undefined ? "KUBECONFIG" : "interlink-kube-api:kubeconfig";
    const fault = await kubeconfigFault(path);
    // A stack belongs to one cluster: else a preview without the cluster would replace everything.
    const clusterIdentifier = `${pulumi.getProject()}/${pulumi.getStack()}`;
    if (fault === undefined) {
        return { clusterIdentifier, kubeconfig: path };
    }
    if (!pulumi.runtime.isDryRun()) {
        throw new pulumi.RunError(`${key}: ${fault}`);
    }
    void pulumi.log.warn(
        `${key}: ${fault} The preview goes on without a cluster: whether the API server takes the resources, and what ` +
            "the cluster already has, was not checked.",
    );
    pulumi.runtime.registerStackTransformation(leaveUnread);
    // Only so does the provider render charts without a cluster. Nothing is written in a preview. The empty kubeconfig
    // keeps the provider from taking $KUBECONFIG.
    return { clusterIdentifier, kubeconfig: "", renderYamlToDirectory: "preview" };
}

/** The cluster that the provider speaks to; undefined where that is not known here. */
export function clusterOf({ kubeconfig }: k8s.ProviderArgs): KubeConfig | undefined {
    if (typeof kubeconfig !== "string" || kubeconfig === "") {
        return undefined;
    }
    const cluster = new KubeConfig();
    cluster.loadFromFile(kubeconfig);
    return cluster;
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

/** What is wrong with a kubeconfig, as a sentence; undefined where its server answers. */
async function kubeconfigFault(path: string): Promise<string | undefined> {
    if (!existsSync(path)) {
        return `there is no file ${path}; give the path of a kubeconfig.`;
    }
    const file = parse(readFileSync(path, "utf8")) as KubeconfigFile | null;
    const context = file?.contexts?.find((entry) => entry.name === file["current-context"])?.context;
    const server = file?.clusters?.find((entry) => entry.name === context?.cluster)?.cluster.server;
    if (server === undefined) {
        return `the current context of ${path} names no server; give a kubeconfig that does.`;
    }
    const url = new URL(server);
    const failure = await connectFailure(url.hostname.replace(/^\[|\]$/g, ""), Number(url.port || 443));
    return failure === undefined
        ? undefined
        : `the server ${url.origin} of ${path} does not answer (${failure}); give the kubeconfig of a cluster that runs.`;
}

/** Why no TCP connection can be made; undefined where one can. */
function connectFailure(host: string, port: number): Promise<string | undefined> {
    return new Promise((resolve) => {
        const socket = connect({ host, port, timeout: CONNECT_TIMEOUT_MS });
        const done = (failure?: string) => {
            socket.destroy();
            resolve(failure);
        };
        socket.once("connect", () => done());
        socket.once("timeout", () => done(`no answer within ${CONNECT_TIMEOUT_MS / 1000} s`));
        socket.once("error", (error) => done(error.message));
    });
}
