import { SUPPORTED } from "../stacks/cluster";
import { NAMES } from "../stacks/compose";
import { Look } from "../stacks/look";
import { runningControllers } from "../stacks/presentCertManager";
import { outputFaults } from "../outputs";
import { PlainSettings } from "../settings/schema";
import { Link } from "./chain";
import { Facts } from "./facts";
import { Broken, Unseen } from "./verdicts";

/** What the API server says of the state of an object. */
export interface Conditions {
    readonly status?: {
        readonly conditions?: readonly Readonly<
            Record<"type" | "status", string> & Partial<Record<"reason" | "message", string>>
        >[];
    };
}

/** A list of the API server's. */
export interface List<Kind> {
    readonly items: readonly Kind[];
}

/** What to do where an object of the stack is missing. */
export const MAKE_ANEW = "Run `pulumi up --refresh`, which makes what is missing.";

/** A Deployment, as far as it is read. */
export interface Deployment extends Conditions {
    readonly metadata: { readonly name: string; readonly labels?: Readonly<Record<string, string>> };
    readonly spec: { readonly replicas?: number };
    readonly status?: Conditions["status"] & { readonly availableReplicas?: number };
}

/** The links of every environment, up to the cluster's own state. */
export const CLUSTER: readonly Link[] = [
    { name: "outputs", ask: outputs },
    { name: "kubeconfig", ask: kubeconfig },
    { name: "API server", after: ["kubeconfig"], ask: answers },
    { name: "Kubernetes version", after: ["API server"], ask: version },
];

/** Those of the environments whose way in the program makes. */
export function ownWay({ environment, controller }: PlainSettings & { readonly controller?: string }): readonly Link[] {
    const deployed = ["API server", "outputs"];
    return [
        { name: "cert-manager", after: ["API server"], ask: certManager },
        { name: "certificate issued", after: deployed, ask: certificateIssued },
        ...(controller === "none" ? [] : [{ name: "IngressClass", after: deployed, ask: ingressClass }]),
        { name: "proxy's pods", after: deployed, ask: (facts: Facts) => pods(facts, NAMES.proxy) },
        ...(controller === "none"
            ? []
            : [{ name: "controller's pods", after: deployed, ask: (facts: Facts) => pods(facts, NAMES.controller) }]),
        { name: "address published", after: deployed, ask: environment === "kind" ? nodesTaken : loadBalancer },
    ];
}

/** The condition of a type, with why it is so, as a part of a sentence. */
export function conditionOf(object: Conditions, type: string): { readonly holds: boolean; readonly why: string } {
    const condition = object.status?.conditions?.find((one) => one.type === type);
    const { status = "missing", reason, message } = condition ?? {};
    const why = [reason, message].filter(Boolean).join(": ");
    return { holds: status === "True", why: `${type} is ${status}${why && ` (${why})`}` };
}

function outputs({ given }: Facts): string {
    const faults = outputFaults(given.stack, given.outputs as unknown as Readonly<Record<string, unknown>>);
    if (faults.length > 0) {
        throw new Broken(faults.join(" "), "Run `pulumi up`: a stack has its outputs when an update went through.");
    }
    return given.outputs.apiServerUrl;
}

function kubeconfig(facts: Facts): string {
    const { origin, proxy } = facts.api();
    return proxy === undefined ? origin : `${origin} through the proxy ${proxy}`;
}

async function answers(facts: Facts): Promise<string> {
    const { origin, get } = facts.api();
    const reached = await get("/version").catch((error: Error) => {
        throw new Broken(
            `${origin} does not answer (${error.message})`,
            "See that the cluster runs, and is reached from here.",
        );
    });
    if (reached.status === 401) {
        throw new Broken(`${origin} refuses the credentials (HTTP 401)`, "Renew those of the kubeconfig.");
    }
    if (reached.status !== 200 && reached.status !== 403) {
        throw new Broken(
            `${origin} does not answer as an API server does (HTTP ${reached.status})`,
            "Give the kubeconfig of a cluster that runs.",
        );
    }
    return `${origin} answers`;
}

function look({ api, given }: Facts): Look {
    return new Look(api(), given.stack);
}

async function version(facts: Facts): Promise<string> {
    const seen = await look(facts).version();
    if (seen === undefined) {
        throw new Unseen("the cluster does not tell its version");
    }
    const { oldest, newest } = SUPPORTED;
    if (seen.major === 1 && seen.minor < oldest) {
        throw new Broken(`${seen.name} is older than 1.${oldest}`, `Update the cluster to 1.${oldest} or later.`);
    }
    return seen.major > 1 || seen.minor > newest ? `${seen.name}, newer than 1.${newest}, which was tried` : seen.name;
}

async function certManager(facts: Facts): Promise<string> {
    const { certManager } = facts.given.settings as { readonly certManager: { readonly namespace: string } };
    const { namespace } = certManager;
    const running = await runningControllers(look(facts), namespace);
    if (running === undefined) {
        throw new Unseen("Deployments may not be listed");
    }
    if (running.length === 0) {
        throw new Broken(
            "no cert-manager runs",
            `See \`kubectl get pods -n ${namespace}\`; \`pulumi up\` installs it where certManager.install is true.`,
        );
    }
    return running.map(({ metadata }) => `${metadata.namespace}/${metadata.name}`).join(", ");
}

