import { readFileSync } from "node:fs";
import * as http from "node:http";
import * as https from "node:https";
import * as tls from "node:tls";
import { KubeConfig } from "@kubernetes/client-node";
import { messageOf } from "../components/parts/errors";
import { Client } from "./client";
import { Kubeconfig, KubeconfigFault } from "./kubeconfig";
import { environmentProxy } from "./proxy";

const REQUEST_TIMEOUT_MS = 5000;
/** How long a kubeconfig's own command for credentials may take, such as a cloud's. */
const CREDENTIALS_TIMEOUT_MS = 60_000;
/** Objects without what is large in them, where the API server knows how. */
const ACCEPT = {
    whole: "application/json",
    metadata: ["PartialObjectMetadata", "PartialObjectMetadataList"]
        .map((kind) => `application/json;as=${kind};g=meta.k8s.io;v=v1`)
        .concat("application/json")
        .join(","),
};

/** What the API server said. */
interface Answer {
    /** HTTP status. */
    readonly status: number;
    /** The JSON of its body; undefined where it is none. */
    readonly body: unknown;
    /** The body as it came. */
    readonly text: string;
}

/** The API server of a kubeconfig's context, with its credentials, as kubectl and the provider reach it. */
export interface ApiServer {
    /** Its URL without a path. */
    readonly origin: string;
    /** Proxy on the way to it, without credentials; undefined where there is none. */
    readonly proxy: string | undefined;
    /** The client library's view of it, for what `get` does not do. */
    readonly client: () => KubeConfig;
    /** Asks for a path, for whole objects or for their metadata alone; rejects where there is no answer within 5 s. */
    readonly get: (path: string, part?: keyof typeof ACCEPT) => Promise<Answer>;
}

/**
 * The API server of a context, which is the kubeconfig's current one unless it is named.
 * @throws KubeconfigFault where there is no such context, or it names no server; so does `get` where a file or command that it names
 * cannot be used.
 */
export function apiServer(kubeconfig: Kubeconfig, contextName: string | undefined): ApiServer {
    const { called, key } = kubeconfig;
    const { contexts, clusters, users, "current-context": current } = kubeconfig.content;
    const names = contexts.map(({ name }) => name).join(", ");
    const context = contexts.find(({ name }) => name === (contextName ?? current))?.context;
    if (contextName !== undefined && context === undefined) {
        const allowed = names === "" ? `one of ${called}, which has none` : `one of ${called}: ${names}`;
        throw new KubeconfigFault(
            `interlink-kube-api:context: ${JSON.stringify(contextName)} is not allowed; give ${allowed}.`,
        );
    }
    if (context === undefined && names !== "") {
        const missing = current ? `context ${current}, which shall be its current one` : "current context";
        throw new KubeconfigFault(
            `${key}: ${called} has no ${missing}; set interlink-kube-api:context to one of: ${names}.`,
        );
    }
    const cluster = clusters.find(({ name }) => name === context?.cluster)?.cluster;
    if (typeof cluster?.server !== "string" || !/^https?:\/\//.test(cluster.server) || !URL.canParse(cluster.server)) {
        const which = contextName === undefined ? "current context" : `context ${contextName}`;
        throw new KubeconfigFault(`${key}: the ${which} of ${called} names no server; give a kubeconfig that does.`);
    }
    const url = new URL(cluster.server);
    const proxy = (cluster["proxy-url"] as string | undefined) || environmentProxy(url);
    const user = users.find(({ name }) => name === context?.user)?.user ?? {};
    let config: KubeConfig | undefined;
    const client = () => (config ??= clientConfig(cluster, user, proxy));
    // Asked for once: a command for credentials may take seconds.
    let options: Promise<https.RequestOptions> | undefined;
    return {
        origin: url.origin,
        proxy: proxy && URL.canParse(proxy) ? withoutCredentials(new URL(proxy)) : proxy,
        client,
        get: async (path, part = "whole") => {
            options ??= requestOptions(client).catch((error: unknown) => {
                throw new KubeconfigFault(
                    `${key}: ${called} names what cannot be used (${messageOf(error)}); give a kubeconfig whose files are there, and ` +
                        "whose command for credentials works.",
                );
            });
            return request(url.href.replace(/\/$/, "") + path, await options, ACCEPT[part]);
        },
    };
}

function withoutCredentials(url: URL): string {
    return `${url.protocol}//${url.host}`;
}

