import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { applyManifest, attemptKubectl, kubectl } from "../../../local/cluster/kubectl";
import { INTERLINK_PORT, NET, REGISTRY_PORT } from "../../../local/machine/layout";
import { until } from "../../../local/machine/shell";
import { outputs } from "../../../local/stacks/pulumi";
import { NAMES } from "../../../stacks/compose";
import { cluster } from "../../trust/cluster";
import { hpcCurl, inSteps, make, upWith } from "../support";

/** A pod from which connections are tried, or to which. */
interface Pod {
    readonly namespace: string;
    readonly name: string;
    readonly address: string;
}

/** How a connection ends: packets that a policy drops get no answer, a port where nobody listens refuses. */
type Ending = "open" | "refused" | "no answer";

/** Another namespace than the program's, without policies. */
const STRANGER = "default";
const INTERLINK = "interlink";
const PROBE = readFileSync(join(__dirname, "..", "..", "trust", "probe.yaml"), "utf8");
const EDGE = [NET.hpc, INTERLINK_PORT] as const;
const REGISTRY = [NET.registry, REGISTRY_PORT] as const;
const API_SERVER = ["kubernetes.default.svc", 443] as const;

describe("a door", () => {
    inSteps("with walls inside", {
        "`make up CONTROLLER=traefik`, with a pod that tries in each namespace": async () => {
            await cluster("CONTROLLER=traefik");
            for (const namespace of [STRANGER, INTERLINK, (await outputs("dev")).namespace]) {
                await applyManifest(PROBE, "--namespace", namespace);
                const wait = ["wait", "--for=condition=Ready", "pod/probe", "--timeout=60s"];
                await kubectl(...wait, "--namespace", namespace);
            }
            return (await outputs("dev")).apiServerUrl;
        },
        "from another namespace the controller is reached, and the proxy is not": async () => {
            const [stranger, { proxy, controller }] = [await probe(STRANGER), await pods()];
            return all([
                await ends("open", stranger, controller.address, 60443),
                await ends("no answer", stranger, controller.address, 8080),
                await ends("no answer", stranger, proxy.address, 60443),
                await ends("no answer", stranger, proxy.address, 8081),
            ]);
        },
        "nor is it from its own namespace, but by the controller": async () => {
            const { namespace, apiServerUrl } = await outputs("dev");
            const { proxy } = await pods();
            const seen = await ends("no answer", await probe(namespace), proxy.address, 60443);
            const { stdout } = await hpcCurl("dev", "-o", "/dev/null", "-w", "%{http_code}", `${apiServerUrl}/version`);
            assert.equal(stdout, "200");
            return all([seen, `clients outside: ${stdout}`]);
        },
        "the proxy reaches the API server and DNS, and nothing else": async () => {
            const { proxy, kubelet } = await pods();
            return all([
                await ends("open", proxy, ...API_SERVER),
                await ends("no answer", proxy, ...EDGE),
                await ends("no answer", proxy, ...REGISTRY),
                await ends("no answer", proxy, kubelet.address, 10250),
            ]);
        },
        "any other pod in its namespace reaches nothing": async () => {
            const neighbour = await probe((await outputs("dev")).namespace);
            return all([
                await ends("no answer", neighbour, await apiServerAddress(), 443),
                await ends("no answer", neighbour, ...EDGE),
            ]);
        },
        "the virtual kubelet is reached at its port alone, and reaches InterLink's API and the API server":
            async () => {
                const [stranger, lodger, { kubelet }] = [await probe(STRANGER), await probe(INTERLINK), await pods()];
                return all([
                    await ends("open", stranger, kubelet.address, 10250),
                    await ends("no answer", stranger, kubelet.address, 1),
                    await ends("open", lodger, ...EDGE),
                    await ends("open", lodger, await apiServerAddress(), 443),
                    await ends("no answer", lodger, ...REGISTRY),
                ]);
            },
        "without the policies, by `networkPolicies: false`, all of that is open": async () => {
            await upWith("dev", { networkPolicies: false });
            const [stranger, lodger, { proxy, kubelet }] = [
                await probe(STRANGER),
                await probe(INTERLINK),
                await pods(),
            ];
            return all([
                await ends("open", stranger, proxy.address, 60443),
                await ends("open", stranger, proxy.address, 8081),
                await ends("open", proxy, ...EDGE),
                await ends("open", proxy, ...REGISTRY),
                await ends("open", proxy, kubelet.address, 10250),
                await ends("refused", stranger, kubelet.address, 1),
                await ends("open", lodger, ...REGISTRY),
            ]);
        },
        "and shut again with them": async () => {
            await upWith("dev", {});
            const [stranger, { proxy }] = [await probe(STRANGER), await pods()];
            return all([
                await ends("no answer", stranger, proxy.address, 60443),
                await ends("no answer", proxy, ...EDGE),
            ]);
        },
        "of the service accounts, InterLink's alone reads Secrets out of its namespace, the CA's key among them":
            async () => {
                const { interlinkNodeName, namespace } = await outputs("dev");
                const readers = await readersOfSecrets();
                const beyond = readers.filter(({ own, read }) => own !== read);
                assert.deepEqual([...new Set(beyond.map(({ account }) => account))], [interlinkNodeName]);
                assert.ok(beyond.some(({ read }) => read === "cert-manager"));
                const within = readers.filter(({ own, read }) => own === read).map(({ account }) => account);
                assert.deepEqual(within.sort(), [interlinkNodeName, NAMES.controller].sort());
                return `${NAMES.controller}: ${namespace} alone; ${interlinkNodeName}: all namespaces, by InterLink's chart; others: none`;
            },
        "`make destroy`": async () => {
            await make("destroy");
            const left = (await kubectl("get", "networkpolicies", "--all-namespaces", "-o", "name")).trim();
            assert.equal(left, "");
            return "no policy is left";
        },
    });
});

