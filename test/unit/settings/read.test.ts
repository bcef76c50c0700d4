import assert from "node:assert/strict";
import { createPrivateKey, X509Certificate } from "node:crypto";
import { mock } from "node:test";
import { loadSettings, parseSettings } from "../../../settings/read";
import * as pulumi from "@pulumi/pulumi";
import { BAD_SETTINGS, EXTERNAL, KIND, METALLB } from "../support/badSettings";
import { certificateFor } from "../support/fakeCluster";
import { exampleSettings } from "../support/generated";
import { CA_PEM, isSecret, record, valueOf } from "../support/mocks";

describe("settings", () => {
    it("have defaults that are the guide's", () => {
        const settings = parseSettings(KIND);
        assert.ok(settings.environment === "kind");
        assert.deepEqual(settings.ports, { http: 6080, https: 60443 });
        assert.equal(settings.namespace, "ingress-nginx-internal");
        assert.equal(settings.ingressClassName, "nginx-internal");
        assert.equal(settings.interlink?.nodeName, "interlink-slurm-node");
        assert.equal(settings.certManager.install, true);
    });

    for (const environment of ["kind", "cloud", "metallb", "external"]) {
        it(`of the example Pulumi.${environment}.yaml are right`, () => {
            assert.equal(parseSettings(exampleSettings(environment)).environment, environment);
        });
    }

    describe("for InterLink's API", () => {
        const [one, other] = [certificateFor("IP:127.0.0.1"), certificateFor("IP:127.0.0.1")];
        const parsed = (address: string, tls: object) => {
            const { interlink } = parseSettings({ ...KIND, interlink: { address, port: 3000, tls } });
            return interlink?.mode === "in-cluster" ? undefined : interlink?.tls;
        };

        const encrypted = (key: string) =>
            createPrivateKey(key).export({ type: "pkcs8", format: "pem", cipher: "aes-256-cbc", passphrase: "s3cret" });

        it("take one certificate that verifies it, a certificate with its key, and http:// where somebody said so", () => {
            const { cert, key } = one;
            assert.deepEqual(parsed("https://a", { ca: cert, cert, key }), { ca: cert, cert, key, insecure: false });
            assert.deepEqual(parsed("http://a", { insecure: true }), { insecure: true });
            assert.deepEqual(parsed("http://localhost", {}), { insecure: false });
        });

        describe("whose certificates have ended", () => {
            const end = new X509Certificate(one.cert).validTo;
            const says = (key: string) =>
                `interlink-kube-api:${key}: "[secret]" is not allowed; give one that is still valid, since this one ended on ${new Date(end).toISOString().slice(0, 10)}.`;

            beforeEach(() => mock.timers.enable({ apis: ["Date"], now: Date.parse(end) + 1000 }));
            afterEach(() => mock.timers.reset());

            it("refuse them before anything meets them", () => {
                const { cert, key } = one;
                assert.throws(() => parsed("https://a", { ca: cert, cert: cert + CA_PEM, key }), {
                    message: `${says("interlink.tls.ca")}\n${says("interlink.tls.cert")}`,
                });
                assert.throws(() => parseSettings({ ...EXTERNAL, api: { ...EXTERNAL.api, caCertificate: cert } }), {
                    message: says("api.caCertificate"),
                });
            });

            it("take one that has ended beside one that has not, as in a rotation", () => {
                parseSettings({ ...EXTERNAL, api: { ...EXTERNAL.api, caCertificate: one.cert + CA_PEM } });
            });
        });

        it("take its host as Go does", () => {
            for (const host of ["[fd00::9]", "Edge.Site.Example", "edge.site.example.", "slurm_edge"]) {
                assert.doesNotThrow(() => parsed(`https://${host}`, {}), host);
            }
        });

        for (const [what, tls, says] of [
            [
                "two certificates",
                { ca: one.cert + other.cert },
                'ca: "[secret]" is not allowed; give one certificate, PEM.',
            ],
            ["no key", { cert: one.cert }, 'cert: "[secret]" is not allowed; give cert and key, or neither.'],
            ["no certificate", { key: one.key }, 'key: "[secret]" is not allowed; give cert and key, or neither.'],
            [
                "another's key",
                { cert: one.cert, key: other.key },
                'key: "[secret]" is not allowed; give the private key of interlink.tls.cert.',
            ],
            [
                "a chain that begins with its CA",
                { cert: other.cert + one.cert, key: one.key },
                'key: "[secret]" is not allowed; give the private key of the first certificate of interlink.tls.cert.',
            ],
            [
                "a key with a password",
                { cert: one.cert, key: encrypted(one.key) },
                'key: "[secret]" is not allowed; give a private key, PEM, without a password.',
            ],
            [
                "a CA for nothing",
                { ca: one.cert, insecure: true },
                "insecure: true is not allowed; give false, or neither ca, cert nor key, which verify.",
            ],
        ] as const) {
            it(`refuse ${what}, and show none of it`, () => {
                assert.throws(() => parsed("https://a", tls), {
                    message: `interlink-kube-api:interlink.tls.${says}`,
                });
            });
        }
    });

    for (const { good, change, says } of BAD_SETTINGS) {
        it(says.join(" "), () => {
            const changed = Object.entries({ ...good, ...change }).filter(([, value]) => value !== undefined);
            assert.throws(() => parseSettings(Object.fromEntries(changed)), {
                message: says.map((sentence) => `interlink-kube-api:${sentence}`).join("\n"),
            });
        });
    }

    for (const kubeconfig of ['{"clusters": []}', '{"token": "very-secret']) {
        it(`take a kubeconfig as the text that it is: ${kubeconfig}`, async () => {
            await record();
            const config = {
                environment: "kind",
                address: "10.1.2.3",
                interlink: JSON.stringify(KIND.interlink),
                kubeconfig,
                context: "site",
            };
            const entries = Object.entries(config).map(([key, value]) => [`interlink-kube-api:${key}`, value]);
            pulumi.runtime.setAllConfig(Object.fromEntries(entries) as Record<string, string>);
            try {
                const settings = loadSettings();
                assert.equal(settings.kubeconfig, kubeconfig);
                assert.equal(settings.context, "site");
            } finally {
                pulumi.runtime.setAllConfig({});
            }
        });
    }
});

