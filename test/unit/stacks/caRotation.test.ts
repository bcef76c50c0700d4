import assert from "node:assert/strict";
import { apiServer } from "../../../settings/apiServer";
import { OwnWaySettings } from "../../../settings/schema";
import { parseSettings } from "../../../settings/read";
import { rotationFaults } from "../../../stacks/caRotation";
import { Look } from "../../../stacks/look";
import { KIND } from "../support/badSettings";
import { kubeconfigOf, Servers } from "../support/servers";

const CA = "ingress-nginx-internal-root-ca";
const STACK = "interlink-kube-api/test";
const PREPARED = "2026-01-01T10:00:00Z";
const annotations = { "interlink-kube-api/stack": STACK };

/** A cluster: its issuers, who signs, what the virtual kubelet hands out, and pods of the virtual node by creation. */
interface Has {
    readonly issuers?: readonly string[];
    readonly signing?: string;
    readonly suffix?: string;
    readonly certificates?: string;
    readonly kubeletOf?: string;
    readonly pods?: Readonly<Record<string, string>>;
    readonly phase?: string;
}

function listsOf({ issuers = [CA, `${CA}-g2`], signing = CA, suffix = "", pods = {}, ...has }: Has) {
    const { certificates = "2", kubeletOf = "2026-01-01T10:01:00Z", phase = "Running" } = has;
    const node = `interlink-slurm-node${suffix}`;
    return {
        "/apis/cert-manager.io/v1/clusterissuers": issuers.map((name) => ({
            metadata: { name, annotations, creationTimestamp: PREPARED },
        })),
        "/apis/cert-manager.io/v1/certificates": [
            { metadata: { name: "kubernetes-api" }, spec: { issuerRef: { name: "somebody-elses" } } },
            { metadata: { name: "kubernetes-api" }, spec: { issuerRef: { name: signing } } },
        ],
        [`/api/v1/namespaces/interlink${suffix}/pods`]: [
            {
                metadata: {
                    name: `${node}-node-abc`,
                    creationTimestamp: kubeletOf,
                    annotations: { "interlink-kube-api/ca-certificates": certificates },
                },
                status: { conditions: [{ type: "Ready", lastTransitionTime: "2026-01-01T10:02:00Z" }] },
            },
        ],
        [`/api/v1/pods?fieldSelector=spec.nodeName%3D${node}`]: Object.entries(pods).map(([name, time]) => ({
            metadata: { name, namespace: "jobs", creationTimestamp: time },
            status: { phase },
        })),
    } as Record<string, object[]>;
}

const first = (generation: number, rotation: string, signs = 1) =>
    `ca.generation: generation ${signs} of the CA signs, and running jobs may trust it alone; set ca.generation to ` +
    `${generation} and ca.rotation to ${rotation} first.`;
const running = (count: number, time: string) =>
    `ca.rotation: pods on virtual nodes that may trust the old CA alone: ${count}, the oldest jobs/a of ${time}; wait until ` +
    "they have ended, or set ca.force to true, and they lose the Kubernetes API.";

const OLD = { a: "2026-01-01T09:00:00Z" };
const NEW = { b: "2026-01-01T10:03:01Z" };
const COMPLETE = { generation: 2, rotation: "complete" };

const CASES: readonly (readonly [string, object, Has, string[]])[] = [
    ["a first deployment", { generation: 2 }, { issuers: [], pods: OLD }, []],
    ["no rotation", {}, { issuers: [CA], pods: OLD }, []],
    ["prepare", { generation: 2, rotation: "prepare" }, { issuers: [CA], pods: OLD }, []],
    ["prepare, given up", {}, { pods: OLD }, []],
    ["complete, taken back", { generation: 2, rotation: "prepare" }, { signing: `${CA}-g2`, pods: OLD }, []],
    ["the end", { generation: 2 }, { signing: `${CA}-g2`, pods: OLD }, []],
    ["a generation at once", { generation: 2 }, { issuers: [CA] }, [first(2, "prepare")]],
    ["complete at once", COMPLETE, { issuers: [CA] }, [first(2, "prepare")]],
    ["the end after prepare", { generation: 2 }, {}, [first(2, "complete")]],
    ["two generations", { generation: 3, rotation: "prepare" }, { issuers: [CA] }, [first(2, "prepare")]],
    ["the way back", {}, { issuers: [`${CA}-g2`], signing: `${CA}-g2` }, [first(3, "prepare", 2)]],
    ["complete with new jobs", COMPLETE, { pods: NEW }, []],
    ["complete with ended jobs", COMPLETE, { pods: OLD, phase: "Succeeded" }, []],
    ["complete with old jobs", COMPLETE, { pods: { ...OLD, ...NEW } }, [running(1, OLD.a)]],
    ["complete with old jobs, forced", { ...COMPLETE, force: true }, { pods: OLD }, []],
    [
        "complete in the kubelet's change",
        COMPLETE,
        { pods: { a: "2026-01-01T10:02:30Z" } },
        [running(1, "2026-01-01T10:02:30Z")],
    ],
    ["complete where one CA is handed out", COMPLETE, { certificates: "1", pods: { a: NEW.b } }, [running(1, NEW.b)]],
    ["complete where an older kubelet runs", COMPLETE, { kubeletOf: OLD.a, pods: { a: NEW.b } }, [running(1, NEW.b)]],
    [
        "complete with old jobs and unique names",
        COMPLETE,
        { issuers: [`${CA}-123456`, `${CA}-123456-g2`], signing: `${CA}-123456`, suffix: "-123456", pods: OLD },
        [running(1, OLD.a)],
    ],
];

describe("the look at the CA's rotation", () => {
    const servers = new Servers();
    let lists: Record<string, object[]> = {};
    let look: () => Look;

    before(async () => {
        const { port, ca } = await servers.api((path) => ({ body: { items: lists[path] ?? [] } }));
        const content = kubeconfigOf({ server: `https://127.0.0.1:${port}`, "certificate-authority-data": ca });
        look = () => new Look(apiServer({ content, called: "k", key: "KUBECONFIG" }, undefined), STACK);
    });
    after(() => servers.close());

    for (const [what, ca, has, says] of CASES) {
        it(`${says.length === 0 ? "takes" : "refuses"} ${what}`, async () => {
            lists = listsOf(has);
            const settings = parseSettings({ ...KIND, ca, uniqueNames: has.suffix !== undefined });
            assert.deepEqual(await rotationFaults(look(), settings as OwnWaySettings), says);
        });
    }
});