/** The pods of the stack. */
async function pods(): Promise<Readonly<Record<"proxy" | "controller" | "kubelet", Pod>>> {
    const { namespace, interlinkNodeName } = await outputs("dev");
    return {
        proxy: await pod(namespace, "app.kubernetes.io/name=nginx-api-proxy"),
        controller: await pod(namespace, `app.kubernetes.io/instance=${NAMES.controller}`),
        kubelet: await pod(INTERLINK, `app=${interlinkNodeName}`),
    };
}

/** Address of the API server's Service, for pods that may not ask DNS. */
async function apiServerAddress(): Promise<string> {
    return kubectl("get", "service", "kubernetes", "-o", "jsonpath={.spec.clusterIP}");
}

/** The pod of a namespace from which connections are tried. */
async function probe(namespace: string): Promise<Pod> {
    const address = await kubectl("get", "pod", "probe", "--namespace", namespace, "-o", "jsonpath={.status.podIP}");
    return { namespace, name: "probe", address };
}

/** The pod of a namespace that has labels and runs. */
async function pod(namespace: string, labels: string): Promise<Pod> {
    const path = "jsonpath={range .items[?(@.status.phase=='Running')]}{.metadata.name} {.status.podIP}{'\\n'}{end}";
    const found = await kubectl("get", "pods", "--namespace", namespace, "--selector", labels, "-o", path);
    const [name = "", address = ""] = found.split("\n")[0]?.split(" ") ?? [];
    return { namespace, name, address };
}

/** Asserts how a TCP connection from a pod ends: a policy takes a moment to be enforced. */
async function ends(expected: Ending, from: Pod, host: string, port: number): Promise<string> {
    const way = `${from.namespace}/${from.name.replace(/-[0-9a-f]+-\w+$/, "")} to ${host}:${port}`;
    let seen = "";
    const connected = async () => (seen = await connect(from, host, port)) === expected;
    await until(`${way} to end with ${expected}`, 20, connected, () => seen);
    return `${way}: ${expected}`;
}

/** How a TCP connection from a pod ends, within three seconds: an Ending, or what else went wrong. */
async function connect({ namespace, name }: Pod, host: string, port: number): Promise<string> {
    const command = ["timeout", "3", "bash", "-c", `exec 3<>/dev/tcp/${host}/${port}`];
    const { status, stderr } = await attemptKubectl("exec", "--namespace", namespace, name, "--", ...command);
    if (status === 0) {
        return "open";
    }
    return status === 124 ? "no answer" : /refused/.test(stderr) ? "refused" : stderr;
}

/** In which namespaces each service account of the stack reads Secrets. */
async function readersOfSecrets(): Promise<
    { readonly account: string; readonly own: string; readonly read: string }[]
> {
    const everywhere = (await kubectl("get", "namespaces", "-o", "jsonpath={.items[*].metadata.name}")).split(" ");
    const found = [];
    for (const own of [(await outputs("dev")).namespace, INTERLINK]) {
        const names = ["get", "serviceaccounts", "--namespace", own, "-o", "jsonpath={.items[*].metadata.name}"];
        for (const account of (await kubectl(...names)).split(" ")) {
            for (const read of everywhere) {
                const as = `--as=system:serviceaccount:${own}:${account}`;
                const { stdout } = await attemptKubectl("auth", "can-i", "get", "secrets", "--namespace", read, as);
                if (stdout.trim() === "yes") {
                    found.push({ account, own, read });
                }
            }
        }
    }
    return found;
}

/** What was seen, in one cell. */
function all(seen: readonly string[]): string {
    return seen.join("; ");
}
