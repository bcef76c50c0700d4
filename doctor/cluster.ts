import { V1Deployment, V1Ingress, V1IngressClass, V1Node, V1Service } from "@kubernetes/client-node";
import { reasonOf } from "../checks/notChecked";
import { outputFaults } from "../outputs";
import { OwnWaySettings, PlainSettings } from "../settings/schema";
import { SUPPORTED } from "../stacks/cluster";
import { NAMES } from "../stacks/compose";
import { Look } from "../stacks/look";
import { runningControllers } from "../stacks/presentCertManager";
import { Link } from "./chain";
import { Facts } from "./facts";
import { available, conditionOf, Conditions, List } from "./objects";
import { MAKE_ANEW, must, Unseen } from "./verdicts";

const DEPLOYED = ["API server", "outputs"];

/** The links up to the cluster's own state, in every environment. */
export const CLUSTER: readonly Link[] = [
    { name: "outputs", ask: outputs },
    { name: "kubeconfig", ask: kubeconfig },
    { name: "API server", after: ["kubeconfig"], ask: answers },
    { name: "Kubernetes version", after: ["API server"], ask: version },
];

/** What the stack has made of a way in; none where somebody else provides it. */
export function ownWay(settings: PlainSettings): readonly Link[] {
    if (settings.environment === "external") {
        return [];
    }
    const { environment, controller } = settings;
    const links: readonly Link[] = [
        { name: "cert-manager", after: ["API server"], ask: (facts) => certManager(facts, settings) },
        { name: "certificate issued", after: DEPLOYED, ask: certificateIssued },
        { name: "IngressClass", after: DEPLOYED, ask: (facts) => ingressClass(facts, controller) },
        { name: "proxy's pods", after: DEPLOYED, ask: (facts) => pods(facts, NAMES.proxy) },
        { name: "controller's pods", after: DEPLOYED, ask: (facts) => pods(facts, NAMES.controller) },
        environment === "kind"
            ? { name: "address published", after: DEPLOYED, ask: (facts) => nodesTaken(facts, settings.nodeSelector) }
            : { name: "address published", after: DEPLOYED, ask: loadBalancer },
    ];
    return links.filter(({ name }) => controller !== "none" || !["IngressClass", "controller's pods"].includes(name));
}

function outputs({ given }: Facts): string {
    const none = Object.keys(given.outputs).length === 0;
    const faults = none ? [`the stack ${given.stack} has none`] : outputFaults(given.stack, { ...given.outputs });
    must(
        faults.length === 0,
        faults.join(" "),
        "Run `pulumi up`: a stack has its outputs when an update went through.",
    );
    return given.outputs.apiServerUrl;
}

function kubeconfig(facts: Facts): string {
    const { origin, proxy } = facts.api();
    return proxy === undefined ? origin : `${origin} through the proxy ${proxy}`;
}

async function answers(facts: Facts): Promise<string> {
    const { origin, get } = facts.api();
    const { status, reason } = await get("/version").then(
        (answer) => ({ status: answer.status, reason: `HTTP ${answer.status}` }),
        (error: unknown) => ({ status: 0, reason: reasonOf(error) }),
    );
    must(status !== 401, `${origin} refuses the credentials (HTTP 401)`, "Renew those of the kubeconfig.");
    must(
        status === 200 || status === 403,
        `${origin} does not answer as an API server does (${reason})`,
        "See that the cluster runs, and is reached from here.",
    );
    return `${origin} answers`;
}

async function version(facts: Facts): Promise<string> {
    const seen = await new Look(facts.api(), facts.given.stack).version();
    if (seen === undefined) {
        throw new Unseen("the cluster does not tell its version");
    }
    const { oldest, newest } = SUPPORTED;
    must(
        seen.major > 1 || seen.minor >= oldest,
        `${seen.name} is older than 1.${oldest}`,
        `Update the cluster to 1.${oldest} or later.`,
    );
    return seen.major > 1 || seen.minor > newest ? `${seen.name}, newer than 1.${newest}, which was tried` : seen.name;
}

async function certManager(facts: Facts, settings: Pick<OwnWaySettings, "certManager">): Promise<string> {
    const { namespace } = settings.certManager;
    const running = await runningControllers(new Look(facts.api(), facts.given.stack), namespace);
    if (running === undefined) {
        throw new Unseen("Deployments may not be listed");
    }
    must(
        running.length > 0,
        "no cert-manager runs",
        `See \`kubectl get pods -n ${namespace}\`; \`pulumi up\` installs it where certManager.install is true.`,
    );
    return running.map(({ metadata }) => `${metadata.namespace}/${metadata.name}`).join(", ");
}

