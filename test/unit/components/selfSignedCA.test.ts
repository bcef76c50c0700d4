import assert from "node:assert/strict";
import { SelfSignedCA } from "../../../components/selfSignedCA";
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
