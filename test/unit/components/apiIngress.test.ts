import assert from "node:assert/strict";
import { ApiIngress, ApiIngressArgs } from "../../../components/apiIngress";
import { ISSUER, NAMESPACE } from "../support/arguments";
import { CA_PEM, input, record, registered, settled, valueOf } from "../support/mocks";

describe("ApiIngress", () => {
    beforeEach(() => record());

    const args: ApiIngressArgs = {
        namespace: NAMESPACE,
        address: "10.1.2.3",
        port: 60443,
        issuerRef: ISSUER,
        route: {
            ingressClassName: "nginx-internal",
            serviceName: "proxy",
            servicePort: 60443,
            serverName: "proxy.svc",
            caCertificate: CA_PEM,
            paths: ["/api", "/apis"],
        },
        tlsSecretName: "leaf",
    };

    it("has a certificate for an IP address, and rules without a host", async () => {
        const ingress = new ApiIngress("ingress", args);
        await settled(ingress);
        assert.deepEqual(input("ingress-certificate", "spec", "ipAddresses"), ["10.1.2.3"]);
        assert.equal(input("ingress-certificate", "spec", "renewBefore"), "720h0m0s");
        assert.equal(input("ingress-ingress", "spec", "rules", 0, "host"), undefined);
        assert.equal(await valueOf(ingress.url), "https://10.1.2.3:60443");
    });

    it("has a certificate and a host for a DNS name, and brackets for IPv6", async () => {
        await settled(new ApiIngress("name", { ...args, address: "api.site.example" }));
        assert.deepEqual(input("name-certificate", "spec", "dnsNames"), ["api.site.example"]);
        assert.equal(input("name-ingress", "spec", "rules", 0, "host"), "api.site.example");
        const six = new ApiIngress("six", { ...args, address: "fd00::1" });
        assert.equal(await valueOf(six.url), "https://[fd00::1]:60443");
    });

    for (const address of ["10.1.2.3", "fd00::1"]) {
        it(`names no host in the Ingress for ${address}, which the API server refuses there`, async () => {
            await settled(new ApiIngress("ingress", { ...args, address }));
            assert.equal(input("ingress-ingress", "spec", "rules", 0, "host"), undefined);
            assert.deepEqual(input("ingress-ingress", "spec", "tls"), [{ secretName: "leaf" }]);
        });
    }

    it("names a DNS name in the Ingress", async () => {
        await settled(new ApiIngress("ingress", { ...args, address: "api.site.example" }));
        assert.deepEqual(input("ingress-ingress", "spec", "tls"), [
            { hosts: ["api.site.example"], secretName: "leaf" },
        ]);
    });

    it("holds clients to the networks given, by the annotation that both controllers know", async () => {
        const route = { ...args.route!, sourceRanges: ["10.0.0.0/8", "fd00::/8"] };
        await settled(new ApiIngress("ingress", { ...args, route }));
        const annotations = input("ingress-ingress", "metadata", "annotations") as Record<string, string>;
        assert.equal(annotations["nginx.ingress.kubernetes.io/whitelist-source-range"], "10.0.0.0/8,fd00::/8");
    });

    it("lets the controller verify the proxy, and pass what streams or is large", async () => {
        await settled(new ApiIngress("ingress", args));
        assert.deepEqual(input("ingress-ingress", "metadata", "annotations"), {
            "nginx.ingress.kubernetes.io/backend-protocol": "HTTPS",
            "nginx.ingress.kubernetes.io/proxy-ssl-secret": `${NAMESPACE}/ingress-ca`,
            "nginx.ingress.kubernetes.io/proxy-ssl-name": "proxy.svc",
            "nginx.ingress.kubernetes.io/proxy-ssl-verify": "on",
            "nginx.ingress.kubernetes.io/proxy-read-timeout": "14400",
            "nginx.ingress.kubernetes.io/proxy-send-timeout": "14400",
            "nginx.ingress.kubernetes.io/proxy-body-size": "0",
            "nginx.ingress.kubernetes.io/proxy-request-buffering": "off",
        });
        assert.deepEqual(input("ingress-ca", "metadata"), { name: "ingress-ca", namespace: NAMESPACE });
        assert.deepEqual(input("ingress-ca", "stringData", "value"), { "ca.crt": CA_PEM });
    });

    it("is a certificate alone where nothing routes", async () => {
        await settled(new ApiIngress("ingress", { ...args, route: undefined }));
        assert.deepEqual(registered().slice(-1), ["kubernetes:cert-manager.io/v1:Certificate ingress-certificate"]);
    });

    it("refuses a bad address and a short duration, both at once", () => {
        assert.throws(() => new ApiIngress("ingress", { ...args, address: "my_host", duration: "30m" }), {
            message:
                'address: "my_host" is not allowed; give an IP address or a DNS name.\n' +
                'duration: "30m" is not allowed; give a duration of at least 1h, such as 2160h or 90h30m.',
        });
    });
});
