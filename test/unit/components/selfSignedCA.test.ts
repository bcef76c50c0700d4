import assert from "node:assert/strict";
import * as pulumi from "@pulumi/pulumi";
import { Rotation, SelfSignedCA, SelfSignedCAArgs } from "../../../components/selfSignedCA";
import { ISSUER } from "../support/arguments";
import { CA_PEM, input, isSecret, record, registered, settled, valueOf } from "../support/mocks";

describe("SelfSignedCA", () => {
    beforeEach(() => record());

    const certManager = { install: true, namespace: "cert-manager", version: "v1.2.3" } as const;

    it("installs cert-manager and signs with a key that stays in its namespace", async () => {
        const ca = new SelfSignedCA("ca", { certManager, issuerName: "ca" });
        await settled(ca);
        assert.equal(input("ca-cert-manager", "helmOptions", "version"), "v1.2.3");
        assert.equal(input("ca-certificate", "metadata", "namespace"), "cert-manager");
        assert.equal(input("ca-certificate", "spec", "duration"), "876000h0m0s");
        assert.equal(input("ca-certificate", "spec", "privateKey", "rotationPolicy"), "Never");
        assert.deepEqual(await valueOf(ca.issuerRef), { ...ISSUER, name: "ca" });
    });

    it("leaves cert-manager's definitions, and with them others' certificates, when it is removed", async () => {
        await settled(new SelfSignedCA("ca", { certManager, issuerName: "ca" }));
        assert.deepEqual(input("ca-cert-manager", "helmOptions", "values", "crds"), { enabled: true, keep: true });
    });

    it("lets updates of cert-manager too wait until the API server finds its webhook", async () => {
        await settled(new SelfSignedCA("ca", { certManager, issuerName: "ca" }));
        const check = input("ca-cert-manager", "helmOptions", "values", "startupapicheck") as Record<string, object>;
        const hooks = { "helm.sh/hook": "post-install,post-upgrade" };
        assert.deepEqual(
            [check.jobAnnotations, check.rbac, check.serviceAccount],
            [hooks, { annotations: hooks }, { annotations: hooks }],
        );
    });

    it("keeps cert-manager's leases in its own namespace, and other values beside", async () => {
        const values = { global: { logLevel: 4 } };
        const release = { ...certManager, namespace: "cm", values };
        await settled(new SelfSignedCA("ca", { certManager: release, issuerName: "ca" }));
        assert.deepEqual(input("ca-cert-manager", "helmOptions", "values", "global"), {
            leaderElection: { namespace: "cm" },
            logLevel: 4,
        });
    });

    it("hands out the certificate, which is no secret", async () => {
        const ca = new SelfSignedCA("ca", { certManager, issuerName: "ca" });
        assert.equal(await valueOf(ca.caCertificate), CA_PEM);
        assert.equal(await isSecret(ca.caCertificate), false);
    });

    /** The resources of a CA in a step of a rotation, and who of them is protected. */
    async function rotated(generation: number, rotation: Rotation, args: Partial<SelfSignedCAArgs> = {}) {
        const ca = new SelfSignedCA("ca", { certManager, issuerName: "ca", generation, rotation, ...args });
        await settled(ca);
        const made = registered().filter((entry) => /:(Certificate|ClusterIssuer) /.test(entry));
        return { ca, names: made.map((entry) => entry.split(" ")[1]).sort() };
    }

    const FIRST = ["ca-certificate", "ca-issuer"];
    const SECOND = ["ca-g2-certificate", "ca-g2-issuer"];
    const BOTH = [...FIRST, ...SECOND];
    for (const [generation, rotation, made, signs] of [
        [1, "none", FIRST, "ca"],
        [2, "prepare", BOTH, "ca"],
        [2, "complete", BOTH, "ca-g2"],
        [2, "none", SECOND, "ca-g2"],
    ] as const) {
        it(`generation ${generation}, rotation ${rotation}: ${signs} signs, and trusted is what is there`, async () => {
            const { ca, names } = await rotated(generation, rotation);
            assert.deepEqual(names, [...made, "ca-root-issuer"].sort());
            assert.equal((await valueOf(ca.issuerRef)).name, signs);
            assert.equal(await valueOf(ca.caCertificate), CA_PEM.repeat(made.length / 2));
        });
    }

    it("gives each generation a subject and a key of its own", async () => {
        await rotated(3, "complete");
        const of = (key: string) => ["ca-g2-certificate", "ca-g3-certificate"].map((name) => input(name, "spec", key));
        assert.deepEqual(of("secretName"), ["ca-g2-secret", "ca-g3-secret"]);
        assert.deepEqual(of("commonName"), ["ca-g2", "ca-g3"]);
    });

    it("keeps name, key and issuer of the CA when its lifetime changes: what clients hold still verifies", async () => {
        await rotated(1, "none");
        const before = input("ca-certificate", "spec") as object;
        await record();
        await rotated(1, "none", { duration: "87600h" });
        assert.deepEqual(input("ca-certificate", "spec"), { ...before, duration: "87600h0m0s" });
    });

    for (const [rotation, names] of [
        ["prepare", FIRST],
        ["complete", SECOND],
    ] as const) {
        it(`protects in ${rotation} the CA that signs, not the one that the next step may take away`, async () => {
            const found: string[] = [];
            const note = ({ name, opts }: pulumi.ResourceTransformationArgs) => {
                if (opts.protect === true) {
                    found.push(name);
                }
                return undefined;
            };
            const args = { certManager, issuerName: "ca", generation: 2, rotation, protect: true };
            await settled(new SelfSignedCA("ca", args, { transformations: [note] }));
            assert.deepEqual(found.sort(), names);
        });
    }

    it("refuses a rotation to the first generation", async () => {
        await assert.rejects(rotated(1, "prepare"), {
            message: "generation: 1 is not allowed; give 1 or more, in a rotation 2 or more.",
        });
    });

    it("takes the cluster's cert-manager", async () => {
        await settled(new SelfSignedCA("ca", { certManager: { install: false, namespace: "cm" }, issuerName: "ca" }));
        assert.ok(!registered().some((entry) => entry.includes("CertManager") || entry.includes("Namespace")));
        assert.equal(input("ca-certificate", "metadata", "namespace"), "cm");
    });

    for (const [hostNetwork, level] of [
        [false, "restricted"],
        [true, "privileged"],
    ] as const) {
        it(`installs it into a namespace that is ${level}${hostNetwork ? ", where the webhook is on the node's network" : ""}`, async () => {
            const values = { webhook: { hostNetwork } };
            await settled(new SelfSignedCA("ca", { certManager: { ...certManager, values }, issuerName: "ca" }));
            const labels = input("ca-cert-manager-namespace", "metadata", "labels") as Record<string, string>;
            assert.equal(labels["pod-security.kubernetes.io/enforce"], level);
        });
    }

    for (const duration of ["59m", "forever", ""]) {
        it(`refuses a duration of "${duration}"`, () => {
            assert.throws(() => new SelfSignedCA("ca", { certManager, issuerName: "ca", duration }), {
                message: `duration: "${duration}" is not allowed; give a duration of at least 1h, such as 2160h or 90h30m.`,
            });
        });
    }
});
