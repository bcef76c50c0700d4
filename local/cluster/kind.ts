import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parse, stringify } from "yaml";
import { kindNodeImage } from "../images/images";
import { KUBECONFIG, PORTS, REGISTRY, STATE } from "../machine/layout";
import { run, until, UserError } from "../machine/shell";
import { beginSite, clusterNetworks, machineNetworks, merge, site } from "../machine/site";
import { template } from "../machine/template";
import { moduleSource, program, version } from "../toolchain/tools";
import { attemptEngine, DOCKER, Engine, podman, requireSystemdCgroups, runEngine } from "./engine";
import { applyManifest, attemptKubectl, kubectl } from "./kubectl";
import { joinBridge, requireFreePorts, requireFreeSubnet } from "./network";

/** Name of the cluster, and of the engine's network that its nodes are in. */
const NAME = "interlink";
/** Names the engine once a cluster is begun. */
const ENGINE = join(STATE, "engine");
/** Lies there when the cluster was made to its end. */
const MADE = join(STATE, "cluster");
/** Tells the cluster's own nodes from InterLink's. */
const NODES = "--selector=!virtual-node.interlink/type";
const IN_NETWORK = { KIND_EXPERIMENTAL_DOCKER_NETWORK: NAME, KIND_EXPERIMENTAL_PODMAN_NETWORK: NAME };

/** kind's configuration file, as far as it is completed here. */
interface Configuration {
    networking: Record<string, unknown>;
    kubeadmConfigPatches: string[];
    nodes: { extraPortMappings?: object[]; extraMounts?: object[] }[];
}

/** Refuses a machine that cannot have the cluster, with what it lacks, before anything is made. */
export async function requireMachine(): Promise<void> {
    if (existsSync(ENGINE)) {
        return;
    }
    const engine = await findEngine();
    requireSystemdCgroups();
    await requireFreePorts(PORTS);
    if ((await attemptEngine(engine, "network", "inspect", NAME)).status !== 0) {
        for (const { engine: subnet } of machineNetworks()) {
            await requireFreeSubnet(subnet);
        }
    }
}

/** Makes the kind cluster, or starts its nodes again, and returns when all of them are Ready. */
export async function ensureCluster(): Promise<void> {
    const engine = await findEngine();
    if (!existsSync(MADE)) {
        beginSite();
        writeFileSync(ENGINE, engine.name);
        // A creation that was interrupted leaves nodes that nobody finishes.
        await deleteNodes(engine);
        await create(engine);
    }
    const since = Math.floor(Date.now() / 1000) * 1000;
    const restarted = await startNodes(engine);
    await until("the API server", 60, async () => (await attemptKubectl("get", "--raw", "/readyz")).status === 0);
    const built = await builtHere(engine);
    if (built) {
        await connectPods(engine);
    }
    await kubectl("wait", "--for=condition=Ready", "node", NODES, "--timeout=60s");
    if (built) {
        // kind's own network plugin enforces NetworkPolicies as well.
        await applyManifest(template("cluster/networkPolicies.yaml", { version: version("kube-network-policies") }));
        const rollout = ["rollout", "status", "daemonset/kube-network-policies", "--namespace=kube-system"];
        await kubectl(...rollout, "--timeout=120s");
    }
    await podsReady(restarted, since);
    await joinBridge(await bridge(engine));
    writeFileSync(MADE, "");
}

/** Deletes the cluster, or what there is of it, and its network. */
export async function deleteCluster(): Promise<void> {
    if (existsSync(ENGINE)) {
        const engine = await findEngine();
        await deleteNodes(engine);
        await attemptEngine(engine, "network", "rm", NAME);
    }
}

/** Deletes the nodes. They are killed first: they stop for longer than engines wait, and podman may then fail over its own kill. */
async function deleteNodes(engine: Engine): Promise<void> {
    const running = ["ps", "--quiet", "--filter", `label=io.x-k8s.kind.cluster=${NAME}`];
    const nodes = (await runEngine(engine, running)).split("\n").filter(Boolean);
    await attemptEngine(engine, "kill", ...nodes);
    await attemptEngine(engine, "wait", ...nodes);
    await kind(engine, ["delete", "cluster", "--name", NAME, "--kubeconfig", KUBECONFIG]);
}

