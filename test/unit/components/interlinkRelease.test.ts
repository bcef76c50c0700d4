import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import * as pulumi from "@pulumi/pulumi";
import { parse } from "yaml";
import { InterlinkRelease, InterlinkReleaseArgs } from "../../../components/interlinkRelease";
import {
    configurationTransform,
    KUBERNETES_API_VALUES,
    KubernetesApi,
} from "../../../components/interlinkRelease/chart";
import { CA_PEM, find, input, record, registered, settled, valueOf } from "../support/mocks";

describe("InterlinkRelease", () => {
    beforeEach(() => record());

    const args: InterlinkReleaseArgs = {
        namespace: "interlink",
        nodeName: "node",
        chartVersion: "0.6.1",
        kubernetesApi: { address: "10.1.2.3", port: 60443, caCertificate: CA_PEM },
        interlink: { address: "https://10.9.9.9", port: 3000 },
        virtualKubeletImage: "vk:1",
        refreshTokenImage: "refresh:1",
        kubectlImage: "kubectl:1",
        approverImage: "approver:1",
        resources: { cpus: 1, memGiB: 2, pods: 3 },
    };

    /** The line of the chart's template for the CA: as of 0.5.3-pre1, and as in 0.5.2. */
    const TEMPLATES: Readonly<Record<string, (value: string) => string>> = {
        "0.5.2": (value) => indent(value),
        "0.5.3-pre1": (value) => `      ${indent(value)}`,
        "0.6.1": (value) => `      ${indent(value)}`,
        "0.6.2-pre3": (value) => `      ${indent(value)}`,
    };

    for (const [chartVersion, line] of Object.entries(TEMPLATES)) {
        it(`gives the virtual kubelet of chart ${chartVersion} a CA that it reads back`, async () => {
            await settled(new InterlinkRelease("interlink", { ...args, chartVersion }));
            const value = input("interlink-chart", "values", "interlink", "kubernetesApiCaCrt") as string;
            assert.deepEqual(parse(await transformed(rendered(line(value)), args.kubernetesApi)), {
                KubernetesApiAddr: "10.1.2.3",
                KubernetesApiPort: "60443",
                KubernetesApiCaCrt: CA_PEM,
                HTTP: { Insecure: true },
            });
        });
    }

    it("would break the virtual kubelet's configuration by the CA itself", () => {
        assert.throws(() => parse(rendered(TEMPLATES["0.6.1"]?.(CA_PEM.trim()) ?? "")));
    });

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
            const given = input("interlink-chart", "values", "interlink") as Record<string, unknown>;
            const { enabled, image, address, port, socket } = given;
            assert.deepEqual([enabled, image], [true, "api:1"]);
            assert.deepEqual(JSON.parse(JSON.stringify({ address, port, socket })), interlink);
            assert.equal(given.kubernetesApiAddr, KUBERNETES_API_VALUES.kubernetesApiAddr);
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
            /^.*chartVersion: "9\.9\.9" is not allowed; give one of 0\.5\.2, /,
        );
        await settled(new InterlinkRelease("brave", { ...unknown, allowUnknownChartVersion: true }));
        assert.equal(input("brave-chart", "version"), "9.9.9");
    });
});

/** Sprig's indent: six spaces before every line. */
function indent(value: string): string {
    return value.replace(/^/gm, "      ");
}

/** The virtual kubelet's configuration as the chart renders it; `line` is what it makes of the CA's value. */
function rendered(line: string): string {
    const { kubernetesApiAddr, kubernetesApiPort } = KUBERNETES_API_VALUES;
    const configMap = `data:
  InterLinkConfig.yaml: |
    KubernetesApiAddr: "${kubernetesApiAddr}"
    KubernetesApiPort: "${kubernetesApiPort}"
    KubernetesApiCaCrt: |
${line}
    HTTP:
      Insecure: true
`;
    return (parse(configMap) as { data: Record<string, string> }).data["InterLinkConfig.yaml"] ?? "";
}

/** The configuration after the component's transform of the ConfigMap. */
async function transformed(text: string, kubernetesApi: KubernetesApi): Promise<string> {
    const result = await configurationTransform(kubernetesApi)({
        type: "kubernetes:core/v1:ConfigMap",
        props: { data: { "InterLinkConfig.yaml": text } },
    } as unknown as pulumi.ResourceTransformArgs);
    const { data } = result?.props as { data: pulumi.Output<Record<string, string>> };
    return (await valueOf(data))["InterLinkConfig.yaml"] ?? "";
}
