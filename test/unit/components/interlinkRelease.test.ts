import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import * as pulumi from "@pulumi/pulumi";
import { InterlinkRelease } from "../../../components/interlinkRelease";
import { RELEASE } from "../support/arguments";
import { find, input, record, registered, settled, valueOf } from "../support/mocks";

describe("InterlinkRelease", () => {
    beforeEach(() => record());

    const args = RELEASE;

    it("tells the chart that projected volumes stay, and to log no tokens", async () => {
        await settled(new InterlinkRelease("interlink", args));
        const values = input("interlink-chart", "values", "interlink") as Record<string, unknown>;
        assert.equal(values.disableProjectedVolumes, false);
        assert.deepEqual(values.logging, { verboseLogging: "false" });
        assert.equal(input("interlink-chart", "values", "virtualNode", "image"), "vk:1");
    });

    for (const [sockets, interlink, plugin] of [
        [false, { address: "http://localhost", port: 3000 }, { address: "http://localhost", port: 4000 }],
        [true, { socket: "unix:///var/run/interlink.sock" }, { socket: "unix:///var/run/plugin.sock" }],
    ] as const) {
        it(`runs the API server and the plugin beside the virtual kubelet, over ${sockets ? "sockets" : "ports"}`, async () => {
            const api = { image: "api:1", plugin: { image: "plugin:1", config: "a: 1" }, sockets };
            await settled(new InterlinkRelease("interlink", { ...args, interlink: api }));
            assert.deepEqual(input("interlink-chart", "values", "plugin"), {
                enabled: true,
                image: "plugin:1",
                config: "a: 1",
                ...plugin,
            });
            const label = "pod-security.kubernetes.io/enforce";
            assert.equal(input("interlink-namespace", "metadata", "labels", label), "baseline");
            const given = input("interlink-chart", "values", "interlink") as Record<string, unknown>;
            const { enabled, image, address, port, socket } = given;
            assert.deepEqual([enabled, image], [true, "api:1"]);
            assert.deepEqual(JSON.parse(JSON.stringify({ address, port, socket })), interlink);
        });
    }

    it("has neither where the API server is on the far side", async () => {
        await settled(new InterlinkRelease("interlink", args));
        const values = find("interlink-chart").inputs.values as Record<string, Record<string, unknown>>;
        assert.deepEqual([values.interlink?.enabled, values.plugin], [false, undefined]);
    });

    it("owns the virtual node and waits for it", async () => {
        const release = new InterlinkRelease("interlink", args);
        await settled(release);
        assert.equal(find("interlink-node").type, "kubernetes:core/v1:Node");
        const command = input("interlink-ready", "spec", "template", "spec", "containers", 0, "command") as string[];
        assert.ok(command.includes("--for=condition=Ready"));
        assert.equal(await valueOf(release.nodeName), "node");
    });

    it("lets the virtual kubelet sign its certificate itself, unless told otherwise", async () => {
        for (const kubeletCertificate of [undefined, "self-signed"] as const) {
            await record();
            await settled(new InterlinkRelease("interlink", { ...args, kubeletCertificate }));
            assert.equal(input("interlink-chart", "values", "virtualNode", "disableCSR"), true);
            assert.ok(!registered().some((entry) => entry.includes("approver")));
        }
    });

    describe("where the cluster signs the virtual kubelet's certificate", () => {
        beforeEach(() => settled(new InterlinkRelease("interlink", { ...args, kubeletCertificate: "signed" })));

        it("has it ask for that, and the approver's rights end at that signer", () => {
            assert.equal(input("interlink-chart", "values", "virtualNode", "disableCSR"), false);
            const apiGroups = ["certificates.k8s.io"];
            assert.deepEqual(input("interlink-approver-role", "rules"), [
                { apiGroups, resources: ["certificatesigningrequests"], verbs: ["get", "list", "watch"] },
                { apiGroups, resources: ["certificatesigningrequests/approval"], verbs: ["update"] },
                {
                    apiGroups,
                    resources: ["signers"],
                    resourceNames: ["kubernetes.io/kubelet-serving"],
                    verbs: ["approve"],
                },
            ]);
        });

        it("approves each request of the virtual kubelet's, now and later, and no other", () => {
            const pod = ["interlink-approver", "spec", "template", "spec"] as const;
            assert.equal(input(...pod, "restartPolicy"), "Always");
            const [sh, option, script] = input(...pod, "containers", 0, "command") as string[];
            assert.deepEqual([sh, option], ["sh", "-c"]);
            assert.ok(script?.includes('(eq .spec.username "system:serviceaccount:interlink:node")'), script);
            assert.ok(script?.includes("--field-selector=spec.signerName=kubernetes.io/kubelet-serving"), script);
            // What stands for kubectl lists two requests, and its watch ends; the third time the loop ends.
            const kubectl = `rounds=0
sleep() { rounds=$((rounds + 1)); [ $rounds -le 2 ]; }
kubectl() { case $1 in get) echo "vk-$rounds-a"; echo "vk-$rounds-b";; *) echo "$@";; esac; }`;
            assert.deepEqual(
                execFileSync("sh", ["-c", `${kubectl}\n${script}`], { encoding: "utf8" })
                    .trim()
                    .split("\n"),
                [
                    "certificate approve vk-1-a",
                    "certificate approve vk-1-b",
                    "certificate approve vk-2-a",
                    "certificate approve vk-2-b",
                ],
            );
        });
    });

    it("makes the virtual node as the virtual kubelet would, which later writes the status alone", async () => {
        const nodeTaints = [{ key: "gpu", value: "a100", effect: "NoExecute" }];
        const values = pulumi.secret({ virtualNode: { nodeTaints } });
        await settled(new InterlinkRelease("interlink", { ...args, values }));
        assert.deepEqual(input("interlink-node", "spec"), {
            providerID: "external:///node",
            taints: [{ key: "virtual-node.interlink/no-schedule", value: "true", effect: "NoSchedule" }, ...nodeTaints],
        });
        assert.deepEqual(input("interlink-node", "metadata", "labels"), {
            "kubernetes.io/hostname": "node",
            "node.kubernetes.io/exclude-from-external-load-balancers": "true",
        });
    });

    it("gives the virtual node no taint that Kubernetes refuses: twice, or without an effect", async () => {
        const own = "virtual-node.interlink/no-schedule";
        const nodeTaints = [{ key: own, effect: "NoSchedule" }, { key: "gpu" }, { key: own, effect: "NoExecute" }];
        await settled(new InterlinkRelease("interlink", { ...args, values: { virtualNode: { nodeTaints } } }));
        const taints = input("interlink-node", "spec", "taints") as { key: string; effect: string }[];
        assert.deepEqual(
            taints.map(({ key, effect }) => [key, effect]),
            [
                [own, "NoSchedule"],
                ["gpu", "NoSchedule"],
                [own, "NoExecute"],
            ],
        );
    });

    const taint =
        "a list of taints with key, value and effect, all text; the effect is NoSchedule, PreferNoSchedule, NoExecute";
    for (const [values, key, allowed] of [
        [{ virtualNode: { nodeTaints: ["gpu=a100:NoSchedule"] } }, "virtualNode.nodeTaints", taint],
        [{ virtualNode: { nodeTaints: { key: "gpu", effect: "NoSchedule" } } }, "virtualNode.nodeTaints", taint],
        [{ virtualNode: { nodeTaints: [{ key: "gpu", value: true }] } }, "virtualNode.nodeTaints", taint],
        [{ virtualNode: { nodeTaints: [{ key: "gpu", effect: "noSchedule" }] } }, "virtualNode.nodeTaints", taint],
        [{ virtualNode: { nodeTaints: [{ Key: "gpu" }] } }, "virtualNode.nodeTaints", taint],
        [{ virtualNode: { nodeLabels: { gpu: "a100" } } }, "virtualNode.nodeLabels", "a list of labels as KEY=VALUE"],
        [{ virtualNode: { nodeLabels: ["gpu: a100"] } }, "virtualNode.nodeLabels", "a list of labels as KEY=VALUE"],
        [{ extraVolumes: { name: "data" } }, "extraVolumes", "a list of volumes, as a pod spells them"],
        [{ interlink: "https://10.9.9.9" }, "interlink", "an object of the chart's values"],
        [{ virtualNode: null }, "virtualNode", "an object of the chart's values"],
    ] as const) {
        it(`refuses values of another shape than the chart's, and shows none: ${JSON.stringify(values)}`, async () => {
            const given = pulumi.secret(values as Readonly<Record<string, unknown>>);
            const release = new InterlinkRelease("interlink", { ...args, values: given });
            await assert.rejects(pulumi.isSecret(release.nodeName), ({ message }: Error) =>
                message.endsWith(`values.${key}: "[secret]" is not allowed; give ${allowed}.`),
            );
        });
    }

    it("takes lists that Helm is told to leave out", async () => {
        const values = { extraVolumes: null, virtualNode: { nodeTaints: null, nodeLabels: null } };
        await settled(new InterlinkRelease("interlink", { ...args, values }));
        assert.equal(
            input("interlink-namespace", "metadata", "labels", "pod-security.kubernetes.io/enforce"),
            "restricted",
        );
    });

    it("waits for the virtual node again when the virtual kubelet was started anew", async () => {
        const annotations = () =>
            (input("interlink-ready", "spec", "template") as { metadata?: { annotations: object } }).metadata
                ?.annotations;
        await settled(new InterlinkRelease("interlink", args));
        assert.equal(annotations(), undefined);
        await record();
        await settled(new InterlinkRelease("interlink", { ...args, restarted: "2026-01-01T00:00:00Z" }));
        assert.deepEqual(annotations(), { "interlink-kube-api/restarted": "2026-01-01T00:00:00Z" });
    });

    it("keeps secret values secret, and lets them win over its own", async () => {
        const values = pulumi.secret({ OAUTH: { ClientSecret: "s3cret" }, interlink: { port: 1 } });
        await settled(new InterlinkRelease("interlink", { ...args, values }));
        const given = find("interlink-chart").inputs.values;
        assert.ok(pulumi.runtime.isRpcSecret(given), "the chart's values are no secret");
        const plain = pulumi.runtime.unwrapRpcSecret(given) as Record<string, Record<string, unknown>>;
        assert.deepEqual(plain.OAUTH, { image: "refresh:1", ClientSecret: "s3cret" });
        assert.equal(plain.interlink?.port, 1);
        assert.equal(plain.interlink?.address, "https://10.9.9.9");
    });

    it("refuses a chart version that it does not know, unless told to go on", async () => {
        const unknown = { ...args, chartVersion: "9.9.9" };
        assert.throws(
            () => new InterlinkRelease("interlink", unknown),
            /^.*chartVersion: "9\.9\.9" is not allowed; give one of 0\.6\.1, 0\.6\.2-pre1, 0\.6\.2-pre2, 0\.6\.2-pre3, /,
        );
        await settled(new InterlinkRelease("brave", { ...unknown, allowUnknownChartVersion: true }));
        assert.equal(input("brave-chart", "version"), "9.9.9");
    });
});