/** Whether the node image has to be built here: no cluster is there, and the official one cannot be pulled. */
export async function needsNodeImage(): Promise<boolean> {
    if (existsSync(MADE)) {
        return false;
    }
    const engine = await findEngine();
    return !(await hasImage(engine, nodeImage())) && !(await pulls(engine, await officialImage()));
}

/** The engine of the cluster that was begun; else Docker where it answers and has kind's node image, else podman. */
async function findEngine(): Promise<Engine> {
    if (existsSync(ENGINE)) {
        return readFileSync(ENGINE, "utf8") === DOCKER.name ? DOCKER : podman();
    }
    const docker = await attemptEngine(DOCKER, "info");
    if (docker.status === 0 && (await pulls(DOCKER, await officialImage()))) {
        return DOCKER;
    }
    const engine = podman();
    const { status, stderr } = await attemptEngine(engine, "info");
    if (status !== 0) {
        const answers = [docker.stderr, stderr].map((text) => text.trim().split("\n").at(-1)).join("; ");
        throw new UserError(
            `container engine: neither Docker nor podman answers (${answers}); start Docker, or install podman.`,
        );
    }
    return engine;
}

/** Whether an engine has an image, or gets it. */
async function pulls(engine: Engine, image: string): Promise<boolean> {
    if (await hasImage(engine, image)) {
        return true;
    }
    const there = (await attemptEngine(engine, "pull", "--quiet", image)).status === 0;
    console.log(`kind's node image ${image}: ${there ? "pulled" : `${engine.name} cannot pull it`}`);
    return there;
}

async function create(engine: Engine): Promise<void> {
    await ensureEngineNetwork(engine);
    // kind shows it to the nodes below /lib/modules, which minimal machines lack.
    mkdirSync("/lib/modules", { recursive: true });
    const built = await hasImage(engine, nodeImage());
    const image = built ? nodeImage() : await officialImage();
    const command = ["create", "cluster", "--name", NAME, "--image", image, "--kubeconfig", KUBECONFIG];
    await kind(engine, [...command, "--config", "-"], stringify(configuration(built)));
}

/** The guide's configuration, at our addresses, with the site's registry as the mirror of all registries. */
function configuration(built: boolean): Configuration {
    const hosts = join(STATE, "certs.d");
    mkdirSync(join(hosts, "_default"), { recursive: true });
    writeFileSync(join(hosts, "_default", "hosts.toml"), template("cluster/hosts.toml", { registry: REGISTRY }));
    const { kind, node: ofNode, ipFamily = "ipv4" } = site();
    const config = merge(parse(template("cluster/kind.yaml")), kind) as Configuration;
    const networks = clusterNetworks();
    Object.assign(config.networking, {
        ipFamily,
        podSubnet: networks.map(({ pods }) => pods).join(),
        serviceSubnet: networks.map(({ services }) => services).join(),
    });
    const extraMounts = [{ hostPath: hosts, containerPath: "/etc/containerd/certs.d" }];
    config.nodes = config.nodes.map((node) => ({
        ...(merge({ ...node, extraMounts }, ofNode) as object),
        extraPortMappings: networks.flatMap(({ published }) =>
            (node.extraPortMappings ?? []).map((mapping) => ({ ...mapping, listenAddress: published })),
        ),
    }));
    if (built) {
        // kind's own network plugin is in no Go module; connectPods does what it does.
        config.networking.disableDefaultCNI = true;
        config.kubeadmConfigPatches.push(
            stringify({
                kind: "ClusterConfiguration",
                etcd: { local: { imageTag: version("etcd") } },
                dns: { imageTag: version("coredns") },
            }),
        );
    }
    return config;
}

/** The network of the nodes, whose addresses the HPC side knows. */
async function ensureEngineNetwork(engine: Engine): Promise<void> {
    if ((await attemptEngine(engine, "network", "inspect", NAME)).status !== 0) {
        const networks = machineNetworks();
        const ranges = networks.flatMap(({ engine, engineGateway, nodes }) => [
            ...["--subnet", engine, "--gateway", engineGateway, "--ip-range", nodes],
        ]);
        const ipv6 = networks.length > 1 ? ["--ipv6"] : [];
        await runEngine(engine, ["network", "create", ...ipv6, ...ranges, NAME]);
    }
}

