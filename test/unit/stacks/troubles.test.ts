import assert from "node:assert/strict";
import { apiServer } from "../../../settings/apiServer";
import { parseSettings } from "../../../settings/read";
import { Look } from "../../../stacks/look";
import { troubles } from "../../../stacks/troubles";
import { KIND } from "../support/badSettings";
import { kubeconfigOf, Servers } from "../support/servers";

const STACK = "interlink-kube-api/test";
const NOW = Date.parse("2026-01-01T00:10:00Z");
const ago = (seconds: number) => new Date(NOW - seconds * 1000).toISOString();

const NAMESPACES = "/api/v1/namespaces";
const NODES = "/api/v1/nodes";
const deploymentsOf = (namespace: string) => `/apis/apps/v1/namespaces/${namespace}/deployments`;
const EVENTS = "/api/v1/namespaces/interlink/events";
const list = (path: string, ...items: object[]) => ({ [path]: { items } });

/** The stack's namespace, and one of somebody else, whose troubles are their own. */
const NAMESPACE = list(
    NAMESPACES,
    { metadata: { name: "interlink", annotations: { "interlink-kube-api/stack": STACK } } },
    { metadata: { name: "others", annotations: { "interlink-kube-api/stack": "interlink-kube-api/other" } } },
);
const deployment = (name: string, namespace: string, spec: object, ...conditions: object[]) => ({
    metadata: { name, namespace },
    spec,
    status: { conditions },
});
const unavailable = (seconds: number) => ({
    type: "Available",
    status: "False",
    message: "Deployment does not have minimum availability.",
    lastTransitionTime: ago(seconds),
});
const QUOTA = { type: "ReplicaFailure", status: "True", message: "exceeded quota: few, used: pods=2, limited: pods=2" };
const event = (name: string, reason: string, message: string, first: number, last: number) => ({
    metadata: { name: `${name}.1` },
    involvedObject: { kind: "Pod", name },
    reason,
    message,
    firstTimestamp: ago(first),
    lastTimestamp: ago(last),
});
const node = (name: string, type: string, status: string, seconds: number) => ({
    metadata: { name },
    status: { conditions: [{ type, status, message: "it says so", lastTransitionTime: ago(seconds) }] },
});

/** What a cluster has, and what is said of it. */
const CASES: Readonly<Record<string, { readonly has: object; readonly says: readonly string[] }>> = {
    "an empty cluster": { has: {}, says: [] },
    "cert-manager and DNS that are scaled to 0": {
        has: {
            ...list(deploymentsOf("cert-manager"), deployment("cert-manager", "cert-manager", { replicas: 0 })),
            ...list(deploymentsOf("kube-system"), deployment("coredns", "kube-system", { replicas: 0 })),
        },
        says: [
            "The Deployment coredns in namespace kube-system is scaled to 0: what needs it waits.",
            "The Deployment cert-manager in namespace cert-manager is scaled to 0: what needs it waits.",
        ],
    },
    "a Deployment that has not been available for long, by its cause": {
        has: {
            ...NAMESPACE,
            ...list(
                deploymentsOf("interlink"),
                deployment("node", "interlink", { replicas: 1 }, unavailable(60), QUOTA),
                deployment("other", "interlink", { replicas: 1 }, unavailable(60)),
                deployment("young", "interlink", { replicas: 1 }, unavailable(10), QUOTA),
                deployment("well", "interlink", { replicas: 1 }, { ...unavailable(60), status: "True" }),
            ),
            ...list(deploymentsOf("others"), deployment("theirs", "others", { replicas: 0 })),
        },
        says: [
            "The Deployment node in namespace interlink is not available: exceeded quota: few, used: pods=2, limited: pods=2",
            "The Deployment other in namespace interlink is not available: Deployment does not have minimum availability.",
        ],
    },
    "warnings that are repeated, by object and reason, and none that stopped or has just begun": {
        has: {
            ...NAMESPACE,
            ...list(
                EVENTS,
                event("shell", "Failed", 'Failed to pull image "a/b:c": not found', 70, 10),
                event("set", "FailedCreate", "set-a is forbidden: exceeded quota", 80, 80),
                event("set", "FailedCreate", "set-b is forbidden: exceeded quota", 20, 20),
                event("young", "FailedMount", "no Secret yet", 20, 5),
                event("mended", "FailedMount", "no Secret yet", 500, 300),
                { ...event("once", "FailedScheduling", "no node", 0, 0), firstTimestamp: null, lastTimestamp: null },
            ),
        },
        says: [
            'In namespace interlink, Pod shell: Failed: Failed to pull image "a/b:c": not found',
            "In namespace interlink, Pod set: FailedCreate: set-a is forbidden: exceeded quota",
        ],
    },
    "nodes that are short of something, and a virtual node of the stack's that is not Ready": {
        has: list(
            NODES,
            node("full", "DiskPressure", "True", 5),
            node("roomy", "DiskPressure", "False", 500),
            node("virtual-node", "Ready", "False", 60),
            node("elsewhere", "Ready", "False", 60),
        ),
        says: [
            "The node full has DiskPressure: it says so.",
            "The virtual node virtual-node is not Ready, and takes no pods: it says so; see that InterLink's API server and its plugin answer.",
        ],
    },
    "a virtual node whose last ping failed, however new its conditions are": {
        has: list(NODES, {
            metadata: { name: "virtual-node" },
            status: {
                conditions: [
                    { type: "Ready", status: "False", message: "it begins", lastTransitionTime: ago(1) },
                    { type: "InterlinkConnectivity", status: "False", message: "no ping", lastTransitionTime: ago(1) },
                ],
            },
        }),
        says: [
            "The virtual node virtual-node is not Ready, and takes no pods: no ping; see that InterLink's API server and its plugin answer.",
        ],
    },
    "a virtual node that has only begun": { has: list(NODES, node("virtual-node", "Ready", "False", 5)), says: [] },
};

describe("the troubles of a cluster", () => {
    const servers = new Servers();
    let has: Readonly<Record<string, unknown>> = {};
    let port = 0;
    let ca = "";
    before(async () => {
        ({ port, ca } = await servers.api((path) => {
            const body = has[path.replace(/\?.*/, "")];
            return body === undefined ? undefined : { body };
        }));
    });
    after(() => servers.close());

    for (const [what, { has: given, says }] of Object.entries(CASES)) {
        it(`are said of ${what}`, async () => {
            has = given as Record<string, unknown>;
            const content = kubeconfigOf({ server: `https://127.0.0.1:${port}`, "certificate-authority-data": ca });
            const look = new Look(apiServer({ content, called: "k", key: "KUBECONFIG" }, undefined), STACK);
            const interlink = { ...KIND.interlink, nodeName: "virtual-node" };
            assert.deepEqual(await troubles(look, parseSettings({ ...KIND, interlink }), NOW), says);
        });
    }
});
