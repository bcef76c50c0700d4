import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { mock } from "node:test";
import * as pulumi from "@pulumi/pulumi";
import { InterlinkRelease, InterlinkReleaseArgs, InterlinkTls } from "../../../components/interlinkRelease";
import { RELEASE } from "../support/arguments";
import { certificateFor } from "../support/fakeCluster";
import { find, input, record, registered, settled } from "../support/mocks";

describe("the way to InterLink's API", () => {
    const { cert, key } = certificateFor("IP:127.0.0.1");
    const insecure = "interlink.tls.insecure is true: nothing verifies the InterLink API server at ";
    let warnings: string[];

    beforeEach(async () => {
        warnings = [];
        mock.method(console, "warn", (text: string) => void warnings.push(text));
        await record();
    });
    afterEach(() => mock.restoreAll());

    async function release(tls: InterlinkTls | undefined, address = "https://10.9.9.9"): Promise<void> {
        const args: InterlinkReleaseArgs = { ...RELEASE, interlink: { address, port: 3000, tls } };
        await settled(new InterlinkRelease("interlink", args));
    }
    const values = (...path: string[]) => input("interlink-chart", "values", ...path);
    const secrets = () => registered().filter((entry) => entry.includes("Secret "));

    it("is verified by default, by the roots of the image, which a warning tells of", async () => {
        await release(undefined);
        assert.deepEqual(values("virtualNode", "HTTP"), { insecure: false, CACert: "" });
        assert.deepEqual(values("interlink", "tls"), { enabled: false, certFile: "", keyFile: "", caCertFile: "" });
        assert.deepEqual(secrets(), []);
        assert.match(warnings.join("\n"), /interlink\.tls\.ca is missing: .* https:\/\/10\.9\.9\.9 /);
    });

    it("is verified by a CA: PEM for requests, DER for logs", async () => {
        await release({ ca: cert });
        const directory = "/etc/vk/certs";
        assert.deepEqual(values("virtualNode", "HTTP"), { insecure: false, CACert: `${directory}/ca.der` });
        assert.deepEqual(values("interlink", "tls"), {
            enabled: true,
            certFile: "",
            keyFile: "",
            caCertFile: `${directory}/ca.crt`,
        });
        assert.equal(input("interlink-tls-certs", "metadata", "name"), "node-tls-certs");
        const data = pulumi.runtime.unwrapRpcSecret(input("interlink-tls-certs", "data")) as Record<string, string>;
        assert.deepEqual(Object.keys(data), ["ca.crt", "ca.der"]);
        assert.equal(Buffer.from(data["ca.crt"] ?? "", "base64").toString(), cert);
        assert.deepEqual(Buffer.from(data["ca.der"] ?? "", "base64"), new X509Certificate(cert).raw);
        assert.deepEqual(warnings, []);
    });

    it("shows a certificate for mutual TLS, and its key is a secret", async () => {
        await release({ ca: cert, cert, key });
        assert.deepEqual(values("interlink", "tls"), {
            enabled: true,
            certFile: "/etc/vk/certs/tls.crt",
            keyFile: "/etc/vk/certs/tls.key",
            caCertFile: "/etc/vk/certs/ca.crt",
        });
        const { inputs } = find("interlink-tls-certs");
        const shown = JSON.stringify(inputs, (_, value: unknown) =>
            pulumi.runtime.isRpcSecret(value) ? "[secret]" : value,
        );
        assert.ok(!shown.includes(Buffer.from(key).toString("base64")), shown);
        assert.ok(JSON.stringify(inputs).includes(Buffer.from(key).toString("base64")));
    });

    for (const address of ["https://10.9.9.9", "http://10.9.9.9"]) {
        it(`goes unverified to ${address} where somebody said so, with a warning in each run`, async () => {
            await release({ insecure: true }, address);
            assert.deepEqual(values("virtualNode", "HTTP"), { insecure: true, CACert: "" });
            assert.deepEqual(secrets(), []);
            assert.ok(
                warnings.some((text) => text.includes(`${insecure}${address},`)),
                warnings.join("\n"),
            );
        });
    }

    it("sends OAUTH's secrets in clear text only where somebody said so", async () => {
        const oauth = (TokenURL: string, enabled = true) => ({ OAUTH: { enabled, TokenURL, ClientSecret: "s3cret" } });
        const released = (values: object, insecure = false) => {
            const interlink = { address: "https://10.9.9.9", port: 3000, tls: insecure ? { insecure } : { ca: cert } };
            const args = { ...RELEASE, interlink, values: pulumi.secret(values as Record<string, unknown>) };
            // An Output that fails rejects this.
            return pulumi.isSecret(new InterlinkRelease("interlink", args).nodeName);
        };
        await assert.rejects(released(oauth("http://iam.site.example/token")), {
            message:
                /values\.OAUTH\.TokenURL: "\[secret\]" is not allowed; give an https:\/\/ URL, or set interlink\.tls\.insecure: true, since secrets go there in clear text\.$/,
        });
        for (const [values, insecure] of [
            [oauth("https://iam.site.example/token"), false],
            [oauth("http://iam.site.example/token", false), false],
            [oauth("http://iam.site.example/token"), true],
        ] as const) {
            await record();
            await released(values, insecure);
        }
    });

    it("is either verified or not, and has a certificate and its key", () => {
        for (const [tls, says] of [
            [{ insecure: true, ca: cert }, /interlink\.tls\.insecure: true is not allowed; give false, or neither/],
            [{ cert }, /interlink\.tls: "\[secret\]" is not allowed; give cert and key together\.$/],
            [{ key }, /interlink\.tls: "\[secret\]" is not allowed; give cert and key together\.$/],
        ] as const) {
            assert.throws(
                () => new InterlinkRelease("bad", { ...RELEASE, interlink: { address: "https://a", port: 1, tls } }),
                says,
            );
        }
    });
});