/** The bridge of the nodes' network. podman has only then a bridge when a container is there. */
async function bridge(engine: Engine): Promise<string> {
    const format = engine.name === "podman" ? "{{.NetworkInterface}}" : "br-{{slice .Id 0 12}}";
    return (await runEngine(engine, ["network", "inspect", "--format", format, NAME])).trim();
}

/** Starts nodes that were stopped, by a reboot for example, and returns their names. */
async function startNodes(engine: Engine): Promise<string[]> {
    const all = (await kind(engine, ["get", "nodes", "--name", NAME])).trim().split("\n");
    const running = (await runEngine(engine, ["ps", "--format", "{{.Names}}"])).split("\n");
    const stopped = all.filter((name) => !running.includes(name));
    for (const node of stopped) {
        await runEngine(engine, ["start", node]);
    }
    return stopped;
}

/** Waits for the pods of nodes that were started again: until a node has spoken since then, all that is known of them is old. */
async function podsReady(nodes: readonly string[], since: number): Promise<void> {
    const path = "jsonpath={.status.conditions[?(@.type=='Ready')].lastHeartbeatTime}";
    for (const node of nodes) {
        const heard = async () => Date.parse(await kubectl("get", "node", node, "-o", path)) >= since;
        await until(`a word from ${node}`, 60, heard);
        const running = `--field-selector=status.phase=Running,spec.nodeName=${node}`;
        await kubectl("wait", "--for=condition=Ready", "pods", "--all-namespaces", running, "--timeout=120s");
    }
}

async function builtHere(engine: Engine): Promise<boolean> {
    const image = await runEngine(engine, ["inspect", "--format", "{{.Config.Image}}", `${NAME}-control-plane`]);
    return image.trim() === nodeImage();
}

/** Gives the pods of each node a network, point to point, and routes from each node to the pods of the others. */
async function connectPods(engine: Engine): Promise<void> {
    await applyManifest(template("cluster/coredns.yaml"), "--server-side", "--force-conflicts");
    const networks = clusterNetworks();
    const addresses = "{.status.addresses[?(@.type=='InternalIP')].address}";
    const path = `jsonpath={range .items[?(@.spec.podCIDR)]}{.metadata.name} {.spec.podCIDRs[*]} ${addresses}{'\\n'}{end}`;
    // A subnet and an address of each family, the cluster's first family first.
    const lines = (await kubectl("get", "nodes", NODES, "-o", path)).trim().split("\n");
    const nodes = lines.map((line) => {
        const [name = "", ...words] = line.split(" ");
        return { name, cidrs: words.slice(0, networks.length), addresses: words.slice(networks.length) };
    });
    for (const { name, cidrs } of nodes) {
        const routes = nodes
            .filter((other) => other.name !== name)
            .flatMap((other) => other.cidrs.map((cidr, i) => `ip route replace ${cidr} via ${other.addresses[i]}`));
        const masquerade = networks.map(
            ({ family, pods }, i) => `${family} saddr ${cidrs[i]} ${family} daddr != ${pods} masquerade`,
        );
        const script = template("cluster/podNetwork.sh", {
            ranges: JSON.stringify(cidrs.map((subnet) => [{ subnet }])),
            defaults: JSON.stringify(networks.map(({ anywhere }) => ({ dst: anywhere }))),
            routes: routes.join("\n"),
            masquerade: masquerade.join("\n"),
        });
        await runEngine(engine, ["exec", "-i", name, "sh", "-e"], script);
    }
}

/** kind's node image, as it is built where the official one cannot be pulled. */
function nodeImage(): string {
    return kindNodeImage(site().kubernetes);
}

/** The node image that this version of kind is made for, or kind's of the Kubernetes that the site has. */
async function officialImage(): Promise<string> {
    const { kubernetes } = site();
    if (kubernetes !== undefined) {
        return `docker.io/kindest/node:${version(kubernetes)}`;
    }
    const source = await moduleSource("kind");
    const defaults = readFileSync(join(source, "pkg", "apis", "config", "defaults", "image.go"), "utf8");
    return /Image = "([^"]+)"/.exec(defaults)?.[1] ?? "kindest/node";
}

async function hasImage(engine: Engine, image: string): Promise<boolean> {
    return (await attemptEngine(engine, "image", "inspect", image)).status === 0;
}

function kind(engine: Engine, args: readonly string[], input?: string): Promise<string> {
    return run([program("kind", "kind"), ...args], { env: { ...engine.env, ...IN_NETWORK }, input });
}