async function certificateIssued(facts: Facts): Promise<string> {
    const { namespace } = facts.given.outputs;
    const path = `/apis/cert-manager.io/v1/namespaces/${namespace}/certificates/${NAMES.ingress}`;
    const certificate = await facts.need<Conditions>(path, `Certificate ${namespace}/${NAMES.ingress}`);
    const { holds, why } = conditionOf(certificate, "Ready");
    const seen = `${namespace}/${NAMES.ingress}: ${why}`;
    must(holds, seen, `See \`kubectl describe certificate,certificaterequest -n ${namespace}\`.`);
    return seen;
}

async function ingressClass(facts: Facts, controller: OwnWaySettings["controller"]): Promise<string> {
    const { ingressClassName: name, namespace } = facts.given.outputs;
    await facts.need<V1IngressClass>(`/apis/networking.k8s.io/v1/ingressclasses/${name}`, `IngressClass ${name}`);
    // Traefik passes TLS through to the proxy, without an Ingress.
    if (controller !== "ingress-nginx") {
        return name;
    }
    const path = `/apis/networking.k8s.io/v1/namespaces/${namespace}/ingresses/${NAMES.ingress}`;
    const ingress = await facts.need<V1Ingress>(path, `Ingress ${namespace}/${NAMES.ingress}`);
    const seen = ingress.spec?.ingressClassName;
    must(seen === name, `the Ingress ${namespace}/${NAMES.ingress} has the class ${seen}, not ${name}`, MAKE_ANEW);
    return `${name}, which the Ingress ${namespace}/${NAMES.ingress} has`;
}

async function pods(facts: Facts, instance: string): Promise<string> {
    const { namespace } = facts.given.outputs;
    const list = await facts.read<List<V1Deployment>>(`/apis/apps/v1/namespaces/${namespace}/deployments`);
    const found = list?.items.find(({ metadata }) => metadata?.labels?.["app.kubernetes.io/instance"] === instance);
    must(found !== undefined, `namespace ${namespace} has no Deployment of ${instance}`, MAKE_ANEW);
    return available(found, namespace);
}

/** The nodes whose ports are taken. */
async function nodesTaken(facts: Facts, selector: Readonly<Record<string, string>>): Promise<string> {
    const labels = Object.entries(selector).map(([key, value]) => `${key}=${value}`);
    const list = await facts.read<List<V1Node & Conditions>>(
        `/api/v1/nodes?labelSelector=${encodeURIComponent(labels.join(","))}`,
    );
    const ready = (list?.items ?? []).filter((node) => conditionOf(node, "Ready").holds);
    must(
        ready.length > 0,
        `no node with the labels ${labels.join(",")} is Ready`,
        `Label the node whose ports the HPC side reaches: kubectl label node NODE ${labels.join(" ")}.`,
    );
    return `ports of ${ready.map(({ metadata }) => metadata?.name).join(", ")}`;
}

/** The load balancer's address. */
async function loadBalancer({ given, need }: Facts): Promise<string> {
    const { namespace, apiServerHost: host } = given.outputs;
    const { settings } = given;
    const name = `${namespace}/${NAMES.loadBalancer}`;
    const path = `/api/v1/namespaces/${namespace}/services/${NAMES.loadBalancer}`;
    const service = await need<V1Service>(path, `Service ${name}`);
    const published = (service.status?.loadBalancer?.ingress ?? []).map(({ ip, hostname }) => ip ?? hostname ?? "");
    must(
        published.length > 0,
        `the Service ${name} has no address`,
        `See \`kubectl describe service -n ${namespace} ${NAMES.loadBalancer}\`: the provider, or MetalLB's pool and class.`,
    );
    // A site's own name or address leads to the cloud's by what is not the cluster's.
    const own = settings.environment === "cloud" && settings.address !== undefined;
    must(
        own || published.includes(host),
        `the Service ${name} has the address ${published.join(", ")}, and the outputs say ${host}`,
        "Run `pulumi up --refresh`: the address has changed, and the certificate has to hold the new one.",
    );
    return `${published.join(", ")} of the Service ${name}`;
}
