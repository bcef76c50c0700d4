import assert from "node:assert/strict";
import { mock } from "node:test";
import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { apiServer } from "../../../settings/apiServer";
import { parseSettings } from "../../../settings/read";
import { checkCluster } from "../../../stacks/cluster";
import { markObjects } from "../../../stacks/look";
import { CLOUD, EXTERNAL, KIND, METALLB } from "../support/badSettings";
import { kubeconfigOf, Say, Servers } from "../support/servers";
import { input, record, settled } from "../support/mocks";

const STACK = "interlink-kube-api/test";
const PULUMI = { managedFields: [{ manager: "pulumi-kubernetes-0a1b2c3d" }] };
const KUBECTL = { managedFields: [{ manager: "kubectl-create" }] };
const OURS = { ...PULUMI, annotations: { "interlink-kube-api/stack": STACK } };
const OTHERS = { ...PULUMI, annotations: { "interlink-kube-api/stack": "interlink-kube-api/other" } };
const HELM = {
    managedFields: [{ manager: "helm" }],
    annotations: { "meta.helm.sh/release-name": "cert-manager", "meta.helm.sh/release-namespace": "cert-manager" },
};

const DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
const CLASSES = "/apis/networking.k8s.io/v1/ingressclasses";
const ISSUERS = "/apis/cert-manager.io/v1/clusterissuers";
const ALL_DEPLOYMENTS = "/apis/apps/v1/deployments";
const POOLS = "ipaddresspools.metallb.io";

/** What the cluster has, by paths without queries; a number is a status. */
type Has = Readonly<Record<string, object | number>>;

const version = (minor: string) => ({ "/version": { major: "1", minor, gitVersion: `v1.${minor}.0` } });
const namespace = (name: string, metadata: object) => ({
    [`/api/v1/namespaces/${name}`]: { metadata: { name, ...metadata } },
});
const definition = (name: string, metadata: object) => ({
    [`${DEFINITIONS}/${name}`]: { metadata: { name, ...metadata } },
});
const definitions = (metadata: object) =>
    Object.assign(
        {},
        ...["certificates", "issuers", "clusterissuers"].map((kind) => definition(`${kind}.cert-manager.io`, metadata)),
    ) as Has;
const deployment = (metadata: object, args: string[] = [], availableReplicas = 1) => ({
    metadata: { name: "cert-manager", namespace: "cert-manager", ...metadata },
    spec: { template: { spec: { containers: [{ image: "quay.io/jetstack/cert-manager-controller:v1.19.0", args }] } } },
    status: { availableReplicas },
});
const deployments = (...items: object[]) => ({ [ALL_DEPLOYMENTS]: { items } });
const ingressClass = (name: string, controller: string, metadata: object) => ({
    [CLASSES]: { items: [{ metadata: { name, ...metadata }, spec: { controller } }] },
});
const NODES = "/api/v1/nodes";
const VIRTUAL = "interlink-slurm-node";
const node = (metadata: object) => ({ [`${NODES}/${VIRTUAL}`]: { metadata: { name: VIRTUAL, ...metadata } } });
const INTERLINK = { labels: { "virtual-node.interlink/type": "virtual-kubelet" } };
const VIRTUAL_KUBELET = { ...INTERLINK, managedFields: [{ manager: "virtual-kubelet" }] };
const METALLB_OBJECTS = "/apis/metallb.io/v1beta1/namespaces/metallb-system";
/** Pools, all of which are announced. */
const pools = (
    ...items: (readonly [name: string, metadata: object, addresses: readonly string[], spec?: object])[]
): Has => ({
    [`${METALLB_OBJECTS}/ipaddresspools`]: {
        items: items.map(([name, metadata, addresses, spec]) => ({
            metadata: { name, ...metadata },
            spec: { addresses, ...spec },
        })),
    },
    [`${METALLB_OBJECTS}/l2advertisements`]: { items: [{ metadata: { name: "all" }, spec: {} }] },
});
/** A pool of somebody else's that holds the address, with what else it says. */
const poolWith = (spec: object) => pools(["default", KUBECTL, ["10.1.2.0/28"], spec]);
const service = (namespace: string, name: string, ip: string) => ({
    "/api/v1/services": { items: [{ metadata: { namespace, name }, status: { loadBalancer: { ingress: [{ ip }] } } }] },
});
const issuer = (name: string, metadata: object) => ({ [`${ISSUERS}/${name}`]: { metadata: { name, ...metadata } } });

