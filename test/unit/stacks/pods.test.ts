import assert from "node:assert/strict";
import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { parseSettings } from "../../../settings/read";
import { deploy } from "../../../stacks";
import { CLOUD, KIND, METALLB } from "../support/badSettings";
import { find, input, record, recordedResources, settledStack } from "../support/mocks";
import { PodSpec, podSpecOf, restrictedViolations } from "../support/podSecurity";

const ENFORCE = "pod-security.kubernetes.io/enforce";
const TOLERATION = { key: "dedicated", operator: "Exists", effect: "NoSchedule" };
const NODES = { "kubernetes.io/arch": "arm64" };
const PASSWORD = "pa55-of-the-mirror";
const PULL_SECRET = [{ name: "interlink-kube-api-registries" }];

/** A tainted cluster of arm64 nodes whose registry asks for a login. */
const SITE = {
    mirror: { registry: "mirror.site.example:5000/copies", charts: "oci://mirror.site.example:5000/charts" },
    registryLogins: { "mirror.site.example:5000": { username: "puller", password: PASSWORD } },
    pods: { nodeSelector: NODES, tolerations: [TOLERATION] },
};

/** Composes the stack of settings, to the end. */
async function deployed(settings: Readonly<Record<string, unknown>>): Promise<void> {
    await record();
    await settledStack(deploy(parseSettings(settings), { opts: { provider: new k8s.Provider("kubernetes", {}) } }));
}

/** Each pod that the program specifies itself, by its resource. */
function pods(): [string, PodSpec][] {
    return recordedResources().flatMap((resource) => {
        const spec = podSpecOf(resource);
        return spec === undefined ? [] : [[resource.name, spec] as [string, PodSpec]];
    });
}

/** The levels of the namespaces, by their resources. */
function levels(): Record<string, unknown> {
    return Object.fromEntries(
        recordedResources()
            .filter(({ type }) => type === "kubernetes:core/v1:Namespace")
            .map(({ name }) => [name, input(name, "metadata", "labels", ENFORCE)]),
    );
}

/** A recorded value, which mocks make a secret as a whole where it holds one. */
function plain(value: unknown): unknown {
    return pulumi.runtime.unwrapRpcSecret(value);
}

/** Whether a text stands anywhere in a value but in secrets. */
function shows(value: unknown, text: string): boolean {
    if (typeof value === "object" && value !== null) {
        return !pulumi.runtime.isRpcSecret(value) && Object.values(value).some((part) => shows(part, text));
    }
    return typeof value === "string" && value.includes(text);
}

