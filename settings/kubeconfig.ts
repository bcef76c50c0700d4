import { existsSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { delimiter, dirname, isAbsolute, join, resolve } from "node:path";
import { parseDocument } from "yaml";
import { urlHost } from "../components/parts/arguments";

/** Where a pod has its service account. */
const SERVICE_ACCOUNT = "/var/run/secrets/kubernetes.io/serviceaccount";
const SETTING = "interlink-kube-api:kubeconfig";
/** Longer values are no paths, and may be credentials: no sentence repeats them. */
const LONGEST_PATH_TOLD = 200;

/** An entry of a kubeconfig's list; a kubeconfig's other keys differ, and are kept as they are. */
type Entry<Kind extends string> = { readonly name?: string } & { readonly [Key in Kind]?: Record<string, unknown> };

/** A kubeconfig, as far as it is read here. */
export interface KubeconfigContent {
    /** Name of the context that holds where none is given. */
    readonly "current-context"?: string;
    /** Clusters with their credentials. */
    readonly contexts: readonly Entry<"context">[];
    /** Servers. */
    readonly clusters: readonly Entry<"cluster">[];
    /** Credentials. */
    readonly users: readonly Entry<"user">[];
}

/** A kubeconfig that was found. */
export interface Kubeconfig {
    /** What it says: several files merged as kubectl does, every path in it absolute. */
    readonly content: KubeconfigContent;
    /** What sentences call it: its path, or what else it is. */
    readonly called: string;
    /** The setting or variable that it comes from. */
    readonly key: string;
    /** Path that says the same as the content; undefined where none does. */
    readonly path?: string;
}

/** Why there is no kubeconfig to be used, in one sentence that begins with the setting or variable. */
export class KubeconfigFault extends Error {}

/**
 * Finds the kubeconfig: the setting, a path or a text; else $KUBECONFIG, which may name several files; else ~/.kube/config; else,
 * where these say nothing, as for kubectl, the service account of the pod that this runs in.
 * @throws KubeconfigFault where there is none, or it cannot be read; the sentence never repeats a text.
 */
export function findKubeconfig(setting: string | undefined, serviceAccount = SERVICE_ACCOUNT): Kubeconfig {
    if (setting !== undefined) {
        return isText(setting)
            ? { content: parsed(setting, "the text given", SETTING), called: "the text given", key: SETTING }
            : merged([setting], SETTING);
    }
    const key = "KUBECONFIG";
    const given = (process.env.KUBECONFIG ?? "").split(delimiter).filter((path) => path !== "");
    const paths = given.length > 0 ? given : [join(homedir(), ".kube", "config")];
    const content = inCluster(serviceAccount);
    return content !== undefined && sayNothing(paths, key)
        ? { content, called: "the pod's service account", key }
        : merged(paths, key);
}

/** Whether files name no cluster: they are missing, or empty. */
function sayNothing(paths: readonly string[], key: string): boolean {
    return !paths.map(absolutePath).some(existsSync) || merged(paths, key).content.clusters.length === 0;
}

/** A path as it is given, which may begin with the home directory. */
function absolutePath(given: string): string {
    return resolve(given.replace(/^~(?=\/|$)/, homedir()));
}

/** Whether a setting is a kubeconfig itself, as YAML or JSON, and no path. */
function isText(setting: string): boolean {
    return /^\s*\{|\n/.test(setting.trimEnd());
}

/** The files' content in one: what the first file says wins, and one that is missing is left out where there are others. */
function merged(given: readonly string[], key: string): Kubeconfig {
    const paths = given.map(absolutePath);
    const called = paths.join(delimiter);
    const { length } = given.join(delimiter);
    const there = paths.filter((path) => existsSync(path));
    if (there.length === 0 && length > LONGEST_PATH_TOLD) {
        throw new KubeconfigFault(
            `${key}: the value, of ${length} characters, is neither the path of a file nor the text of a kubeconfig; ` +
                "give one of them.",
        );
    }
    if (there.length === 0) {
        throw new KubeconfigFault(`${key}: there is no file ${called}; give the path of a kubeconfig.`);
    }
    const files = there.map((path) => {
        const content = parsed(textOf(path, key), path, key);
        return { content, absolute: withAbsolutePaths(content, dirname(path)) };
    });
    const all = <Kind extends "contexts" | "clusters" | "users">(kind: Kind) => {
        const entries = files.flatMap(({ absolute }) => [...absolute[kind]]);
        return entries.filter(({ name }, index) => entries.findIndex((other) => other.name === name) === index);
    };
    const content = {
        apiVersion: "v1",
        kind: "Config",
        "current-context": files.map((file) => file.absolute["current-context"]).find(Boolean),
        contexts: all("contexts"),
        clusters: all("clusters"),
        users: all("users"),
    };
    const [only, ...others] = files;
    // The provider takes relative paths in a file from where it runs itself.
    const same = others.length === 0 && JSON.stringify(only?.content) === JSON.stringify(only?.absolute);
    return { content, called, key, path: same ? there[0] : undefined };
}

function textOf(path: string, key: string): string {
    try {
        return readFileSync(path, "utf8");
    } catch (error) {
        throw new KubeconfigFault(`${key}: ${(error as Error).message}; give the path of a kubeconfig.`);
    }
}

/** A kubeconfig's text as an object; what is wrong with it is told by the line alone, since it may hold credentials. */
function parsed(text: string, called: string, key: string): KubeconfigContent {
    const document = parseDocument(text);
    const [error] = document.errors;
    const content = (error === undefined ? (document.toJS() ?? {}) : undefined) as KubeconfigContent | undefined;
    // kubectl writes null for an empty list.
    const lists = ["contexts", "clusters", "users"].map(
        (key) => (content as Record<string, unknown> | undefined)?.[key] ?? [],
    );
    const isEntry = (entry: unknown) => typeof entry === "object" && entry !== null;
    if (typeof content !== "object" || !lists.every((list) => Array.isArray(list) && list.every(isEntry))) {
        const line = error?.linePos?.[0].line;
        const where = line === undefined ? "" : `, see line ${line}`;
        throw new KubeconfigFault(`${key}: ${called} is not the YAML of a kubeconfig${where}; give a kubeconfig.`);
    }
    const [contexts, clusters, users] = lists;
    return { ...content, contexts, clusters, users } as KubeconfigContent;
}

/** The content with the paths that kubectl takes from the file's own folder. */
function withAbsolutePaths(content: KubeconfigContent, folder: string): KubeconfigContent {
    const absolute = (part: Record<string, unknown> | undefined, keys: readonly string[]) =>
        part && {
            ...part,
            ...Object.fromEntries(
                keys
                    .map((key) => [key, part[key]] as const)
                    .filter((entry): entry is [string, string] => typeof entry[1] === "string" && entry[1] !== "")
                    .map(([key, path]) => [key, isAbsolute(path) ? path : join(folder, path)]),
            ),
        };
    return {
        ...content,
        clusters: content.clusters.map((entry) => ({
            ...entry,
            cluster: absolute(entry.cluster, ["certificate-authority"]),
        })),
        users: content.users.map((entry) => {
            const user = absolute(entry.user, ["client-certificate", "client-key", "tokenFile"]);
            const exec = user?.exec as Record<string, unknown> | undefined;
            // A command without a folder is looked for on $PATH.
            const command = typeof exec?.command === "string" && exec.command.includes("/") ? ["command"] : [];
            return { ...entry, user: (exec && { ...user, exec: absolute(exec, command) }) || user };
        }),
    };
}

/** A kubeconfig for the service account of the pod that this runs in; undefined where it runs in none. */
function inCluster(serviceAccount: string): KubeconfigContent | undefined {
    const { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port } = process.env;
    const tokenFile = join(serviceAccount, "token");
    if (!host || !port || !existsSync(tokenFile)) {
        return undefined;
    }
    const name = "in-cluster";
    const server = `https://${urlHost(host)}:${port}`;
    return {
        "current-context": name,
        contexts: [{ name, context: { cluster: name, user: name } }],
        clusters: [{ name, cluster: { server, "certificate-authority": join(serviceAccount, "ca.crt") } }],
        users: [{ name, user: { tokenFile } }],
    };
}