/** A cluster where this stack was deployed before. */
const DEPLOYED: Has = {
    ...namespace("ingress-nginx-internal", OURS),
    ...namespace("interlink", OURS),
    ...namespace("cert-manager", OURS),
    ...namespace("metallb-system", OURS),
    ...definitions(HELM),
    ...definition(POOLS, PULUMI),
    ...deployments(deployment(HELM)),
    ...ingressClass("nginx-internal", "k8s.io/nginx-internal", OURS),
    ...issuer("ingress-nginx-internal-root-ca", OURS),
    ...issuer("ingress-nginx-internal-root-ca-root", OURS),
    ...node({ ...OURS, ...INTERLINK }),
    ...service("ingress-nginx-internal", "api-load-balancer", "10.1.2.3"),
};

const WITH_CONTROLLER = { ...KIND, controller: "traefik" };
const PRESENT = { certManager: { install: false } };
const present = (install: boolean) => ({ metallb: { install, addresses: ["10.1.2.0/28"] } });
const NO_ADDRESSES = { ...METALLB, metallb: { install: false } };
/** MetalLB that somebody else has installed. */
const THEIRS = { ...definition(POOLS, KUBECTL), ...namespace("metallb-system", KUBECTL) };

/** What is found, with the sentences for it, without their prefix. */
const CASES: readonly {
    readonly what: string;
    readonly settings?: object;
    readonly has: Has;
    readonly says?: readonly string[];
}[] = [
    { what: "an empty cluster", has: {} },
    { what: "what this stack made itself", settings: METALLB, has: DEPLOYED },
    {
        what: "what this stack made before it marked anything",
        settings: METALLB,
        has: JSON.parse(JSON.stringify(DEPLOYED).replaceAll("interlink-kube-api/stack", "none")) as Has,
    },
    { what: "the oldest supported Kubernetes", has: version("30+") },
    {
        what: "Kubernetes 1.29",
        has: version("29"),
        says: ["kubeconfig: the cluster runs Kubernetes v1.29.0; give one that runs 1.30 to 1.37."],
    },
    {
        what: "Kubernetes 1.9, as some clouds write it",
        has: version("9+"),
        says: ["kubeconfig: the cluster runs Kubernetes v1.9+.0; give one that runs 1.30 to 1.37."],
    },

    {
        what: "no Prometheus operator, which shall be told of metrics",
        settings: { ...KIND, metrics: { enabled: true, podMonitor: true } },
        has: {},
        says: [
            "metrics.podMonitor: the cluster has no Prometheus operator, which knows PodMonitors; set metrics.podMonitor to false, or install it before.",
        ],
    },
    {
        what: "a Prometheus operator",
        settings: { ...KIND, metrics: { enabled: true, podMonitor: true } },
        has: definition("podmonitors.monitoring.coreos.com", KUBECTL),
    },
    {
        what: "our namespaces, made by somebody else",
        has: { ...namespace("ingress-nginx-internal", KUBECTL), ...namespace("interlink", OTHERS) },
        says: [
            "namespace: the namespace ingress-nginx-internal exists and is not this stack's; give another name, or set uniqueNames to true.",
            "interlink.namespace: the namespace interlink exists and belongs to the stack interlink-kube-api/other; give another name, or set uniqueNames to true.",
        ],
    },
    {
        what: "names of another stack, where names are unique",
        settings: { ...KIND, ...PRESENT, uniqueNames: true },
        has: {
            ...namespace("ingress-nginx-internal", OTHERS),
            ...namespace("interlink", OTHERS),
            ...definitions(HELM),
            ...deployments(deployment(HELM)),
            ...ingressClass("nginx-internal", "k8s.io/nginx-internal", OTHERS),
            ...issuer("ingress-nginx-internal-root-ca", OTHERS),
        },
    },
    {
        what: "a namespace that is going",
        has: namespace("interlink", { ...OURS, deletionTimestamp: "2026-01-01T00:00:00Z" }),
        says: [
            "interlink.namespace: the namespace interlink is being deleted; wait until it is gone, or give another name.",
        ],
    },
    {
        what: "namespaces as earlier versions made them, with nothing but a name",
        has: { ...namespace("ingress-nginx-internal", {}), ...namespace("interlink", {}) },
    },
    {
        what: "a namespace that somebody gave to this stack",
        has: namespace("interlink", { ...KUBECTL, annotations: OURS.annotations }),
    },

    {
        what: "a cert-manager of the same release in the same namespace, which is not ours",
        has: { ...definitions(HELM), ...namespace("cert-manager", KUBECTL), ...deployments(deployment(HELM)) },
        says: [
            "certManager.install: the cluster has a cert-manager already, in namespace cert-manager; set certManager.install to false.",
        ],
    },
    {
        what: "the cert-manager of another stack",
        has: { ...definitions(HELM), ...namespace("cert-manager", OTHERS), ...deployments(deployment(HELM)) },
        says: [
            "certManager.install: the cluster has a cert-manager already, in namespace cert-manager; set certManager.install to false.",
        ],
    },
    {
        what: "a cert-manager in another namespace",
        has: { ...definitions(KUBECTL), ...deployments(deployment({ namespace: "security" })) },
        says: [
            "certManager.install: the cluster has a cert-manager already, in namespace security; set certManager.install to false, and certManager.namespace to security.",
        ],
    },
    {
        what: "definitions of cert-manager alone",
        has: definitions(KUBECTL),
        says: [
            "certManager.install: the cluster has definitions of a cert-manager already (certificates.cert-manager.io, issuers.cert-manager.io, clusterissuers.cert-manager.io); set certManager.install to false where somebody else runs it, or remove them, and every certificate with them.",
        ],
    },
    {
        what: "definitions of another release",
        has: definition("orders.acme.cert-manager.io", {
            annotations: { ...HELM.annotations, "meta.helm.sh/release-name": "certs" },
        }),
        says: [
            "certManager.install: the cluster has definitions of a cert-manager already (orders.acme.cert-manager.io); set certManager.install to false where somebody else runs it, or remove them, and every certificate with them.",
        ],
    },
    { what: "definitions that our release left", has: definitions(HELM) },
    {
        what: "definitions alone, where the chart brings none",
        settings: { ...KIND, certManager: { install: true, values: { crds: { enabled: false } } } },
        has: definitions(KUBECTL),
    },
    {
        what: "the namespace of cert-manager alone",
        has: namespace("cert-manager", KUBECTL),
        says: ["certManager.namespace: the namespace cert-manager exists and is not this stack's; give another name."],
    },
    {
        what: "no cert-manager, where there should be one",
        settings: { ...KIND, ...PRESENT },
        has: {},
        says: [
            "certManager.install: the cluster has no cert-manager; set certManager.install to true, or install it before.",
        ],
    },
    {
        what: "a cert-manager that does not run",
        settings: { ...KIND, ...PRESENT },
        has: { ...definitions(KUBECTL), ...deployments(deployment({}, [], 0)) },
        says: [
            "certManager.install: the cluster has the definitions of cert-manager, but none runs; start it, or remove them and set certManager.install to true.",
        ],
    },
    {
        what: "a cert-manager that runs",
        settings: { ...KIND, ...PRESENT },
        has: {
            ...definitions(KUBECTL),
            ...deployments(deployment({}, ["--cluster-resource-namespace=$(POD_NAMESPACE)"])),
        },
    },
    ...([undefined, null, [], [{ conditions: { ready: false } }], [{ conditions: { ready: false } }, {}]] as const).map(
        (endpoints) => ({
            what: `a cert-manager whose webhook has ${endpoints === undefined ? "no slices" : JSON.stringify(endpoints)}`,
            settings: { ...KIND, ...PRESENT },
            has: {
                ...definitions(KUBECTL),
                ...deployments(deployment({})),
                "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations": {
                    items: [
                        { metadata: { name: "other" } },
                        {
                            metadata: { name: "cert-manager-webhook" },
                            webhooks: [
                                {
                                    name: "webhook.cert-manager.io",
                                    clientConfig: { service: { namespace: "security", name: "webhook" } },
                                },
                            ],
                        },
                    ],
                },
                "/apis/discovery.k8s.io/v1/namespaces/security/endpointslices": {
                    items: endpoints === undefined ? [] : [{ metadata: { name: "a" }, endpoints }],
                },
            },
            says:
                endpoints?.length === 2
                    ? undefined
                    : [
                          "certManager.install: the webhook of the cluster's cert-manager, the Service security/webhook, has no pod that is ready, and without it no certificate can be made; start it.",
                      ],
        }),
    ),
    {
        what: "a cert-manager without labels, by its image",
        settings: { ...KIND, certManager: { install: false, namespace: "certs" } },
        has: {
            ...definitions(KUBECTL),
            ...deployments(),
            "/apis/apps/v1/namespaces/certs/deployments": { items: [deployment({ name: "cm", namespace: "certs" })] },
        },
    },
    {
        what: "a cert-manager that looks for Secrets elsewhere",
        settings: { ...KIND, ...PRESENT },
        has: { ...definitions(KUBECTL), ...deployments(deployment({ namespace: "security" })) },
        says: [
            'certManager.namespace: "cert-manager" is not allowed; give security, where the cluster\'s cert-manager looks for the Secrets of ClusterIssuers.',
        ],
    },
    {
        what: "a cert-manager that was told where to look for Secrets",
        settings: { ...KIND, ...PRESENT },
        has: {
            ...definitions(KUBECTL),
            ...deployments(deployment({ namespace: "security" }, ["--cluster-resource-namespace=cert-manager"])),
        },
    },

    {
        what: "an IngressClass of our name, made by somebody else",
        settings: WITH_CONTROLLER,
        has: ingressClass("nginx-internal", "k8s.io/nginx-internal", KUBECTL),
        says: [
            "ingressClassName: the IngressClass nginx-internal exists and is not this stack's; give another name, or set uniqueNames to true.",
        ],
    },
    {
        what: "an IngressClass of our name with another controller",
        settings: WITH_CONTROLLER,
        has: ingressClass("nginx-internal", "k8s.io/ingress-nginx", PULUMI),
        says: [
            "ingressClassName: the IngressClass nginx-internal exists and has the controller k8s.io/ingress-nginx; give another name, or set uniqueNames to true.",
        ],
    },
    {
        what: "a controller that would serve our class too",
        settings: { ...WITH_CONTROLLER, ingressClassName: "ingress-nginx" },
        has: ingressClass("nginx", "k8s.io/ingress-nginx", KUBECTL),
        says: [
            'ingressClassName: "ingress-nginx" is not allowed; give another name, since the controller of the IngressClass nginx, k8s.io/ingress-nginx, would serve it too.',
        ],
    },
    {
        what: "other IngressClasses",
        settings: WITH_CONTROLLER,
        has: ingressClass("nginx", "k8s.io/ingress-nginx", KUBECTL),
    },
    {
        what: "an IngressClass of our name, where we make none",
        has: ingressClass("nginx-internal", "k8s.io/nginx-internal", KUBECTL),
    },

    {
        what: "ClusterIssuers of our names",
        settings: { ...KIND, ...PRESENT },
        has: {
            ...definitions(HELM),
            ...deployments(deployment(HELM)),
            ...issuer("ingress-nginx-internal-root-ca", KUBECTL),
            ...issuer("ingress-nginx-internal-root-ca-root", OTHERS),
        },
        says: [
            "uniqueNames: the ClusterIssuer ingress-nginx-internal-root-ca exists and is not this stack's; set uniqueNames to true.",
            "uniqueNames: the ClusterIssuer ingress-nginx-internal-root-ca-root exists and belongs to the stack interlink-kube-api/other; set uniqueNames to true.",
        ],
    },

    {
        what: "MetalLB, where it should be installed",
        settings: METALLB,
        has: { ...definition(POOLS, KUBECTL), ...namespace("metallb-system", KUBECTL) },
        says: ["metallb.install: the cluster has MetalLB already; set metallb.install to false."],
    },
    {
        what: "the MetalLB of another stack",
        settings: METALLB,
        has: { ...definition(POOLS, PULUMI), ...namespace("metallb-system", OTHERS) },
        says: ["metallb.install: the cluster has MetalLB already; set metallb.install to false."],
    },
    {
        what: "the namespace of MetalLB alone",
        settings: METALLB,
        has: namespace("metallb-system", KUBECTL),
        says: ["metallb.namespace: the namespace metallb-system exists and is not this stack's; give another name."],
    },
    {
        what: "no MetalLB, where there should be one",
        settings: { ...METALLB, ...present(false) },
        has: {},
        says: ["metallb.install: the cluster has no MetalLB; set metallb.install to true, or install it before."],
    },
    {
        what: "MetalLB in another namespace",
        settings: { ...METALLB, ...present(false) },
        has: definition(POOLS, KUBECTL),
        says: ["metallb.namespace: there is no namespace metallb-system; give the one of the cluster's MetalLB."],
    },
    {
        what: "MetalLB that is there",
        settings: { ...METALLB, ...present(false) },
        has: { ...THEIRS, ...pools(["default", KUBECTL, ["10.9.0.0/24"]]) },
    },
    {
        what: "a pool of MetalLB's that holds the address",
        settings: NO_ADDRESSES,
        has: {
            ...THEIRS,
            ...pools(["other", KUBECTL, []], ["default", KUBECTL, ["fd00::/64", "10.1.2.1 - 10.1.2.9"]]),
        },
    },
    {
        what: "a pool that another program of Pulumi's made, and that holds the address",
        settings: NO_ADDRESSES,
        has: { ...THEIRS, ...pools(["interlink-kube-api", PULUMI, ["10.1.2.0/28"]]) },
    },
    {
        what: "pools of MetalLB's of which none holds the address",
        settings: NO_ADDRESSES,
        has: {
            ...THEIRS,
            ...pools(["a", KUBECTL, ["10.9.0.0/24"]], ["b", KUBECTL, ["fd00::/64", "10.8.0.1-10.8.0.9"]]),
        },
        says: [
            "address: no pool of the cluster's MetalLB holds 10.1.2.3; give an address of 10.9.0.0/24, fd00::/64, 10.8.0.1-10.8.0.9, or metallb.addresses, of which a pool is made.",
        ],
    },
    {
        what: "MetalLB without pools, where one should hold the address",
        settings: NO_ADDRESSES,
        has: { ...THEIRS, ...pools() },
        says: [
            "address: no pool of the cluster's MetalLB holds 10.1.2.3; give metallb.addresses, of which a pool is made.",
        ],
    },
    {
        what: "a pool of MetalLB's that holds the address, where another one shall be made",
        settings: { ...METALLB, ...present(false) },
        has: { ...THEIRS, ...pools(["default", KUBECTL, ["10.1.0.0/16"]]) },
        says: [
            "metallb.addresses: the pool default of the cluster's MetalLB holds 10.1.2.3, and an address is in one pool alone; leave metallb.addresses out.",
        ],
    },
    {
        what: "a pool of MetalLB's that holds other addresses of those that another one shall be made of",
        settings: { ...METALLB, ...present(false) },
        has: { ...THEIRS, ...pools(["default", KUBECTL, ["10.9.0.0/24", "10.1.2.8 - 10.1.2.9"]]) },
        says: [
            "metallb.addresses: the pool default of the cluster's MetalLB holds addresses of them, 10.1.2.8-10.1.2.9, and an address is in one pool alone; give others, 10.1.2.3 among them.",
        ],
    },
    {
        what: "a pool of MetalLB's that gives addresses to those who ask alone, our namespace among them",
        settings: NO_ADDRESSES,
        has: {
            ...THEIRS,
            ...poolWith({
                autoAssign: false,
                avoidBuggyIPs: true,
                serviceAllocation: { namespaces: ["ingress-nginx-internal"] },
            }),
        },
    },
    {
        what: "a pool of MetalLB's for namespaces by their labels",
        settings: NO_ADDRESSES,
        has: {
            ...THEIRS,
            ...poolWith({
                serviceAllocation: { namespaces: ["a"], namespaceSelectors: [{ matchLabels: { b: "c" } }] },
            }),
        },
    },
    ...[NO_ADDRESSES, { ...NO_ADDRESSES, ...PRESENT, uniqueNames: true, namespace: "a" }].map((settings) => ({
        what: `a pool of MetalLB's for other namespaces alone, with uniqueNames: ${"uniqueNames" in settings}`,
        settings,
        has: {
            ...definitions(HELM),
            ...namespace("cert-manager", OURS),
            ...deployments(deployment(HELM)),
            ...THEIRS,
            ...poolWith({ serviceAllocation: { priority: 1, namespaces: ["a", "b"] } }),
        },
        says: [
            `address: the pool default of the cluster's MetalLB, which holds 10.1.2.3, serves the namespaces a, b alone; ${"uniqueNames" in settings ? "" : "add ingress-nginx-internal to its serviceAllocation, or "}give another address.`,
        ],
    })),
    {
        what: "a pool of MetalLB's that gives no such address, although it holds it",
        settings: { ...NO_ADDRESSES, address: "10.1.2.0" },
        has: { ...THEIRS, ...poolWith({ avoidBuggyIPs: true }) },
        says: [
            "address: the pool default of the cluster's MetalLB has avoidBuggyIPs, and gives none that ends in .0 or .255; give another address.",
        ],
    },
    {
        what: "the pool that this stack made of the cluster's MetalLB",
        settings: { ...METALLB, ...present(false) },
        has: { ...THEIRS, ...pools(["interlink-kube-api", OURS, ["10.1.2.0/28"]]) },
    },
    ...[METALLB, NO_ADDRESSES].map((settings) => ({
        what: `a Service in the way, which has the address, with metallb.install: ${settings.metallb.install}`,
        settings,
        has: {
            ...service("web", "front", "10.1.2.3"),
            ...(settings.metallb.install ? {} : { ...THEIRS, ...pools(["default", KUBECTL, ["10.1.0.0/16"]]) }),
        },
        says: ["address: the Service web/front has 10.1.2.3 already; give another address."],
    })),
    {
        what: "a Service that has the IPv6 address, however it is written",
        settings: { ...METALLB, address: "FD00:0::10", metallb: { install: true, addresses: ["fd00::/120"] } },
        has: service("web", "front", "fd00:0:0::10"),
        says: ["address: the Service web/front has fd00::10 already; give another address."],
    },
    {
        what: "our own Service, by a unique name",
        settings: { ...METALLB, ...PRESENT, uniqueNames: true },
        has: {
            ...definitions(HELM),
            ...deployments(deployment(HELM)),
            ...service("ingress-nginx-internal-c0ffee", "api-load-balancer", "10.1.2.3"),
        },
    },
    { what: "a Service with another address", settings: METALLB, has: service("web", "front", "10.1.2.4") },

    {
        what: "a node of the virtual node's name, which is the cluster's own",
        has: node({ managedFields: [{ manager: "kubelet" }] }),
        says: [
            "interlink.nodeName: the node interlink-slurm-node exists and is not this stack's; give another name, or set uniqueNames to true.",
        ],
    },
    {
        what: "the virtual node of another stack",
        has: { ...node({ ...OTHERS, ...INTERLINK }), ...namespace("interlink", OURS) },
        says: [
            "interlink.nodeName: the node interlink-slurm-node exists and belongs to the stack interlink-kube-api/other; give another name, or set uniqueNames to true.",
        ],
    },
    {
        what: "the virtual node of an InterLink that somebody has installed by hand",
        settings: { ...KIND, interlink: undefined, sites: { north: { ...KIND.interlink, nodeName: VIRTUAL } } },
        has: node(VIRTUAL_KUBELET),
        says: [
            "sites.north.nodeName: the node interlink-slurm-node exists and is not this stack's; give another name, or set uniqueNames to true.",
        ],
    },
    {
        what: "the virtual node that our virtual kubelet made again",
        has: { ...node(VIRTUAL_KUBELET), ...namespace("interlink", OURS) },
    },
    {
        what: "a node of that name, where names are unique",
        settings: { ...KIND, uniqueNames: true },
        has: node(KUBECTL),
    },
    {
        what: "no node whose ports could be taken",
        settings: { ...KIND, pods: { nodeSelector: { zone: "a" } } },
        has: { [NODES]: { items: [] } },
        says: [
            "nodeSelector: no node has the labels zone=a,ingress-ready=true; give labels of nodes, or label one: kubectl label node.",
        ],
    },
    {
        what: "no node with kind's label, where no node's ports are taken",
        settings: CLOUD,
        has: { [NODES]: { items: [] } },
    },
    { what: "MetalLB, where it does not matter", settings: CLOUD, has: definition(POOLS, KUBECTL) },

    {
        what: "several faults",
        has: {
            ...version("29"),
            ...namespace("interlink", KUBECTL),
            ...definitions(KUBECTL),
            ...deployments(deployment({})),
        },
        says: [
            "kubeconfig: the cluster runs Kubernetes v1.29.0; give one that runs 1.30 to 1.37.",
            "interlink.namespace: the namespace interlink exists and is not this stack's; give another name, or set uniqueNames to true.",
            "certManager.install: the cluster has a cert-manager already, in namespace cert-manager; set certManager.install to false.",
        ],
    },
];