for (const good of [KIND, CLOUD, METALLB]) {
    for (const controller of ["traefik", "ingress-nginx", "none"]) {
        describe(`every pod of ${good.environment} with controller ${controller}`, () => {
            const interlink = { ...good.interlink, kubeletCertificate: "signed" };
            before(() => deployed({ ...good, ...SITE, controller, interlink }));

            it("is restricted, but for the ports of nodes", () => {
                const found = pods().flatMap(([name, pod]) =>
                    restrictedViolations(pod).map((what) => `${name}: ${what}`),
                );
                const front =
                    controller === "none"
                        ? "my-nginx-kubernetes-api-deployment: nginx"
                        : "my-ingress-nginx-deployment: traefik";
                const taken = good.environment === "kind" && controller !== "ingress-nginx";
                assert.deepEqual(found, taken ? [`${front} takes ports of the node`] : []);
                assert.ok(pods().some(([name]) => name === "interlink-approver"));
            });

            it("writes nothing into its image, and has a token only where it has an account of its own", () => {
                for (const [name, pod] of pods()) {
                    assert.ok(
                        pod.containers.every(({ securityContext }) => securityContext?.readOnlyRootFilesystem),
                        name,
                    );
                    const { automountServiceAccountToken: token = true, serviceAccountName: account } = pod;
                    assert.equal(token, account !== undefined && account !== "default", name);
                }
            });

            it("is in a namespace that admits it, as strict as it can be", () => {
                assert.deepEqual(levels(), {
                    namespace: good.environment === "kind" ? "privileged" : "restricted",
                    "ingress-nginx-internal-root-ca-cert-manager-namespace": "restricted",
                    "interlink-namespace": "restricted",
                    ...(good.environment === "metallb" ? { "metallb-namespace": "privileged" } : {}),
                });
            });

            it("asks for CPU and memory, and has limits of both, as a quota demands", () => {
                for (const [name, pod] of pods()) {
                    for (const { resources } of pod.containers) {
                        assert.deepEqual(Object.keys(resources?.requests ?? {}), ["cpu", "memory"], name);
                        assert.deepEqual(Object.keys(resources?.limits ?? {}), ["cpu", "memory"], name);
                    }
                }
            });

            it("runs where the site's pods may run, with images that it may pull from the mirror", () => {
                for (const [name, pod] of pods()) {
                    assert.deepEqual(pod.imagePullSecrets, PULL_SECRET, name);
                    assert.deepEqual(pod.tolerations?.[0], TOLERATION, name);
                    assert.equal(pod.nodeSelector?.["kubernetes.io/arch"], "arm64", name);
                    assert.equal(pod.nodeSelector["kubernetes.io/os"], "linux", name);
                    assert.ok(
                        pod.containers.every(({ image }) => image.startsWith(`${SITE.mirror.registry}/`)),
                        name,
                    );
                }
            });

            it("finds the login in its namespace, and nobody sees it", () => {
                const namespaces = recordedResources()
                    .filter(({ type }) => type === "kubernetes:core/v1:Namespace")
                    .map(({ name }) => input(name, "metadata", "name"));
                const secrets = recordedResources().filter(({ name }) => name.endsWith("-pull-secret"));
                assert.deepEqual(
                    secrets.map(({ name }) => input(name, "metadata", "namespace")).sort(),
                    namespaces.sort(),
                );
                for (const { inputs } of secrets) {
                    assert.ok(pulumi.runtime.isRpcSecret(inputs.stringData));
                    const data = plain(inputs.stringData) as Record<string, string>;
                    assert.deepEqual(JSON.parse(data[".dockerconfigjson"] ?? ""), {
                        auths: {
                            "mirror.site.example:5000": {
                                username: "puller",
                                password: PASSWORD,
                                auth: Buffer.from(`puller:${PASSWORD}`).toString("base64"),
                            },
                        },
                    });
                }
                assert.ok(!recordedResources().some(({ inputs }) => shows(inputs, PASSWORD)));
            });
        });
    }
}