describe("settings of a stack", () => {
    const SITES = { north: { ...KIND.interlink, values: { OAUTH: { ClientSecret: "s3cret" } } } };

    /** Loads settings that Pulumi hands over: objects as JSON, everything else as text. */
    async function loaded(settings: Readonly<Record<string, unknown>>) {
        await record();
        pulumi.runtime.setAllConfig(
            Object.fromEntries(
                Object.entries(settings).map(([key, value]) => [
                    `interlink-kube-api:${key}`,
                    typeof value === "string" ? value : JSON.stringify(value),
                ]),
            ),
        );
        return loadSettings();
    }

    afterEach(() => pulumi.runtime.setAllConfig({}));

    it("have an IPv6 address as certificates, Kubernetes and URLs write it", () => {
        for (const [good, change, path] of [
            [KIND, { address: "FD00:0:0::10" }, ["address"]],
            [METALLB, { address: "FD00::0010", metallb: { install: false } }, ["address"]],
            [EXTERNAL, { api: { address: "FD00:0::10", port: 443 } }, ["api", "address"]],
        ] as const) {
            const parsed: unknown = parseSettings({ ...good, ...change });
            const address = path.reduce((part, step) => (part as Record<string, unknown>)[step], parsed);
            assert.equal(address, "fd00::10");
        }
        const { interlink } = parseSettings({
            ...KIND,
            interlink: { ...KIND.interlink, address: "https://[FD00::10]" },
        });
        assert.ok(interlink !== undefined && "address" in interlink);
    });

    it("may begin as JSON does and be none: an IPv6 address in brackets is refused in one sentence", async () => {
        await assert.rejects(loaded({ ...KIND, address: "[fd00::10]" }), {
            message: 'interlink-kube-api:address: "[fd00::10]" is not allowed; give an IP address or a DNS name.',
        });
        assert.equal((await loaded({ ...KIND, context: "[prod" })).context, "[prod");
    });

    it("never show a secret that is no JSON", async () => {
        const bad = '{"OAUTH": {"ClientSecret": "s3cret"}';
        for (const [setting, allowed] of [
            ["interlinkValues", "an object of chart values"],
            ["registryLogins", "an object of logins by their registries"],
        ] as const) {
            for (const value of [bad, "s3cret", '["s3cret"]']) {
                await assert.rejects(loaded({ ...KIND, [setting]: value }), {
                    message: `interlink-kube-api:${setting}: "[secret]" is not allowed; give ${allowed}.`,
                });
            }
        }
    });

    it("have the values of a site as a secret", async () => {
        const { environment, address } = KIND;
        const { sites } = await loaded({ environment, address, sites: SITES });
        const values = sites?.north?.values;
        assert.ok(values !== undefined && (await isSecret(values)));
        assert.deepEqual(await valueOf(values), { OAUTH: { ClientSecret: "s3cret" } });
        assert.ok(!JSON.stringify(sites).includes("s3cret"));
    });

    it("take the empty text for none, which Pulumi.yaml gives to what has no default", async () => {
        const settings = await loaded({ ...KIND, kubeconfig: "", sites: "", interlinkValues: "", loadBalancer: "" });
        assert.deepEqual(settings, { ...parseSettings(KIND), interlinkValues: undefined });
    });

    it("have interlinkValues beside interlink alone", async () => {
        const interlinkValues = { OAUTH: { ClientSecret: "s3cret" } };
        const { environment, address } = KIND;
        const settings = await loaded({ ...KIND, interlinkValues });
        assert.ok(settings.interlinkValues !== undefined && (await isSecret(settings.interlinkValues)));
        await assert.rejects(loaded({ environment, address, sites: SITES, interlinkValues }), {
            message:
                "interlink-kube-api:interlinkValues is for interlink alone; " +
                "give the values of each site as sites.<name>.values.",
        });
    });
});
