import assert from "node:assert/strict";
import * as pulumi from "@pulumi/pulumi";
import { parse } from "yaml";
import { ChartChanges, chartTransforms, KUBERNETES_API_VALUES } from "../../../components/interlinkRelease/chart";
import { InterlinkRelease } from "../../../components/interlinkRelease";
import { CA_PEM, record, settled, valueOf } from "../support/mocks";
import { RELEASE } from "../support/arguments";

const { kubernetesApiAddr, kubernetesApiPort, kubernetesApiCaCrt } = KUBERNETES_API_VALUES;
const REFUSED =
    /^chartVersion: "9\.9\.9" is not allowed, since .*; give one of 0\.6\.1, 0\.6\.2-pre1, 0\.6\.2-pre2, 0\.6\.2-pre3\.$/;

describe("the transforms of InterLink's chart", () => {
    beforeEach(() => record());

    const changes: ChartChanges = {
        chartVersion: "9.9.9",
        kubernetesApi: RELEASE.kubernetesApi,
        insecure: false,
        configuration: pulumi.output("configuration"),
        secretValues: false,
    };

    it("give the virtual kubelet a CA that it reads back, from a line that is indented too far", async () => {
        const { data } = await transformed("ConfigMap", { data: { "InterLinkConfig.yaml": configuration() } });
        assert.deepEqual(parse((data as Record<string, string>)["InterLinkConfig.yaml"] ?? ""), {
            KubernetesApiAddr: "10.1.2.3",
            KubernetesApiPort: "60443",
            KubernetesApiCaCrt: CA_PEM,
            HTTP: { Insecure: false },
        });
    });

    it("would leave the virtual kubelet's configuration broken by the CA itself", () => {
        assert.throws(() => parse(configuration(CA_PEM.trim().replace(/^/gm, "      "))));
    });

    for (const [what, text] of [
        ["a CA in quotes", configuration().replace(kubernetesApiCaCrt, `"${kubernetesApiCaCrt}"`)],
        ["no port", configuration().replace(kubernetesApiPort, "443")],
        ["a CA twice, once among other words", `${configuration()}Other: the ${kubernetesApiCaCrt}\n`],
    ] as const) {
        for (const preview of [false, true]) {
            it(`refuse a chart with ${what}${preview ? ", in a preview that does not know the address yet" : ""}`, async () => {
                await record(preview);
                const unknown = pulumi.output(pulumi.unknown as unknown as string);
                const kubernetesApi = { ...changes.kubernetesApi, ...(preview && { address: unknown }) };
                await assert.rejects(transformed("ConfigMap", { data: { c: text } }, { kubernetesApi }), {
                    message: REFUSED,
                });
            });
        }
    }

    it("leave other ConfigMaps as they are, and none is deleted before it changes", async () => {
        const data = { "plugin.yaml": "a: 1" };
        const result = await transform("ConfigMap", { metadata: { name: "plugin" }, data });
        assert.deepEqual(await valueOf(pulumi.output(result?.props)), { metadata: { name: "plugin" }, data });
        assert.equal((result?.opts as pulumi.CustomResourceOptions).deleteBeforeReplace, undefined);
    });

    it("refuse a chart that has no configuration or no Deployment of a virtual kubelet", async () => {
        const { transforms, checkChanged } = chartTransforms(changes);
        assert.throws(checkChanged, { name: "Error", message: REFUSED });
        await transformed("ConfigMap", { data: { c: "a: 1" } }, {}, transforms);
        await transformed("Deployment", deployment(), {}, transforms);
        assert.throws(checkChanged, /has no ConfigMap of a virtual kubelet/);
        await transformed("ConfigMap", { data: { c: configuration() } }, {}, transforms);
        checkChanged();
    });

    it("empty the Secrets of tokens alone", async () => {
        const type = "kubernetes.io/service-account-token";
        assert.deepEqual((await transform("Secret", { type }))?.props, { type: "Opaque" });
        assert.equal(await transform("Secret", { type: "kubernetes.io/tls", data: {} }), undefined);
        assert.equal(await transform("Secret", { data: { authorized_keys: "" } }), undefined);
    });

    it("say in the configuration that nothing verifies InterLink's API, where somebody said so", async () => {
        const props = { metadata: { name: "c" }, data: { c: configuration() } };
        assert.deepEqual((await transformed("ConfigMap", props)).metadata, { name: "c" });
        assert.deepEqual((await transformed("ConfigMap", props, { insecure: true })).metadata, {
            name: "c",
            annotations: { "interlink-kube-api/insecure": "true" },
        });
    });

    it("roll the pods when the configuration changes, and when the virtual kubelet is to start anew", async () => {
        const annotations = async (change: Partial<ChartChanges>) =>
            ((await transformed("Deployment", deployment(), change)) as ReturnType<typeof deployment>).spec.template
                .metadata.annotations;
        const before = await annotations({});
        assert.deepEqual(Object.keys(before), ["own", "checksum/configuration"]);
        const checksum = before["checksum/configuration"];
        const changed = await annotations({ configuration: pulumi.output("other") });
        assert.notEqual(changed["checksum/configuration"], checksum);
        assert.deepEqual(await annotations({ restarted: "now" }), { ...before, "interlink-kube-api/restarted": "now" });
    });

    it("keep the tokens that the refresher prints out of the logs", async () => {
        const { spec } = (await transformed("Deployment", deployment())) as ReturnType<typeof deployment>;
        assert.deepEqual(spec.template.spec.containers, [
            { name: "vk", image: "vk:1" },
            { name: "refresh-token", command: ["sh", "-c", "exec python3 /opt/refresh.py >/dev/null"] },
        ]);
    });

    it("would find no places where the values say where the Kubernetes API is", async () => {
        const values = pulumi.secret({ interlink: { kubernetesApiAddr: "s3cret", kubernetesApiCaCrt: "" } });
        const release = new InterlinkRelease("interlink", { ...RELEASE, values });
        const refused = ["Addr", "CaCrt"].map(
            (key) =>
                `values\\.interlink\\.kubernetesApi${key} is not allowed; leave it out: it is what clients outside come to\\.`,
        );
        await assert.rejects(pulumi.isSecret(release.nodeName), { message: new RegExp(`${refused.join("\\n")}$`) });
    });

    it("would be of another node, or have nobody approve its certificate, where the values say so", async () => {
        const values = { nodeName: "other", virtualNode: { disableCSR: false } };
        const release = new InterlinkRelease("interlink", { ...RELEASE, values });
        await assert.rejects(pulumi.isSecret(release.nodeName), {
            message: new RegExp(
                "values\\.nodeName is not allowed; leave it out: the setting nodeName gives it\\.\n" +
                    "values\\.virtualNode\\.disableCSR is not allowed; leave it out: the setting kubeletCertificate decides it\\.$",
            ),
        });
    });

    it("name the release whose values are wrong, of several", async () => {
        await settled(new InterlinkRelease("north", RELEASE));
        const south = new InterlinkRelease("south", { ...RELEASE, values: { nodeName: "other" } });
        await assert.rejects(
            pulumi.isSecret(south.nodeName),
            (error: pulumi.ResourceError) => error.resource === south,
        );
    });

    it("would send tokens elsewhere, unverified, or none at all, where the values say so", async () => {
        const values = pulumi.secret({
            interlink: { address: "http://10.9.9.9", tls: { enabled: false }, disableProjectedVolumes: true },
            virtualNode: { HTTP: { insecure: true } },
        });
        const release = new InterlinkRelease("interlink", { ...RELEASE, values });
        const refused = [
            "interlink.address is not allowed; leave it out: the setting address gives it.",
            "interlink.tls is not allowed; leave it out: the setting tls gives it.",
            "interlink.disableProjectedVolumes is not allowed; leave it out: with it no token reaches a job.",
            "virtualNode.HTTP is not allowed; leave it out: the setting tls decides how InterLink's API is verified.",
        ];
        const message = new RegExp(`${refused.map((sentence) => `values.${sentence}`).join("\n")}$`);
        await assert.rejects(pulumi.isSecret(release.nodeName), { message });
    });

    type Props = Readonly<Record<string, unknown>>;

    /** What the transforms make of an object. */
    async function transform(
        kind: string,
        props: Props,
        change: Partial<ChartChanges> = {},
        transforms = chartTransforms({ ...changes, ...change }).transforms,
    ): Promise<pulumi.ResourceTransformResult | undefined> {
        const type = `kubernetes:${kind === "Deployment" ? "apps" : "core"}/v1:${kind}`;
        const results = await Promise.all(
            transforms.map(async (one) => one({ type, props, opts: {} } as unknown as pulumi.ResourceTransformArgs)),
        );
        return results.find((result) => result !== undefined);
    }

    /** The properties that the transforms make, known. */
    async function transformed(
        kind: string,
        props: Props,
        change: Partial<ChartChanges> = {},
        transforms = chartTransforms({ ...changes, ...change }).transforms,
    ): Promise<Props> {
        const result = await transform(kind, props, change, transforms);
        const output = pulumi.output(result?.props as Props);
        // An Output that fails rejects this, and valueOf would wait for ever.
        await pulumi.isSecret(output);
        return valueOf(output);
    }
});

/** A Deployment as the chart makes it. */
function deployment() {
    return {
        spec: {
            template: {
                metadata: { annotations: { own: "1" } as Record<string, string> },
                spec: {
                    containers: [
                        { name: "vk", image: "vk:1" },
                        { name: "refresh-token", command: ["python3", "/opt/refresh.py"] },
                    ],
                },
            },
        },
    };
}

/** The virtual kubelet's configuration as the charts render it: the CA's first line is indented twice. */
function configuration(ca = `      ${kubernetesApiCaCrt}`): string {
    return `KubernetesApiAddr: "${kubernetesApiAddr}"
KubernetesApiPort: "${kubernetesApiPort}"
KubernetesApiCaCrt: |
  ${ca}
HTTP:
  Insecure: false
`;
}
