import { OwnWaySettings } from "../settings/schema";
import { ClusterObject, Deployment, Look } from "./look";
import { namespaceFaults } from "./presentNamespace";

const DEFINITIONS = [
    "certificates.cert-manager.io",
    "certificaterequests.cert-manager.io",
    "issuers.cert-manager.io",
    "clusterissuers.cert-manager.io",
    "orders.acme.cert-manager.io",
    "challenges.acme.cert-manager.io",
] as const;
/** Name of the Helm release that the stack makes. */
const RELEASE = "cert-manager";

/** The name of cert-manager's webhook in whatever configures it. */
const WEBHOOK = "webhook.cert-manager.io";

/** What has the API server ask webhooks before it takes an object. */
interface WebhookConfiguration extends ClusterObject {
    readonly webhooks?: readonly {
        readonly name: string;
        readonly clientConfig?: { readonly service?: { readonly namespace: string; readonly name: string } };
    }[];
}

/** The pods behind a Service. */
interface EndpointSlice extends ClusterObject {
    readonly endpoints?: readonly { readonly conditions?: { readonly ready?: boolean } }[] | null;
}

/** What does not fit between the setting certManager and the cert-manager that a cluster has. */
export async function certManagerFaults(look: Look, { certManager }: OwnWaySettings): Promise<string[]> {
    const { namespace } = certManager;
    const path = (name: string) => `/apis/apiextensions.k8s.io/v1/customresourcedefinitions/${name}`;
    const [definitions, running, namespaceObject] = await Promise.all([
        Promise.all(DEFINITIONS.map((name) => look.object(path(name)))),
        runningControllers(look, namespace),
        look.object(`/api/v1/namespaces/${namespace}`),
    ]);
    if (!certManager.install) {
        const faults = presentFaults(namespace, definitions[0], running);
        return faults.length > 0 ? faults : webhookFaults(look);
    }
    const namespaceIsOurs = !namespaceObject || look.stranger(namespaceObject) === undefined;
    const ours = (annotations: Readonly<Record<string, string>> | undefined) =>
        namespaceIsOurs &&
        annotations?.["meta.helm.sh/release-name"] === RELEASE &&
        annotations["meta.helm.sh/release-namespace"] === namespace;
    const theirs = running?.find(({ metadata }) => !ours(metadata.annotations));
    if (theirs !== undefined) {
        const { namespace: where = "" } = theirs.metadata;
        const there = where === namespace ? "" : `, and certManager.namespace to ${where}`;
        return [
            `certManager.install: the cluster has a cert-manager already, in namespace ${where}; set certManager.install to ` +
                `false${there}.`,
        ];
    }
    const { crds } = (certManager.values ?? {}) as { readonly crds?: { readonly enabled?: unknown } };
    const foreign = definitions.flatMap((definition) =>
        definition && !ours(definition.metadata.annotations) ? [definition.metadata.name] : [],
    );
    // Without definitions of its own the chart leaves those that are there alone.
    if (foreign.length > 0 && crds?.enabled !== false) {
        return [
            `certManager.install: the cluster has definitions of a cert-manager already (${foreign.join(", ")}); set ` +
                "certManager.install to false where somebody else runs it, or remove them, and every certificate with them.",
        ];
    }
    return namespaceFaults(look, "certManager.namespace", namespace);
}

/** What is wrong where the cluster's own cert-manager is to be used. */
function presentFaults(
    namespace: string,
    definition: object | null | undefined,
    running: readonly Deployment[] | undefined,
): string[] {
    if (definition === null) {
        return [
            "certManager.install: the cluster has no cert-manager; set certManager.install to true, or install it before.",
        ];
    }
    if (running?.length === 0) {
        return [
            "certManager.install: the cluster has the definitions of cert-manager, but none runs; start it, or remove them and " +
                "set certManager.install to true.",
        ];
    }
    const secrets = running?.map(secretsNamespace) ?? [];
    return secrets.length === 0 || secrets.includes(namespace)
        ? []
        : [
              `certManager.namespace: ${JSON.stringify(namespace)} is not allowed; give ${secrets.join(" or ")}, where the ` +
                  "cluster's cert-manager looks for the Secrets of ClusterIssuers.",
          ];
}

/** A webhook of the cluster's cert-manager that nobody answers: the API server then refuses every issuer and certificate. */
async function webhookFaults(look: Look): Promise<string[]> {
    const configurations = await look.list<WebhookConfiguration>(
        "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations",
    );
    const webhooks = (configurations ?? []).flatMap((configuration) => configuration.webhooks ?? []);
    const service = webhooks.find(({ name }) => name === WEBHOOK)?.clientConfig?.service;
    if (service === undefined) {
        return [];
    }
    const { namespace, name } = service;
    const slices = await look.list<EndpointSlice>(
        `/apis/discovery.k8s.io/v1/namespaces/${namespace}/endpointslices?labelSelector=kubernetes.io%2Fservice-name%3D${name}`,
    );
    const endpoints = slices?.flatMap((slice) => slice.endpoints ?? []);
    return endpoints === undefined || endpoints.some(({ conditions }) => conditions?.ready !== false)
        ? []
        : [
              `certManager.install: the webhook of the cluster's cert-manager, the Service ${namespace}/${name}, has no pod that is ` +
                  "ready, and without it no certificate can be made; start it.",
          ];
}

/**
 * The Deployments of cert-manager's controller that run, anywhere by its label, or in the namespace by its image; undefined
 * where that is unseen.
 */
export async function runningControllers(look: Look, namespace: string): Promise<readonly Deployment[] | undefined> {
    const lists = await Promise.all([
        look.list<Deployment>("/apis/apps/v1/deployments?labelSelector=app.kubernetes.io%2Fname%3Dcert-manager"),
        look.list<Deployment>(`/apis/apps/v1/namespaces/${namespace}/deployments`),
    ]);
    const running = lists
        .flatMap((list) => list ?? [])
        .filter((deployment) => isController(deployment) && (deployment.status?.availableReplicas ?? 0) > 0);
    return running.length === 0 && lists.includes(undefined) ? undefined : running;
}

function isController({ metadata, spec }: Deployment): boolean {
    return (
        metadata.labels?.["app.kubernetes.io/name"] === "cert-manager" ||
        (spec?.template?.spec?.containers ?? []).some(({ image }) => image?.includes("cert-manager-controller"))
    );
}

/** Where a cert-manager looks for the Secrets of ClusterIssuers; its chart names its own namespace by a variable. */
function secretsNamespace({ metadata, spec }: Deployment): string {
    const flag = "--cluster-resource-namespace=";
    const args = (spec?.template?.spec?.containers ?? []).flatMap((container) => container.args ?? []);
    const given = args.find((arg) => arg.startsWith(flag))?.slice(flag.length);
    return given === undefined || given.startsWith("$") ? (metadata.namespace ?? "") : given;
}
