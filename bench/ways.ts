import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { parse, stringify } from "yaml";
import { applyManifest, attemptKubectl, kubectl } from "../local/cluster/kubectl";
import { HPC, NET, PROJECT, STATE } from "../local/machine/layout";
import { ensure, stop } from "../local/machine/processes";
import { attempt, run, until } from "../local/machine/shell";
import { template } from "../local/machine/template";
import { settingsPath } from "../local/stacks/environments";
import { environment, pulumiDestroy, pulumiUp, Stack } from "../local/stacks/pulumi";
import { sourceOf } from "../local/toolchain/modules";
import { moduleSource, version } from "../local/toolchain/tools";
import { WayOf } from "./data";

/** A way to the API server that a run makes. */
export interface Way extends WayOf {
    /** TCP port at the published address, and on the node. */
    readonly port: number;
    /** Makes it, and returns the namespace of its pods, where it has any. */
    readonly make: (way: Way) => Promise<string | undefined>;
}

const PORT = 61000;
/** Marks what a run makes outside its own namespaces. */
const MADE = ["-l", "interlink-bench=made"];
const CONFIGURATION = join(STATE, "haproxy.cfg");
const manifest = (name: string, values: Readonly<Record<string, string | number>> = {}) =>
    template(join(__dirname, name), values);

/** All ways, by the order in which they are measured. */
export const WAYS: readonly Way[] = (
    [
        {
            name: "direct",
            kind: "limit",
            hops: 0,
            is: "the API server's own port",
            make: () => Promise.resolve(undefined),
        },
        { name: "guide", kind: "guide", hops: 2, is: "the guide's nginx behind ingress-nginx", make: makeGuide },
        { name: "none", kind: "ours", hops: 1, is: "`controller: none`: the proxy alone", make: makeOurs },
        { name: "traefik", kind: "ours", hops: 2, is: "`controller: traefik`, then the proxy", make: makeOurs },
        {
            name: "ingress-nginx",
            kind: "ours",
            hops: 2,
            is: "`controller: ingress-nginx`, then the proxy",
            make: makeOurs,
        },
        { name: "haproxy-tcp", kind: "peer", hops: 0, is: "HAProxy that passes TLS through", make: makeHaproxy },
        {
            name: "traefik-ingress",
            kind: "peer",
            hops: 1,
            is: "Traefik straight to Service kubernetes",
            make: makeTraefik,
        },
        {
            name: "ingress-nginx-ingress",
            kind: "peer",
            hops: 1,
            is: "ingress-nginx straight to Service kubernetes",
            make: makeNginx,
        },
        {
            name: "traefik-gateway",
            kind: "peer",
            hops: 1,
            is: "Traefik's Gateway API with a BackendTLSPolicy",
            make: makeGateway,
        },
    ] as const
).map((way, index) => ({ ...way, port: PORT + index }));

/** URL of a way, as the HPC side reaches it. */
export function urlOf({ port }: { readonly port: number }): string {
    return `https://${NET.published}:${port}`;
}

/** Lets the HPC side reach the ports of all ways; the cluster itself publishes none of them. */
export async function openPorts(): Promise<void> {
    const values = {
        published: NET.published,
        direct: PORT,
        first: PORT + 1,
        last: PORT + 99,
        node: await nodeAddress(),
    };
    await run(["nft", "-f", "-"], { input: manifest("ways.nft", values) });
}

/** Closes them again. */
export async function closePorts(): Promise<void> {
    await attempt(["nft", "delete", "table", "ip", "interlink_bench"]);
}

/** Waits until a way answers the HPC side. */
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