async function certificateIssued(facts: Facts): Promise<string> {
    const { namespace } = facts.given.outputs;
    const path = `/apis/cert-manager.io/v1/namespaces/${namespace}/certificates/${NAMES.ingress}`;
    const name = `the Certificate ${namespace}/${NAMES.ingress}`;
    const certificate = await facts.read<Conditions>(path);
    const { holds, why } = certificate ? conditionOf(certificate, "Ready") : { holds: false, why: "is missing" };
    if (!holds) {
        throw new Broken(`${name}: ${why}`, `See \`kubectl describe certificate -n ${namespace} ${NAMES.ingress}\`.`);
    }
    return `${name}: ${why}`;
}

async function ingressClass(facts: Facts): Promise<string> {
    const { ingressClassName: name, namespace } = facts.given.outputs;
    const [found, ingress] = await Promise.all([
        facts.read(`/apis/networking.k8s.io/v1/ingressclasses/${name}`),
        facts.read<{ readonly spec: { readonly ingressClassName?: string } }>(
            `/apis/networking.k8s.io/v1/namespaces/${namespace}/ingresses/${NAMES.ingress}`,
        ),
    ]);
    const advice = "Run `pulumi up --refresh`, which makes what is missing.";
    if (found === undefined) {
        throw new Broken(`there is no IngressClass ${name}`, advice);
    }
    if (ingress?.spec.ingressClassName !== name) {
        const seen = ingress === undefined ? "is missing" : `has the class ${ingress.spec.ingressClassName}`;
        throw new Broken(`the Ingress ${namespace}/${NAMES.ingress} ${seen}, not ${name}`, advice);
    }
    return `${name}, which the Ingress ${namespace}/${NAMES.ingress} has`;
}

async function pods(facts: Facts, instance: string): Promise<string> {
    const { namespace } = facts.given.outputs;
    const list = await facts.read<List<Deployment>>(`/apis/apps/v1/namespaces/${namespace}/deployments`);
    const deployment = list?.items.find(({ metadata }) => metadata.labels?.["app.kubernetes.io/instance"] === instance);
    if (deployment === undefined) {
        throw new Broken(`namespace ${namespace} has no Deployment of ${instance}`, MAKE_ANEW);
    }
    return available(deployment, namespace);
}

/**
 * How many of a Deployment's pods are available.
 * @throws Broken where none is
 */
export function available({ metadata, spec, status }: Deployment, namespace: string): string {
    const { replicas = 1 } = spec;
    const seen = `${status?.availableReplicas ?? 0} of ${replicas} pods of ${metadata.name} are available`;
    if ((status?.availableReplicas ?? 0) > 0) {
        return seen;
    }
    throw new Broken(
        replicas === 0 ? seen : `${seen}; ${conditionOf({ status }, "Available").why}`,
        replicas === 0
            ? `Scale it up: \`kubectl scale -n ${namespace} deployment/${metadata.name} --replicas=1\`, or \`pulumi up --refresh\`.`
            : `See \`kubectl describe pods -n ${namespace}\`: image, Secret, node, quota.`,
    );
}

/** The nodes whose ports are taken. */
async function nodesTaken(facts: Facts): Promise<string> {
    const { nodeSelector = {} } = facts.given.settings as { readonly nodeSelector?: Readonly<Record<string, string>> };
    const labels = Object.entries(nodeSelector)
        .map(([key, value]) => `${key}=${value}`)
        .join(",");
    const path = `/api/v1/nodes?labelSelector=${encodeURIComponent(labels)}`;
    const list = await facts.read<{
        readonly items: readonly (Conditions & { readonly metadata: { readonly name: string } })[];
    }>(path);
    const ready = (list?.items ?? []).filter((node) => conditionOf(node, "Ready").holds);
    if (ready.length === 0) {
        throw new Broken(
            `no node with the labels ${labels} is Ready`,
            `Label the node whose ports the HPC side reaches: kubectl label node NODE ${labels.replaceAll(",", " ")}.`,
        );
    }
    return `ports of ${ready.map(({ metadata }) => metadata.name).join(", ")}`;
}

/** The load balancer's Service. */
async function loadBalancer(facts: Facts): Promise<string> {
    const { namespace, apiServerHost } = facts.given.outputs;
    const { environment, address } = facts.given.settings as {
        readonly environment: string;
        readonly address?: string;
    };
    const service = await facts.read<{
        readonly status?: {
            readonly loadBalancer?: {
                readonly ingress?: readonly { readonly ip?: string; readonly hostname?: string }[];
            };
        };
    }>(`/api/v1/namespaces/${namespace}/services/${NAMES.loadBalancer}`);
    const published = (service?.status?.loadBalancer?.ingress ?? []).map(({ ip, hostname }) => ip ?? hostname ?? "");
    const name = `the Service ${namespace}/${NAMES.loadBalancer}`;
    if (published.length === 0) {
        throw new Broken(
            service === undefined ? `${name} is missing` : `${name} has no address`,
            `See \`kubectl describe service -n ${namespace} ${NAMES.loadBalancer}\`: the provider, or MetalLB's pool and class.`,
        );
    }
    // A site's own name or address leads to it by what is not the cluster's; MetalLB's address is the setting itself.
    if (!published.includes(apiServerHost) && (address === undefined || environment === "metallb")) {
        throw new Broken(
            `${name} has the address ${published.join(", ")}, and the outputs say ${apiServerHost}`,
            "Run `pulumi up --refresh`: the address has changed, and the certificate has to hold the new one.",
        );
    }
    return `${published.join(", ")} of ${name}`;
}
