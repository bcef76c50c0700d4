import assert from "node:assert/strict";
import * as pulumi from "@pulumi/pulumi";
import { InterlinkRelease } from "../../../components/interlinkRelease";
import { podSecurityLevel, podTransform } from "../../../components/interlinkRelease/pods";
import { PodDefaults } from "../../../components/parts/pods";
import { CA_PEM, input, isSecret, record, settled, valueOf } from "../support/mocks";
import { PodSpec, restrictedViolations } from "../support/podSecurity";

const MIRROR = "mirror.site.example:5000/copies";
const TOLERATION = { key: "dedicated", operator: "Exists", effect: "NoSchedule" };

/** The chart's pod: its containers by name with their images, as the chart leaves them. */
const IMAGES = {
    plugin: "ghcr.io/interlink-hq/interlink-sidecar-slurm/interlink-sidecar-slurm:0.5",
    interlink: "ghcr.io/interlink-hq/interlink/interlink:0.6.2",
    vk: "ghcr.io/interlink-hq/interlink/virtual-kubelet-inttw:0.6.2",
    "refresh-token": "ghcr.io/interlink-hq/interlink/virtual-kubelet-inttw-refresh:0.6.2",
    "ssh-bastion": "lscr.io/linuxserver/openssh-server:9.9",
};
type Part = keyof typeof IMAGES;
const USUAL: readonly Part[] = ["vk", "refresh-token"];

/** The pod of the chart's Deployment with these containers after the component's transform. */
async function transformed(parts: readonly Part[], pods: PodDefaults, more: object = {}): Promise<PodSpec> {
    const containers = parts.map((name) => ({ name, image: IMAGES[name] }));
    const volumes = [
        { name: "config", configMap: { name: "c" } },
        { name: "token", emptyDir: {} },
    ];
    const spec = pulumi.output({ template: { spec: { containers, volumes, ...more } } });
    const props = await transform("kubernetes:apps/v1:Deployment", { spec }, pods);
    const result = await valueOf(props?.spec as pulumi.Output<{ template: { spec: PodSpec } }>);
    return result.template.spec;
}

async function transform(type: string, props: object, pods: PodDefaults = {}) {
    const result = await podTransform(pods, MIRROR)({ type, props } as unknown as pulumi.ResourceTransformArgs);
    return result?.props;
}