/** Removes all that a run makes, also what a run that was killed has left. */
export async function removeWays(): Promise<void> {
    for (const name of ["none", "traefik", "ingress-nginx"].map(stackName)) {
        const settings = settingsPath(name);
        if (existsSync(settings)) {
            await pulumiDestroy(stack(name));
            await run(["pulumi", "stack", "rm", "--yes", name], { cwd: dirname(settings), env: environment(name) });
            rmSync(dirname(settings), { recursive: true });
        }
    }
    await stop("bench-haproxy");
    rmSync(CONFIGURATION, { force: true });
    await closePorts();
    await attemptKubectl("delete", "ingress,ingressclass", "-n", "default", ...MADE);
    await attemptKubectl("delete", "referencegrant,backendtlspolicy", "-n", "default", ...MADE);
    await attemptKubectl("delete", "gatewayclass", ...MADE);
    for (const [release, namespace] of [
        ["bench-guide", "bench-guide"],
        ["bench-peer", "bench-ingress-nginx-ingress"],
    ] as const) {
        await attempt(["helm", "uninstall", release, "-n", namespace], { env: environment("bench") });
    }
    const namespaces = (await kubectl("get", "namespaces", "-o", "name")).match(/^namespace\/bench(-.*)?$/gm) ?? [];
    if (namespaces.length > 0) {
        await kubectl("delete", ...namespaces, "--wait");
    }
    await attemptKubectl("delete", "clusterrole,clusterrolebinding,customresourcedefinition", ...MADE);
}

/** A stack beside the ones that are up: the local cluster's own settings with another controller, at ports of its own. */
async function makeOurs({ name: controller, port }: Way): Promise<string> {
    const name = stackName(controller);
    const file = parse(readFileSync(settingsPath("dev"), "utf8")) as { config: Record<string, unknown> };
    const own = {
        controller,
        uniqueNames: true,
        ports: { http: port + 100, https: port },
        certManager: { install: false },
    };
    for (const [key, value] of Object.entries(own)) {
        file.config[`interlink-kube-api:${key}`] = value;
    }
    mkdirSync(dirname(settingsPath(name)), { recursive: true });
    writeFileSync(settingsPath(name), stringify(file));
    await pulumiUp(stack(name));
    const output = ["pulumi", "stack", "output", "namespace"];
    return (await run(output, { cwd: PROJECT, env: environment(name) })).trim();
}

/** The guide's commands, beside the ways that are up. */
async function makeGuide({ port }: Way): Promise<string> {
    await guide(
        ["way_in", "ingress"],
        { NAMESPACE: "bench-guide", RELEASE: "bench-guide", CLASS: "bench-guide" },
        port,
    );
    return "bench-guide";
}

/** Runs steps of the guide. */
export async function guide(
    steps: readonly string[],
    names: Readonly<Record<string, string>>,
    port: number,
): Promise<void> {
    const values = join(
        await moduleSource("ingress-nginx"),
        "hack",
        "manifest-templates",
        "provider",
        "kind",
        "values.yaml",
    );
    const { config } = parse(readFileSync(join(PROJECT, "Pulumi.dev.yaml"), "utf8")) as {
        config: { "interlink-kube-api:images": { virtualKubelet: string } };
    };
    const env = {
        ...environment("bench"),
        ...names,
        MANIFESTS: __dirname,
        CHARTS: join(PROJECT, "local", "images", "charts"),
        KIND_VALUES: values,
        HTTP_PORT: String(port === 60443 ? 6080 : port + 100),
        HTTPS_PORT: String(port),
        ADDRESS: NET.published,
        INTERLINK: `http://${NET.hpc}`,
        VIRTUAL_KUBELET: config["interlink-kube-api:images"].virtualKubelet,
    };
    await run(["bash", join(__dirname, "guide.sh"), ...steps], { env });
}

/** A process in the node's network, as the API server is. */
async function makeHaproxy({ port }: Way): Promise<undefined> {
    const node = await nodeAddress();
    writeFileSync(CONFIGURATION, manifest("haproxy.cfg", { port, node }));
    const netns = `/proc/${await nodePid()}/ns/net`;
    ensure({
        name: "bench-haproxy",
        command: ["nsenter", `--net=${netns}`, "--", "/usr/sbin/haproxy", "-f", CONFIGURATION],
    });
}