describe("the look at the cluster", () => {
    const servers = new Servers();
    let say: Say;
    let asked: string[] = [];
    let check: (settings?: object) => Promise<void>;
    const log = (kind: "info" | "warn") => mock.method(pulumi.log, kind, () => Promise.resolve());
    const logged = (method: ReturnType<typeof log>) =>
        method.mock.calls.map(({ arguments: given }: { arguments: unknown[] }) => given[0]);

    before(async () => {
        const { port, ca } = await servers.api((path, request) => {
            asked.push(path);
            return say(path.replace(/\?.*/, ""), request);
        });
        const content = kubeconfigOf({ server: `https://127.0.0.1:${port}`, "certificate-authority-data": ca });
        check = (settings = KIND) =>
            checkCluster(
                apiServer({ content, called: "k", key: "KUBECONFIG" }, undefined),
                parseSettings(settings as Record<string, unknown>),
                STACK,
            );
    });
    beforeEach(() => {
        asked = [];
    });
    afterEach(() => mock.restoreAll());
    after(() => servers.close());

    /** Answers of a cluster that has this, and whose lists are empty otherwise. */
    function answers(has: Has): Say {
        return (path) => {
            const found = { ...version("37"), [NODES]: { items: [{ metadata: { name: "worker" } }] }, ...has }[path];
            return typeof found === "number" ? { status: found } : found && { body: found };
        };
    }

    for (const { what, settings, has, says } of CASES) {
        it(`${says === undefined ? "takes" : "refuses"} ${what}`, async () => {
            const [info, warn] = [log("info"), log("warn")];
            say = answers(has);
            const result = check(settings);
            await (says === undefined
                ? result
                : assert.rejects(result, {
                      message: says.map((sentence) => `interlink-kube-api:${sentence}`).join("\n"),
                  }));
            assert.deepEqual([...logged(info), ...logged(warn)], []);
        });
    }

    it("warns of a newer Kubernetes", async () => {
        const warn = log("warn");
        say = answers(version("38"));
        await check();
        assert.deepEqual(logged(warn), ["The cluster runs Kubernetes v1.38.0; what was tried is 1.30 to 1.37."]);
    });

    for (const gitVersion of ["v1.33.4+k3s1", "v1.33.4+rke2r1", "v1.33.4-eks-113cf36"]) {
        it(`warns of the virtual kubelet's own certificate where the API server verifies kubelets, as ${gitVersion} does`, async () => {
            const warn = log("warn");
            say = answers({ "/version": { major: "1", minor: "33+", gitVersion } });
            const sites = { north: KIND.interlink, south: { ...KIND.interlink, kubeletCertificate: "signed" } };
            for (const settings of [
                { ...KIND, interlink: { ...KIND.interlink, kubeletCertificate: "signed" } },
                { ...KIND, interlink: undefined, sites },
            ]) {
                await check(settings);
            }
            assert.deepEqual(logged(warn), [
                `sites.north.kubeletCertificate: an API server of Kubernetes ${gitVersion} verifies kubelets, so that kubectl logs of jobs fails with x509; set it to signed.`,
            ]);
        });
    }

    it("warns where the cluster gives pods their user IDs, and ours name their own", async () => {
        const warn = log("warn");
        say = answers(definition("securitycontextconstraints.security.openshift.io", {}));
        const interlink = { ...KIND.interlink, kubeletCertificate: "signed" };
        await check({ ...CLOUD, interlink, pods: { assignedUserIds: true } });
        assert.deepEqual(logged(warn), []);
        for (const settings of [CLOUD, EXTERNAL]) {
            await check({ ...settings, interlink });
            assert.match(
                String(logged(warn).at(-1)),
                /^pods\.assignedUserIds: .* as OpenShift does, .*; set it to true\.$/,
            );
        }
        assert.equal(warn.mock.callCount(), 2);
    });

    it("warns of the virtual kubelet's own certificate on OpenShift, whose API server verifies kubelets", async () => {
        const warn = log("warn");
        say = answers(definition("securitycontextconstraints.security.openshift.io", {}));
        await check({ ...EXTERNAL, pods: { assignedUserIds: true } });
        assert.deepEqual(logged(warn), [
            "interlink.kubeletCertificate: an API server of OpenShift verifies kubelets, so that kubectl logs of jobs fails with x509; set it to signed.",
        ]);
    });

    it("warns where k3s's ServiceLB would serve our Service beside MetalLB", async () => {
        const warn = log("warn");
        say = answers({
            ...THEIRS,
            ...pools(["default", KUBECTL, ["10.1.0.0/16"]]),
            "/apis/apps/v1/namespaces/kube-system/daemonsets": { items: [{ metadata: { name: "svclb-traefik" } }] },
        });
        await check({ ...NO_ADDRESSES, loadBalancer: { class: "site.example/metallb" } });
        assert.deepEqual(logged(warn), []);
        await check(NO_ADDRESSES);
        assert.match(String(logged(warn)[0]), /^loadBalancer\.class: k3s's ServiceLB .* --disable=servicelb\.$/);
        say = answers({});
        await check(METALLB);
        assert.equal(warn.mock.callCount(), 1);
    });

    for (const [kind, spec, warned] of [
        ["l2advertisements", undefined, true],
        ["l2advertisements", { ipAddressPools: ["other"] }, true],
        ["l2advertisements", { ipAddressPools: ["other", "default"] }, false],
        ["bgpadvertisements", { ipAddressPools: [], ipAddressPoolSelectors: null }, false],
        ["l2advertisements", { ipAddressPoolSelectors: [{ matchLabels: { a: "b" } }] }, false],
    ] as const) {
        it(`${warned ? "warns of" : "says nothing of"} MetalLB's pool where ${kind} are ${JSON.stringify(spec) ?? "none"}`, async () => {
            const warn = log("warn");
            const advertisements = {
                [`${METALLB_OBJECTS}/l2advertisements`]: { items: [] },
                [`${METALLB_OBJECTS}/${kind}`]: {
                    items: spec === undefined ? [] : [{ metadata: { name: "a" }, spec }],
                },
            };
            say = answers({ ...THEIRS, ...pools(["default", KUBECTL, ["10.1.0.0/16"]]), ...advertisements });
            await check(NO_ADDRESSES);
            assert.equal(warn.mock.callCount(), warned ? 1 : 0);
            assert.ok(
                !warned ||
                    /no L2Advertisement and no BGPAdvertisement is for the pool default /.test(String(logged(warn)[0])),
            );
        });
    }

    for (const [configuration, warned] of [
        ["mode: ipvs\nipvs:\n  strictARP: false\n", true],
        ['ipvs:\n  excludeCIDRs: null\nmode: "ipvs"\n', true],
        ["ipvs:\n  strictARP: true\nmode: ipvs\n", false],
        ['ipvs:\n  strictARP: false\nmode: ""\n', false],
    ] as const) {
        it(`${warned ? "warns of" : "says nothing of"} kube-proxy beside MetalLB with ${JSON.stringify(configuration)}`, async () => {
            const warn = log("warn");
            say = answers({
                "/api/v1/namespaces/kube-system/configmaps": {
                    items: [{ metadata: { name: "kube-proxy" }, data: { "config.conf": configuration } }],
                },
            });
            await check(METALLB);
            await check(CLOUD);
            assert.equal(warn.mock.callCount(), warned ? 1 : 0);
            assert.ok(!warned || /^kube-proxy runs in IPVS mode without strictARP: /.test(String(logged(warn)[0])));
        });
    }

    for (const status of [401, 403, 500]) {
        it(`says once what it may not see, HTTP ${status}, and finds no fault in it`, async () => {
            for (const settings of [KIND, { ...KIND, ...PRESENT }, METALLB, { ...METALLB, ...present(false) }]) {
                const info = log("info");
                say = (path) => (path === "/version" ? answers({})(path, undefined as never) : { status });
                await check(settings);
                assert.equal(info.mock.callCount(), 1);
                assert.match(String(logged(info)[0]), /^Not everything .* could be looked at: \/api.*interlink/);
                mock.restoreAll();
            }
        });
    }

    it("finds the rest where it may not see one thing", async () => {
        log("info");
        say = answers({ [ALL_DEPLOYMENTS]: 403, ...namespace("interlink", KUBECTL) });
        await assert.rejects(check(), /^Error: interlink-kube-api:interlink\.namespace: .*$/);
    });

    it("finds a cert-manager in its namespace where it may not look everywhere", async () => {
        log("info");
        say = answers({
            ...definitions(KUBECTL),
            [ALL_DEPLOYMENTS]: 403,
            "/apis/apps/v1/namespaces/cert-manager/deployments": { items: [deployment({})] },
        });
        await assert.rejects(check(), /the cluster has a cert-manager already, in namespace cert-manager/);
    });

    it("asks for each thing once, and at the same time", async () => {
        say = answers(DEPLOYED);
        await check(METALLB);
        assert.equal(new Set(asked).size, asked.length);
        assert.ok(asked.length < 25, asked.join("\n"));
    });
});

describe("the mark", () => {
    it("says on what a cluster has once which stack made it, beside other annotations", async () => {
        await record();
        await pulumi.runtime.runInPulumiStack(async () => {
            markObjects(STACK);
            const metadata = { name: "n", annotations: { a: "b" } };
            const apiVersion = "cert-manager.io/v1";
            const made = [
                new k8s.core.v1.Namespace("namespace", { metadata }),
                new k8s.networking.v1.IngressClass("class", { metadata }),
                new k8s.apiextensions.CustomResource("issuer", { apiVersion, kind: "ClusterIssuer", metadata }),
                new k8s.core.v1.Node("node", { metadata }),
                new k8s.apiextensions.CustomResource("pool", {
                    apiVersion: "metallb.io/v1beta1",
                    kind: "IPAddressPool",
                    metadata,
                }),
                new k8s.core.v1.ServiceAccount("account", { metadata }),
            ];
            await Promise.all(made.map(settled));
        });
        for (const name of ["namespace", "class", "issuer", "node", "pool"]) {
            assert.deepEqual(input(name, "metadata", "annotations"), { a: "b", "interlink-kube-api/stack": STACK });
        }
        assert.deepEqual(input("account", "metadata", "annotations"), { a: "b" });
    });
});
