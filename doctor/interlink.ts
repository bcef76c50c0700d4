import { parse } from "yaml";
import { Link } from "./chain";
import { available, Conditions, conditionOf, Deployment } from "./cluster";
import { Facts, VirtualNode } from "./facts";
import { Broken, Unseen } from "./verdicts";

/** What InterLink's virtual kubelet is told, as far as it is read. */
interface Configuration {
    readonly KubernetesApiAddr?: string;
    readonly KubernetesApiPort?: string;
    readonly KubernetesApiCaCrt?: string;
    readonly DisableProjectedVolumes?: boolean;
}

/** Who asks a cluster to sign kubelets' serving certificates. */
const SIGNER = "kubernetes.io/kubelet-serving";

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
    const found = await facts.read<{ readonly data?: Readonly<Record<string, string>> }>(
        `/api/v1/namespaces/${namespace}/configmaps/${map}`,
    );
    const text = found?.data?.["InterLinkConfig.yaml"];
    if (text === undefined) {
        throw new Broken(
            `there is no InterLinkConfig.yaml in the ConfigMap ${namespace}/${map}`,
            "Run `pulumi up --refresh`, which makes what is missing.",
        );
    }
    try {
        return parse(text) as Configuration;
    } catch (error) {
        const [line = ""] = (error as Error).message.split("\n");
        throw new Broken(
            `InterLinkConfig.yaml in the ConfigMap ${namespace}/${map} is no YAML (${line}): the virtual kubelet does not start`,
            "Run `pulumi up --refresh`. Where the chart is deployed by other means, its indentation of the CA is the fault.",
        );
    }
}

async function configured(facts: Facts, node: VirtualNode): Promise<string> {
    const { KubernetesApiAddr, KubernetesApiPort, KubernetesApiCaCrt } = await configuration(facts, node);
    const { host, port, caCertificate } = facts.server;
    const differing = [
        ...(KubernetesApiAddr === host ? [] : [`the address is ${KubernetesApiAddr ?? "missing"}, not ${host}`]),
        ...(KubernetesApiPort === String(port) ? [] : [`the port is ${KubernetesApiPort ?? "missing"}, not ${port}`]),
        ...(KubernetesApiCaCrt?.trim() === caCertificate.trim()
            ? []
            : [`the CA is ${KubernetesApiCaCrt === undefined ? "missing" : "another one than that of the outputs"}`]),
    ];
    if (differing.length > 0) {
        throw new Broken(
            `jobs are told otherwise than the outputs: ${differing.join("; ")}`,
            "Run `pulumi up --refresh`; somebody else has changed the ConfigMap.",
        );
    }
    return "address, port and CA are those of the outputs";
}

async function projected(facts: Facts, node: VirtualNode): Promise<string> {
    if ((await configuration(facts, node)).DisableProjectedVolumes === true) {
        throw new Broken(
            "DisableProjectedVolumes is true: neither token nor CA reaches a job",
            "Take interlink.disableProjectedVolumes out of the chart's values; InterLink's installer sets it.",
        );
    }
    return "on";
}

async function running(facts: Facts, { name, namespace }: VirtualNode): Promise<string> {
    const deployment = await facts.read<Deployment>(`/apis/apps/v1/namespaces/${namespace}/deployments/${name}-node`);
    if (deployment === undefined) {
        throw new Broken(
            `there is no Deployment ${namespace}/${name}-node`,
            "Run `pulumi up --refresh`, which makes what is missing.",
        );
    }
    return available(deployment, namespace);
}

async function ready(facts: Facts, { name, namespace }: VirtualNode): Promise<string> {
    const node = await facts.read<Conditions>(`/api/v1/nodes/${name}`);
    if (node === undefined) {
        throw new Broken(
            `there is no node ${name}`,
            "Run `pulumi up`: it starts the virtual kubelet anew, which makes its node at its start alone.",
        );
    }
    const { holds, why } = conditionOf(node, "Ready");
    if (!holds) {
        throw new Broken(
            `${name}: ${why}`,
            why.includes("InterlinkPing")
                ? "InterLink's API server does not answer, or the plugin behind it: see interlink.address and port, tls, and docs/hpc-side.md."
                : `See \`kubectl logs -n ${namespace} deployment/${name}-node\`.`,
        );
    }
    return `${name}: ${why}`;
}

/** Whether the API server takes the virtual kubelet's certificate, which kubectl logs and exec need. */
async function certificate(facts: Facts, node: VirtualNode): Promise<string> {
    if (node.certificate === "signed") {
        await signed(facts, node);
    }
    // The virtual kubelet knows no such path; it answers all the same.
    const { status, text } = await facts.api().get(`/api/v1/nodes/${node.name}/proxy/healthz`);
    if (/x509|tls: /.test(text)) {
        throw new Broken(
            `the API server refuses the virtual kubelet's certificate (${/(x509|tls): [^"\\]*/.exec(text)?.[0]})`,
            "kubectl logs and exec fail. Set interlink.kubeletCertificate: signed.",
        );
    }
    if (status >= 500 && status !== 501) {
        throw new Broken(
            `the API server does not reach the virtual kubelet (HTTP ${status})`,
            "kubectl logs and exec fail. See that nothing keeps the control plane from port 10250 of the virtual kubelet's pod.",
        );
    }
    if (status === 403 && text.includes("nodes/proxy")) {
        throw new Unseen("nodes/proxy may not be read");
    }
    return `${node.certificate}; the API server takes it`;
}

/** Asserts that the last certificate that the virtual kubelet asked for was signed. */
async function signed(facts: Facts, { name, namespace }: VirtualNode): Promise<void> {
    const list = await facts.read<{
        readonly items: readonly (Conditions & {
            readonly metadata: { readonly name: string; readonly creationTimestamp: string };
            readonly spec: { readonly username: string };
            readonly status?: { readonly certificate?: string };
        })[];
    }>(
        `/apis/certificates.k8s.io/v1/certificatesigningrequests?fieldSelector=spec.signerName%3D${encodeURIComponent(SIGNER)}`,
    );
    const last = (list?.items ?? [])
        .filter(({ spec }) => spec.username === `system:serviceaccount:${namespace}:${name}`)
        .sort((left, right) => (left.metadata.creationTimestamp < right.metadata.creationTimestamp ? 1 : -1))[0];
    // Kubernetes forgets requests after an hour.
    if (last !== undefined && last.status?.certificate === undefined) {
        throw new Broken(
            `the request ${last.metadata.name} is not signed: ${conditionOf(last, "Approved").why}`,
            `See \`kubectl logs -n ${namespace} deployment/${name}-certificate-approver\`, and what else approves or denies.`,
        );
    }
}