async function makeTraefik(way: Way): Promise<string> {
    const name = `bench-${way.name}`;
    await applyManifest(manifest("peer-ingress.yaml", { name, controller: "traefik.io/ingress-controller" }));
    return traefik(way, name, `--providers.kubernetesingress.ingressclass=${name}`);
}

async function makeGateway(way: Way): Promise<string> {
    const namespace = `bench-${way.name}`;
    if ((await attemptKubectl("get", "crd", "gateways.gateway.networking.k8s.io")).status !== 0) {
        const source = await sourceOf("sigs.k8s.io/gateway-api", join(PROJECT, "local", "toolchain", "go", "traefik"));
        const folder = join(source, "config", "crd", "standard");
        // Beside the definitions there is an admission policy.
        const files = readdirSync(folder).filter((file) => /^gateway\.networking\.k8s\.io_[a-z]+\.yaml$/.test(file));
        for (const file of files.map((name) => join(folder, name))) {
            await kubectl("apply", "--server-side", "-f", file);
            await kubectl("label", "-f", file, "interlink-bench=made");
        }
        await kubectl("wait", "--for=condition=Established", "crd", ...MADE, "--timeout=60s");
    }
    await traefik(way, namespace, "--providers.kubernetesgateway=true");
    await applyManifest(manifest("peer-gateway.yaml", { namespace, address: NET.published }));
    return namespace;
}

async function traefik({ port }: Way, namespace: string, provider: string): Promise<string> {
    await applyManifest(manifest("peers.yaml", { namespace, port, provider, traefik: version("traefik") }));
    await kubectl("rollout", "status", "deployment/traefik", "-n", namespace, "--timeout=120s");
    return namespace;
}

async function makeNginx({ name, port }: Way): Promise<string> {
    const namespace = `bench-${name}`;
    await applyManifest(manifest("peer-ingress.yaml", { name: namespace, controller: `k8s.io/${namespace}` }));
    const values = {
        "controller.ingressClassResource.enabled": false,
        "controller.ingressClassResource.controllerValue": `k8s.io/${namespace}`,
        "controller.ingressClass": namespace,
        "controller.hostPort.enabled": true,
        "controller.hostPort.ports.http": port + 100,
        "controller.hostPort.ports.https": port,
        "controller.service.enabled": false,
        "controller.publishService.enabled": false,
        "controller.nodeSelector.ingress-ready": '"true"',
        "controller.image.digest": "",
        "controller.admissionWebhooks.enabled": false,
        "controller.config.use-http2": '"false"',
        "controller.tolerations[0].operator": "Exists",
    };
    const chart = join(PROJECT, "local", "images", "charts", "ingress-nginx");
    const set = Object.entries(values).flatMap(([key, value]) =>
        typeof value === "string" && value.startsWith('"')
            ? ["--set-string", `${key}=${value.slice(1, -1)}`]
            : ["--set", `${key}=${value}`],
    );
    const install = ["helm", "install", "bench-peer", chart, "--create-namespace", "-n", namespace, "--wait"];
    await run([...install, ...set], { env: environment("bench") });
    return namespace;
}

function stackName(controller: string): string {
    return `bench-${controller}`;
}

function stack(name: string): Stack {
    return { name, folder: PROJECT, settings: settingsPath(name) };
}

async function nodeAddress(): Promise<string> {
    const path = "jsonpath={.items[0].status.addresses[?(@.type=='InternalIP')].address}";
    return (await kubectl("get", "nodes", "-l", "node-role.kubernetes.io/control-plane", "-o", path)).trim();
}

/** The first process of the control plane's node: of those of the API server, in whose network namespace it is. */
async function nodePid(): Promise<string> {
    return (await run(["pgrep", "-ox", "kube-apiserver"])).trim();
}
