import { existsSync, readFileSync } from "node:fs";
import { connect } from "node:net";
import { homedir } from "node:os";
import { join } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { parse } from "yaml";

const CONNECT_TIMEOUT_MS = 5000;

/** A kubeconfig and the server that its current context names. */
export interface Kubeconfig {
    /** Path of the file. */
    readonly path: string;
    /** URL of the API server; undefined where there is no file yet. */
    readonly server?: URL;
}

/** The parts of a kubeconfig that are read here. */
interface KubeconfigFile {
    readonly "current-context"?: string;
    readonly contexts?: readonly { readonly name: string; readonly context: { readonly cluster: string } }[];
    readonly clusters?: readonly { readonly name: string; readonly cluster: { readonly server: string } }[];
}

/**
 * Finds the kubeconfig: the one that was given, else $KUBECONFIG, else ~/.kube/config. In a preview it may be missing.
 * @throws pulumi.RunError where the file is missing or names no server.
 */
export function readKubeconfig(given: string | undefined): Kubeconfig {
    const path = given ?? process.env.KUBECONFIG ?? join(homedir(), ".kube", "config");
    const key = given === undefined ? "KUBECONFIG" : "interlink-kube-api:kubeconfig";
    if (!existsSync(path)) {
        return inPreview(`${key}: there is no file ${path}; give the path of a kubeconfig.`, { path });
    }
    const file = parse(readFileSync(path, "utf8")) as KubeconfigFile | null;
    const context = file?.contexts?.find((entry) => entry.name === file["current-context"])?.context;
    const server = file?.clusters?.find((entry) => entry.name === context?.cluster)?.cluster.server;
    if (server === undefined) {
        throw new pulumi.RunError(
            `${key}: the current context of ${path} names no server; give a kubeconfig that does.`,
        );
    }
    return { path, server: new URL(server) };
}

/**
 * Makes sure that the API server accepts connections, before anything is created. A preview goes on with a warning.
 * @throws pulumi.RunError where it does not.
 */
export async function checkReachable({ path, server }: Kubeconfig): Promise<void> {
    if (server === undefined) {
        return;
    }
    const failure = await connectFailure(server.hostname.replace(/^\[|\]$/g, ""), Number(server.port || 443));
    if (failure !== undefined) {
        inPreview(
            `KUBECONFIG: the server ${server.origin} of ${path} does not answer (${failure}); give the kubeconfig of a cluster that runs.`,
            undefined,
        );
    }
}

/** Refuses in an update; in a preview, where nothing is created, warns and goes on with `value`. */
function inPreview<T>(sentence: string, value: T): T {
    if (!pulumi.runtime.isDryRun()) {
        throw new pulumi.RunError(sentence);
    }
    void pulumi.log.warn(`${sentence} The preview was not checked against a cluster.`);
    return value;
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
