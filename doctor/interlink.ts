import { V1CertificateSigningRequest, V1ConfigMap, V1Deployment } from "@kubernetes/client-node";
import { parse } from "yaml";
import { Link } from "./chain";
import { Facts, VirtualNode } from "./facts";
import { available, conditionOf, Conditions, List } from "./objects";
import { Broken, MAKE_ANEW, must, Unseen } from "./verdicts";

/** What InterLink's virtual kubelet is told, as far as it is read. */
interface Configuration {
    readonly KubernetesApiAddr?: string;
    readonly KubernetesApiPort?: string;
    readonly KubernetesApiCaCrt?: string;
    readonly DisableProjectedVolumes?: boolean;
}

/** What is asked of each virtual node, and after what else of it. */
const LINKS: Readonly<
    Record<string, readonly [ask: (facts: Facts, node: VirtualNode) => Promise<string>, after?: string]>
> = {
    "InterLink's configuration": [configured],
    "projected volumes": [projected, "InterLink's configuration"],
    "virtual kubelet": [running],
    "virtual node": [ready, "virtual kubelet"],
    "kubelet's certificate": [certificate, "virtual node"],
};

/** The links of each virtual node; of several, with its name. */
export function virtualNodes(nodes: readonly VirtualNode[]): readonly Link[] {
    return nodes.flatMap((node) => {
        const named = (name: string) => (nodes.length === 1 ? name : `${name}, ${node.name}`);
        return Object.entries(LINKS).map(([name, [ask, after]]) => ({
            name: named(name),
            after: ["API server", "outputs", ...(after === undefined ? [] : [named(after)])],
            ask: (facts: Facts) => ask(facts, node),
        }));
    });
}

/** The virtual kubelet's configuration, parsed as it does. */
async function configuration(facts: Facts, { name, namespace }: VirtualNode): Promise<Configuration> {
    const map = `${name}-virtual-kubelet-config`;
    const path = `/api/v1/namespaces/${namespace}/configmaps/${map}`;
    const { data } = await facts.need<V1ConfigMap>(path, `ConfigMap ${namespace}/${map}`);
    try {
        return (parse(data?.["InterLinkConfig.yaml"] ?? "") ?? {}) as Configuration;
    } catch (error) {
        const [line = ""] = (error as Error).message.split("\n");
        throw new Broken(
            `InterLinkConfig.yaml in the ConfigMap ${namespace}/${map} is no YAML (${line}): the virtual kubelet does not start`,
            `${MAKE_ANEW} Where the chart is deployed by other means, its indentation of the CA is the fault.`,
        );
    }
}

async function configured(facts: Facts, node: VirtualNode): Promise<string> {
    const told = await configuration(facts, node);
    const { host, port, caCertificate } = facts.server;
    const differs = (what: string, seen: string | undefined, wanted: string) =>
        seen === wanted ? [] : [`the ${what} is ${seen ?? "missing"}, not ${wanted}`];
    const ca = told.KubernetesApiCaCrt?.trim() === caCertificate.trim() ? "that of the outputs" : "another one";
    const differing = [
        ...differs("address", told.KubernetesApiAddr, host),
        ...differs("port", told.KubernetesApiPort, String(port)),
        ...differs("CA", told.KubernetesApiCaCrt && ca, "that of the outputs"),
    ];
    must(differing.length === 0, `jobs are told otherwise than the outputs: ${differing.join("; ")}`, MAKE_ANEW);
    return "address, port and CA are those of the outputs";
}

async function projected(facts: Facts, node: VirtualNode): Promise<string> {
    const { DisableProjectedVolumes } = await configuration(facts, node);
    must(
        DisableProjectedVolumes !== true,
        "DisableProjectedVolumes is true: neither token nor CA reaches a job",
        "Take interlink.disableProjectedVolumes out of the chart's values; InterLink's installer sets it.",
    );
    return "on";
}

async function running(facts: Facts, { name, namespace }: VirtualNode): Promise<string> {
    const path = `/apis/apps/v1/namespaces/${namespace}/deployments/${name}-node`;
    return available(await facts.need<V1Deployment>(path, `Deployment ${namespace}/${name}-node`), namespace);
}

async function ready(facts: Facts, { name, namespace }: VirtualNode): Promise<string> {
    const node = await facts.read<Conditions>(`/api/v1/nodes/${name}`);
    must(
        node !== undefined,
        `there is no node ${name}`,
        "Run `pulumi up`: it starts the virtual kubelet anew, which makes its node at its start alone.",
    );
    const { holds, why } = conditionOf(node, "Ready");
    // Why it is not Ready the virtual kubelet says in a condition of its own, after its first ping.
    const ping = conditionOf(node, "InterlinkConnectivity");
    const unanswered = ping.why.includes("InterlinkPingFailed");
    must(
        holds,
        `${name}: ${why}${unanswered ? `, ${ping.why}` : ""}`,
        unanswered
            ? "InterLink's API server, or the plugin behind it, does not answer: see interlink.address, port and tls, and docs/hpc-side.md."
            : `See \`kubectl logs -n ${namespace} deployment/${name}-node\`.`,
    );
    return `${name}: ${why}`;
}

/** Whether the API server takes the virtual kubelet's certificate, which kubectl logs and exec need. */
async function certificate(facts: Facts, node: VirtualNode): Promise<string> {
    if (node.certificate === "signed") {
        await signed(facts, node);
    }
    // The virtual kubelet knows no such path, and says so by a text; what the API server says itself is a Status.
    const { status, body, text } = await facts.api().get(`/api/v1/nodes/${node.name}/proxy/healthz`);
    const { kind, message = "" } = { ...(body as { readonly kind?: string; readonly message?: string } | undefined) };
    if (kind === "Status" && status === 403) {
        throw new Unseen("nodes/proxy may not be read");
    }
    const refusal = /(x509|tls): [^"\\]*/.exec(text)?.[0];
    must(
        refusal === undefined,
        `the API server refuses the virtual kubelet's certificate (${refusal})`,
        "kubectl logs and exec fail. Set interlink.kubeletCertificate: signed.",
    );
    must(
        kind !== "Status",
        `the API server does not reach the virtual kubelet (HTTP ${status}, ${message})`,
        "kubectl logs and exec fail. See what keeps the control plane from port 10250 of the virtual kubelet's pod.",
    );
    return `${node.certificate}; the API server takes it`;
}

/** Asserts that the last certificate that the virtual kubelet asked for was signed; Kubernetes forgets requests after an hour. */
async function signed(facts: Facts, { name, namespace }: VirtualNode): Promise<void> {
    const list = await facts.read<List<V1CertificateSigningRequest>>(
        "/apis/certificates.k8s.io/v1/certificatesigningrequests?fieldSelector=spec.signerName%3Dkubernetes.io%2Fkubelet-serving",
    );
    const time = ({ metadata }: V1CertificateSigningRequest) => String(metadata?.creationTimestamp);
    const last = (list?.items ?? [])
        .filter(({ spec }) => spec.username === `system:serviceaccount:${namespace}:${name}`)
        .sort((left, right) => (time(left) < time(right) ? -1 : 1))
        .at(-1);
    must(
        last === undefined || last.status?.certificate !== undefined,
        `the request ${last?.metadata?.name} is not signed: ${conditionOf(last ?? {}, "Approved").why}`,
        `See \`kubectl logs -n ${namespace} deployment/${name}-certificate-approver\`, and what else approves or denies.`,
    );
}