/** A cluster and a user as the client library takes them; given what it does not know itself. */
function clientConfig(
    cluster: Record<string, unknown>,
    user: Record<string, unknown>,
    proxy: string | undefined,
): KubeConfig {
    const name = "chosen";
    const { hostname } = new URL(String(cluster.server));
    const serverName = (cluster["tls-server-name"] as string | undefined) || hostname.replace(/^\[|\]$/g, "");
    const config = new Client({ serverName, proxy, user });
    config.loadFromString(
        JSON.stringify({
            "current-context": name,
            contexts: [{ name, context: { cluster: name, user: name } }],
            clusters: [
                {
                    name,
                    cluster: {
                        ...cluster,
                        ...machineRoots(cluster),
                        // As for Go, the proxy finds the name: it may be known there alone.
                        "proxy-url": proxy?.replace(/^socks5:/, "socks5h:"),
                        // The library refuses plain HTTP otherwise, where there is nothing to verify.
                        ...(String(cluster.server).startsWith("http:") && { "insecure-skip-tls-verify": true }),
                    },
                },
            ],
            users: [{ name, user: { ...user, ...tokenOf(user), ...execOf(user, cluster) } }],
        }),
    );
    return config;
}

/** The roots that the machine trusts, for a cluster without a CA, as Go takes them; Node by itself has its own alone. */
function machineRoots(cluster: Record<string, unknown>): Record<string, unknown> {
    const given = ["certificate-authority", "certificate-authority-data", "insecure-skip-tls-verify"];
    // Node has the function since 22.15.
    if (given.some((key) => Boolean(cluster[key])) || !("getCACertificates" in tls)) {
        return {};
    }
    const roots = new Set([...tls.getCACertificates("default"), ...tls.getCACertificates("system")]);
    return { "certificate-authority-data": Buffer.from([...roots].join("\n")).toString("base64") };
}

/** What the client library makes of it for one request: agent, certificates, credentials. */
async function requestOptions(client: () => KubeConfig): Promise<https.RequestOptions> {
    const options: https.RequestOptions = { timeout: REQUEST_TIMEOUT_MS };
    await within(CREDENTIALS_TIMEOUT_MS, client().applyToHTTPSOptions(options));
    return options;
}

/** The token of a file, which wins over one in the kubeconfig; the library knows the file by another key. */
function tokenOf({ tokenFile }: Record<string, unknown>): { readonly token?: string } {
    return typeof tokenFile === "string" && tokenFile !== "" ? { token: readFileSync(tokenFile, "utf8").trim() } : {};
}

/** A command for credentials, told what kubectl tells it: some refuse to run without. */
function execOf(user: Record<string, unknown>, cluster: Record<string, unknown>): Record<string, unknown> {
    const exec = user.exec as Record<string, unknown> | null | undefined;
    if (!exec) {
        return {};
    }
    const spec = { interactive: false, ...(exec.provideClusterInfo === true && { cluster }) };
    const value = JSON.stringify({ kind: "ExecCredential", apiVersion: exec.apiVersion, spec });
    const env = [...((exec.env as object[] | null) ?? []), { name: "KUBERNETES_EXEC_INFO", value }];
    return { exec: { ...exec, env } };
}

async function within<T>(limit: number, work: Promise<T>): Promise<T> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
        timer = setTimeout(() => reject(new Error(`no answer within ${limit / 1000} s`)), limit);
    });
    return Promise.race([work, late]).finally(() => clearTimeout(timer));
}

/** One GET request. */
function request(url: string, options: https.RequestOptions, accept: string): Promise<Answer> {
    let sent: http.ClientRequest | undefined;
    const answer = new Promise<Answer>((resolve, reject) => {
        const headers = { ...options.headers, accept };
        sent = (url.startsWith("http:") ? http : https).get(url, { ...options, headers }, (response) => {
            let text = "";
            response.setEncoding("utf8");
            response.on("data", (chunk: string) => (text += chunk));
            response.once("error", reject);
            response.once("end", () => resolve({ status: response.statusCode ?? 0, body: json(text), text }));
        });
        sent.once("error", reject);
    });
    return within(REQUEST_TIMEOUT_MS, answer).finally(() => sent?.destroy());
}

function json(text: string): unknown {
    try {
        return JSON.parse(text);
    } catch {
        return undefined;
    }
}
