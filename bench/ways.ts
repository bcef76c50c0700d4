import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { parse, stringify } from "yaml";
import { kubectl } from "../local/cluster/kubectl";
import { HPC, NET, PROJECT, STATE } from "../local/machine/layout";
import { attempt, run, until } from "../local/machine/shell";
import { template } from "../local/machine/template";
import { settingsPath } from "../local/stacks/environments";
import { environment, outputsOf, pulumiDestroy, pulumiUp, Stack } from "../local/stacks/pulumi";
import { sourceOf } from "../local/toolchain/modules";
import { moduleSource, version } from "../local/toolchain/tools";
import { WayOf } from "./data";

/** A way to the API server that a run makes. */
export interface Way extends WayOf {
    /** TCP port at the published address, and on the node. */
    readonly port: number;
}

const PORT = 61000;

/** All ways, by the order in which they are measured. The first one is the API server's own port; ours are named by their controllers. */
export const WAYS = (
    [
        ["direct", "limit", 0, "the API server's own port"],
        ["guide", "guide", 2, "the guide's nginx behind ingress-nginx"],
        ["none", "ours", 1, "`controller: none`: the proxy alone"],
        ["traefik", "ours", 2, "`controller: traefik`, which passes TLS through to the proxy"],
        ["ingress-nginx", "ours", 2, "`controller: ingress-nginx`, then the proxy"],
        ["haproxy-tcp", "peer", 1, "HAProxy that passes TLS through"],
        ["traefik-ingress", "peer", 1, "Traefik straight to Service kubernetes"],
        ["ingress-nginx-ingress", "peer", 1, "ingress-nginx straight to Service kubernetes"],
        ["traefik-gateway", "peer", 1, "Traefik's Gateway API with a BackendTLSPolicy"],
    ] as const
).map(([name, kind, hops, is], index): Way => ({ name, kind, hops, is, port: PORT + index }));

/** URL of the API server's own port, as the HPC side reaches it during a run. */
export const DIRECT = `https://${NET.published}:${PORT}`;

/** Lets the HPC side reach the ports of all ways; the cluster itself publishes none of them. */
export async function openPorts(): Promise<void> {
    const node = await nodeAddress();
    const values = { published: NET.published, direct: PORT, first: PORT + 1, last: PORT + 99, node };
    await run(["nft", "-f", "-"], { input: template(join(__dirname, "ways.nft"), values) });
}

/** Closes them again. */
export async function closePorts(): Promise<void> {
    await attempt(["nft", "delete", "table", "ip", "interlink_bench"]);
}

/** Makes a way, waits until it answers the HPC side, and returns its URL and the namespace of its pods. */
export async function makeWay(way: Way): Promise<{ readonly url: string; readonly namespace: string | undefined }> {
    const url = `https://${NET.published}:${way.port}`;
    const namespace = way.kind === "ours" ? await makeOurs(way) : `bench-${way.name}`;
    if (way.kind === "guide" || way.kind === "peer") {
        await script("ways.sh", [`make_${way.name}`], { NAMESPACE: namespace, PORT: String(way.port) });
    }
    await answered(url);
    return { url, namespace };
}

/** Removes all that a run makes, also what a run that was killed has left. */
export async function removeWays(): Promise<void> {
    for (const stack of WAYS.filter(({ kind }) => kind === "ours").map(stackOf)) {
        const { name, settings } = stack;
        if (existsSync(settings)) {
            await pulumiDestroy(stack);
            await run(["pulumi", "stack", "rm", "--yes", name], { cwd: dirname(settings), env: environment(name) });
            rmSync(dirname(settings), { recursive: true });
        }
    }
    await closePorts();
    await script("ways.sh", ["remove_all"]);
}

/** A Deployment, and how many pods it has when it runs. */
export interface Running {
    /** Its namespace. */
    readonly namespace: string;
    /** Its name. */
    readonly name: string;
    /** Its pods. */
    readonly replicas: number;
}

/** All Deployments of the cluster. */
export async function deployments(): Promise<Running[]> {
    interface List {
        readonly items: {
            readonly metadata: Omit<Running, "replicas">;
            readonly spec: { readonly replicas: number };
        }[];
    }
    const { items } = JSON.parse(await kubectl("get", "deployments", "--all-namespaces", "-o", "json")) as List;
    return items.map(({ metadata: { namespace, name }, spec: { replicas } }) => ({ namespace, name, replicas }));
}