describe("charts of a closed site with a login", () => {
    const CERT_MANAGER = "ingress-nginx-internal-root-ca-cert-manager";
    type Values = Readonly<Record<string, Record<string, object>>>;

    before(() => deployed({ ...METALLB, ...SITE, controller: "ingress-nginx" }));

    for (const name of [CERT_MANAGER, "my-ingress-nginx-chart", "metallb-chart", "interlink-chart"]) {
        it(`log in for ${name}`, () => {
            const { chart, repositoryOpts } = release(name);
            assert.ok((chart as string).startsWith("oci://mirror.site.example:5000/charts/"));
            const { username, password } = repositoryOpts as Record<string, unknown>;
            assert.deepEqual({ username, password }, { username: "puller", password: PASSWORD });
        });
    }

    it("give their pods the Secret, tolerations and nodes, requests and limits", () => {
        const certManager = release(CERT_MANAGER).values as Values;
        const ingressNginx = release("my-ingress-nginx-chart").values as Values;
        const metalLB = release("metallb-chart").values as Values;
        const { webhook, cainjector, startupapicheck } = certManager;
        const { controller, speaker } = metalLB;
        for (const part of [
            certManager,
            webhook,
            cainjector,
            startupapicheck,
            ingressNginx.controller,
            controller,
            speaker,
        ]) {
            const { nodeSelector, tolerations, resources } = part as Values;
            assert.deepEqual(nodeSelector, { "kubernetes.io/os": "linux", ...NODES });
            assert.deepEqual(tolerations, [TOLERATION]);
            assert.deepEqual(Object.keys(resources?.requests ?? {}), ["cpu", "memory"]);
            assert.deepEqual(Object.keys(resources?.limits ?? {}), ["cpu", "memory"]);
        }
        for (const { imagePullSecrets } of [certManager.global ?? {}, ingressNginx, metalLB]) {
            assert.deepEqual(imagePullSecrets, PULL_SECRET);
        }
    });

    it("do not show the login to other registries", async () => {
        const interlink = { ...KIND.interlink, chart: "oci://ghcr.example/interlink" };
        await deployed({ ...KIND, registryLogins: SITE.registryLogins, interlink });
        assert.deepEqual(release("interlink-chart").repositoryOpts, {});
    });

    it("take the CA of their registry", async () => {
        await deployed({ ...KIND, ...SITE, mirror: { ...SITE.mirror, chartsCa: __filename } });
        const { caFile } = release(CERT_MANAGER).repositoryOpts as Record<string, unknown>;
        assert.equal(caFile, __filename);
        assert.ok("caFile" in (release("interlink-chart").repositoryOpts as object));
    });

    it("need the login beside the CA", () => {
        const { charts } = SITE.mirror;
        assert.throws(() => parseSettings({ ...KIND, mirror: { charts, chartsCa: __filename } }), {
            message: `interlink-kube-api:mirror.chartsCa: ${JSON.stringify(__filename)} is not allowed; give a login for mirror.site.example:5000 in registryLogins too, without which Pulumi's Helm release leaves the CA out, or make the machine trust the CA instead.`,
        });
    });

    /** What a recorded Helm resource is given, secrets unwrapped. */
    function release(name: string): Readonly<Record<string, unknown>> {
        const { inputs } = find(name);
        const options = plain(inputs.helmOptions ?? inputs) as Record<string, unknown>;
        return { ...options, repositoryOpts: plain(options.repositoryOpts) };
    }
});

describe("a cluster that assigns user IDs", () => {
    for (const controller of ["traefik", "none"]) {
        it(`finds none in any pod with controller ${controller}`, async () => {
            await deployed({ ...CLOUD, controller, pods: { assignedUserIds: true } });
            assert.ok(!JSON.stringify(pods()).includes("runAs" + "User"));
            assert.deepEqual(
                pods().flatMap(([, pod]) => restrictedViolations(pod)),
                [],
            );
        });
    }

    it("is not taken for granted: images without a user get one", async () => {
        await deployed({ ...CLOUD, controller: "traefik" });
        const users = pods().map(([name, { securityContext }]) => [name, securityContext?.runAsUser]);
        assert.deepEqual(Object.fromEntries(users), {
            "my-ingress-nginx-deployment": 65532,
            "my-nginx-kubernetes-api-deployment": undefined,
            "interlink-ready": 65532,
        });
    });
});

describe("a site whose pods tolerate every taint, also that of the virtual node", () => {
    it("runs none there nor on Windows, by the label of nodes that those have otherwise", async () => {
        for (const controller of ["traefik", "none"]) {
            await deployed({ ...KIND, controller, pods: { tolerations: [{ operator: "Exists" }] } });
            assert.ok(pods().length > 1);
            for (const [name, { nodeSelector, tolerations }] of pods()) {
                assert.deepEqual(tolerations?.[0], { operator: "Exists" }, name);
                assert.equal(nodeSelector?.["kubernetes.io/os"], "linux", name);
            }
        }
        // The virtual kubelet gives its node another value.
        const labels = input("interlink-node", "metadata", "labels") as Record<string, string>;
        assert.ok(!("kubernetes.io/os" in labels));
    });
});

describe("a cluster that asks for no login", () => {
    it("gets no Secret, and pods without tolerations", async () => {
        await deployed(CLOUD);
        assert.ok(!recordedResources().some(({ name }) => name.endsWith("-pull-secret")));
        for (const [, pod] of pods()) {
            assert.equal(pod.imagePullSecrets, undefined);
            assert.equal(pod.tolerations, undefined);
        }
    });
});
