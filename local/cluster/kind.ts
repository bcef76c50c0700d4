import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { registryHosts } from "../images/images";
import { KUBECONFIG, NET, PORTS, PROJECT, STATE } from "../machine/layout";
import { requireFreePorts } from "./network";
import { attempt, run, UserError } from "../machine/shell";
import { moduleSource, program } from "../toolchain/tools";

/** The clusters that the environment can stand on. */
export type Cluster = "kind" | "local";

const NAME = "interlink";
/** Holds which cluster is up. */
const CHOICE = join(STATE, "cluster");

/** Which cluster, and why: the one that is up, the one that CLUSTER names, or kind where it can run. */
export async function chooseCluster(): Promise<readonly [Cluster, string]> {
    const asked = process.env.CLUSTER;
    const up = existsSync(CHOICE) ? (readFileSync(CHOICE, "utf8") as Cluster) : undefined;
    if (asked !== undefined && asked !== "kind" && asked !== "local") {
        throw new UserError(`CLUSTER: "${asked}" is not allowed; give kind or local.`);
    }
    if (asked !== undefined && up !== undefined && asked !== up) {
        throw new UserError(`CLUSTER: "${asked}" is not allowed while ${up} is up; run make down first.`);
    }
    return asked !== undefined ? [asked, "CLUSTER says so"] : detect(up);
}

/** Remembers the cluster that is about to be started, for the next `up` and for `down`. */
export function rememberCluster(cluster: Cluster): void {
    mkdirSync(STATE, { recursive: true });
    writeFileSync(CHOICE, cluster);
}

/** Whether the cluster that is up is kind's. */
export function kindIsUp(): boolean {
    return existsSync(CHOICE) && readFileSync(CHOICE, "utf8") === "kind";
}

/** Makes the kind cluster unless it is there. */
export async function ensureKind(): Promise<void> {
    const kind = program("kind", "kind");
    if (!(await run([kind, "get", "clusters"])).split("\n").includes(NAME)) {
        await requireFreePorts(undefined, PORTS);
        const hosts = join(STATE, "certs.d");
        mkdirSync(join(hosts, "_default"), { recursive: true });
        writeFileSync(join(hosts, "_default", "hosts.toml"), registryHosts());
        const input = readFileSync(join(PROJECT, "local", "cluster", "kind.yaml"), "utf8")
            .replaceAll("${NODE_ADDRESS}", NET.node)
            .replaceAll("${REGISTRY_HOSTS}", hosts);
        await run([kind, "create", "cluster", "--name", NAME, "--wait", "120s", "--config", "-"], {
            input,
            env: { KUBECONFIG },
        });
    }
    await run([kind, "export", "kubeconfig", "--name", NAME, "--kubeconfig", KUBECONFIG]);
}

/** Deletes the kind cluster. */
export async function deleteKind(): Promise<void> {
    await run([program("kind", "kind"), "delete", "cluster", "--name", NAME, "--kubeconfig", KUBECONFIG]);
}

async function detect(up: Cluster | undefined): Promise<readonly [Cluster, string]> {
    if (up !== undefined) {
        return [up, "it is up"];
    }
    const docker = await attempt(["docker", "info"]).catch(() => undefined);
    if (docker?.status !== 0) {
        return ["local", "no Docker engine answers"];
    }
    const source = await moduleSource("kind");
    const defaults = readFileSync(join(source, "pkg", "apis", "config", "defaults", "image.go"), "utf8");
    const image = /Image = "([^"]+)"/.exec(defaults)?.[1] ?? "kindest/node";
    const pulled = (await attempt(["docker", "pull", "--quiet", image], { timeoutSeconds: 600 })).status === 0;
    return pulled
        ? ["kind", "a Docker engine answers and has kind's node image"]
        : ["local", `Docker cannot pull ${image}`];
}