/** Takes Deployments their pods. */
export async function pause(paused: readonly Running[]): Promise<void> {
    for (const { namespace, name } of paused) {
        await kubectl("scale", "deployment", name, "-n", namespace, "--replicas=0");
    }
}

/** Waits until pods that were taken are gone, since their end costs as well. */
export async function ended(paused: readonly Running[]): Promise<void> {
    const namespaces = new Set(paused.map(({ namespace }) => namespace));
    const running = ["pods", "--all-namespaces", "--field-selector=status.phase=Running"];
    await until("the end of the ways' pods", 120, async () => {
        const left = await kubectl("get", ...running, "-o", "jsonpath={.items[*].metadata.namespace}");
        return !left.split(" ").some((namespace) => namespaces.has(namespace));
    });
}

/** Gives Deployments their pods again, and waits until these are ready. */
export async function resume(paused: readonly Running[]): Promise<void> {
    for (const { namespace, name, replicas } of paused) {
        await kubectl("scale", "deployment", name, "-n", namespace, `--replicas=${replicas}`);
    }
    for (const { namespace, name } of paused) {
        await kubectl("rollout", "status", "deployment", name, "-n", namespace, "--timeout=120s");
    }
}

/** Waits until an API server answers the HPC side. */
export async function answered(url: string): Promise<void> {
    const curl = ["curl", "-sk", "-m2", "-o", "/dev/null", "-w", "%{http_code}", `${url}/version`];
    let seen = "";
    await until(
        `an answer from ${url}`,
        60,
        async () => /^(200|401|403)$/.test((seen = (await attempt(curl, { netns: HPC })).stdout)),
        () => `It says ${seen}.`,
    );
}

/** Runs a script of this folder with what all of them know, and with variables of its own. */
export async function script(
    name: string,
    args: readonly string[],
    variables: Readonly<Record<string, string>> = {},
): Promise<void> {
    const { config } = parse(readFileSync(join(PROJECT, "Pulumi.dev.yaml"), "utf8")) as {
        config: { "interlink-kube-api:images": { virtualKubelet: string } };
    };
    const ingressNginx = await moduleSource("ingress-nginx");
    const env = {
        ...environment("bench"),
        ADDRESS: NET.published,
        CHARTS: join(PROJECT, "local", "images", "charts"),
        GATEWAY_API: await sourceOf("sigs.k8s.io/gateway-api", join(PROJECT, "local", "toolchain", "go", "traefik")),
        INTERLINK: `http://${NET.hpc}`,
        KIND_VALUES: join(ingressNginx, "hack/manifest-templates/provider/kind/values.yaml"),
        NODE: await nodeAddress(),
        STATE: join(STATE, "bench"),
        TRAEFIK: version("traefik"),
        VIRTUAL_KUBELET: config["interlink-kube-api:images"].virtualKubelet,
        ...variables,
    };
    await run([join(__dirname, name), ...args], { env });
}

/** A stack beside the ones that are up: the local cluster's own settings with another controller, at ports of its own. */
async function makeOurs({ name: controller, port }: Way): Promise<string> {
    const stack = stackOf({ name: controller });
    const file = parse(readFileSync(settingsPath("dev"), "utf8")) as { config: Record<string, unknown> };
    const ports = { http: port + 100, https: port };
    const own = { controller, uniqueNames: true, ports, certManager: { install: false } };
    for (const [key, value] of Object.entries(own)) {
        file.config[`interlink-kube-api:${key}`] = value;
    }
    mkdirSync(dirname(stack.settings), { recursive: true });
    writeFileSync(stack.settings, stringify(file));
    await pulumiUp(stack);
    return (await outputsOf(stack)).namespace;
}

function stackOf({ name: controller }: { readonly name: string }): Stack {
    const name = `bench-${controller}`;
    return { name, folder: PROJECT, settings: settingsPath(name) };
}

async function nodeAddress(): Promise<string> {
    const path = "jsonpath={.items[0].status.addresses[?(@.type=='InternalIP')].address}";
    return (await kubectl("get", "nodes", "-l", "node-role.kubernetes.io/control-plane", "-o", path)).trim();
}