describe("the chart's pods", () => {
    before(() => record());

    it("are restricted, with what the chart has no values for", async () => {
        const pod = await transformed(USUAL, {});
        assert.deepEqual(restrictedViolations(pod), []);
        assert.ok(pod.containers.every(({ securityContext }) => securityContext?.runAsUser === 65532));
    });

    it("would not be restricted by the chart alone", () => {
        assert.ok(restrictedViolations({ containers: [{ name: "vk", image: IMAGES.vk }] }).length > 0);
    });

    it("leave their users to a cluster that assigns them", async () => {
        const pod = await transformed(USUAL, { assignedUserIds: true });
        assert.deepEqual(restrictedViolations(pod), []);
        assert.ok(pod.containers.every(({ securityContext }) => securityContext?.runAsUser === undefined));
    });

    it("take every image from the mirror, those that the chart names by itself too", async () => {
        const pod = await transformed(Object.keys(IMAGES) as Part[], {});
        assert.deepEqual(
            pod.containers.map(({ image }) => image),
            Object.values(IMAGES).map((image) => image.replace(/^[^/]+/, MIRROR)),
        );
    });

    it("take those of their init containers from there too", async () => {
        const initContainers = [{ name: "wait", image: "busybox:1.37" }];
        const { initContainers: waiting } = await transformed(USUAL, {}, { initContainers });
        assert.deepEqual(
            waiting?.map(({ name, image }) => [name, image]),
            [["wait", `${MIRROR}/busybox:1.37`]],
        );
        assert.ok(!("initContainers" in (await transformed(USUAL, {}))));
    });

    it("take the image of a tunnel's pod from the mirror", async () => {
        const text =
            "spec:\n  containers:\n    - image: ghcr.io/erebe/wstunnel:latest\n      imagePullPolicy: IfNotPresent\n";
        const template = text + "      env: [{ image: {{.Image}} }]\n";
        const props = await transform("kubernetes:core/v1:ConfigMap", {
            data: { "wstunnel.yaml": template, other: text },
        });
        assert.deepEqual(await valueOf(props?.data as pulumi.Output<object>), {
            "wstunnel.yaml": template.replace("ghcr.io", MIRROR),
            other: text,
        });
    });

    it("have the Secret for pulling and run where all pods may, and where the chart's values say", async () => {
        const pods = {
            pullSecret: { name: "registries", logins: {} },
            nodeSelector: { "kubernetes.io/arch": "arm64" },
            tolerations: [TOLERATION],
        };
        const own = { nodeSelector: { zone: "a" }, tolerations: [{ key: "gpu", operator: "Exists" }] };
        const pod = await transformed(USUAL, pods, own);
        assert.deepEqual(pod.imagePullSecrets, [{ name: "registries" }]);
        const nodes = { "kubernetes.io/os": "linux", "kubernetes.io/arch": "arm64", zone: "a" };
        assert.deepEqual(pod.nodeSelector, nodes);
        assert.deepEqual(pod.tolerations, [TOLERATION, ...own.tolerations]);
    });

    it("leave a plugin and a bastion the users of their images", async () => {
        const [plugin, bastion] = (await transformed(["plugin", "ssh-bastion"], {})).containers;
        assert.equal(plugin?.securityContext, undefined);
        assert.equal(bastion?.securityContext, undefined);
    });

    it("leave other resources alone", async () => {
        assert.equal(await transform("kubernetes:core/v1:ServiceAccount", {}), undefined);
    });
});

describe("InterLink's namespace", () => {
    for (const [what, values, level] of [
        ["no values", {}, "restricted"],
        ["OAUTH", { OAUTH: { enabled: true } }, "restricted"],
        ["InterLink's API beside the virtual kubelet", { interlink: { enabled: true } }, "restricted"],
        ["a plugin that is off", { plugin: { privileged: true } }, "restricted"],
        ["a plugin", { plugin: { enabled: true } }, "baseline"],
        ["the SSH bastion", { sshBastion: { enabled: true } }, "baseline"],
        ["a privileged plugin", { plugin: { enabled: true, privileged: true } }, "privileged"],
        ["a folder of the node", { extraVolumes: [{ name: "data", hostPath: { path: "/data" } }] }, "privileged"],
        ["a share of NFS", { extraVolumes: [{ name: "data", nfs: { server: "nas", path: "/" } }] }, "baseline"],
        ["another volume", { extraVolumes: [{ name: "data", emptyDir: {} }] }, "restricted"],
    ] as const) {
        it(`is ${level} with ${what}`, () => {
            assert.equal(podSecurityLevel(values), level);
        });
    }

    it("says its level, which is no secret where the values are", async () => {
        await record();
        const values = pulumi.secret({ plugin: { enabled: true }, OAUTH: { ClientSecret: "s3cret" } });
        await settled(
            new InterlinkRelease("interlink", {
                namespace: "interlink",
                nodeName: "node",
                chartVersion: "0.6.1",
                kubernetesApi: { address: "10.1.2.3", port: 60443, caCertificate: CA_PEM },
                interlink: { address: "https://10.9.9.9", port: 3000 },
                virtualKubeletImage: "vk:1",
                refreshTokenImage: "refresh:1",
                kubectlImage: "kubectl:1",
                approverImage: "kubectl:1",
                resources: { cpus: 1, memGiB: 2, pods: 3 },
                values,
            }),
        );
        assert.ok(await isSecret(values));
        assert.equal(
            input("interlink-namespace", "metadata", "labels", "pod-security.kubernetes.io/enforce"),
            "baseline",
        );
    });
});
