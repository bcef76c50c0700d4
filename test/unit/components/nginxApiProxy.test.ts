import assert from "node:assert/strict";
import { NginxApiProxy } from "../../../components/nginxApiProxy";
import { nginxConfiguration } from "../../../components/nginxApiProxy/configuration";
import { HOST_PORTS, NAMESPACE, PROXY } from "../support/arguments";
import { hostPortsOf, input, record, registered, settled, valueOf } from "../support/mocks";

describe("NginxApiProxy", () => {
    beforeEach(() => record());

    const args = PROXY;

    it("makes a verified TLS proxy of two pods", async () => {
        const proxy = new NginxApiProxy("proxy", args);
        await settled(proxy);
        assert.equal(input("proxy-deployment", "spec", "replicas"), 2);
        assert.deepEqual(input("proxy-certificate", "spec", "dnsNames"), [`proxy.${NAMESPACE}.svc`]);
        assert.equal(input("proxy-service", "spec", "ports", 0, "port"), 60443);
        assert.equal(await valueOf(proxy.serverName), `proxy.${NAMESPACE}.svc`);
        const configuration = input("proxy-configuration", "data", "nginx.conf") as string;
        assert.match(configuration, /proxy_ssl_verify on;/);
        assert.match(configuration, /listen 60443 ssl;/);
        assert.equal(input("proxy-deployment", "spec", "template", "spec", "automountServiceAccountToken"), false);
    });

    it("keeps the paths that kubectl needs, and no others", () => {
        const text = nginxConfiguration({
            port: 60443,
            healthPort: 8081,
            paths: ["/api", "/.well-known"],
            readTimeoutSeconds: 14400,
            maxBodySize: "3m",
            certificateDirectory: "/tls",
            apiServerCaFile: "/ca.crt",
            shutdownSeconds: 300,
        });
        const pattern = new RegExp(/location ~ (\S+) \{/.exec(text)?.[1] ?? "$^");
        assert.ok(["/api", "/api/v1/pods", "/.well-known/openid-configuration"].every((path) => pattern.test(path)));
        assert.ok(!["/", "/apix", "/metrics", "/xwell-known", "/v1/api"].some((path) => pattern.test(path)));
    });

    it("serves clients outside with the certificate that it is given, and redirects plain HTTP", async () => {
        const clients = { type: "outside", tlsSecretName: "leaf", port: 443, hostPorts: HOST_PORTS } as const;
        await settled(new NginxApiProxy("proxy", { ...PROXY, clients }));
        assert.ok(!registered().some((entry) => entry.includes("Certificate")));
        assert.equal(input("proxy-deployment", "spec", "replicas"), 1);
        const pod = ["spec", "template", "spec"];
        assert.deepEqual(input("proxy-deployment", ...pod, "nodeSelector"), HOST_PORTS.nodeSelector);
        assert.deepEqual(hostPortsOf("proxy-deployment"), [6080, 60443, undefined]);
        assert.equal(input("proxy-deployment", ...pod, "volumes", 1, "secret", "secretName"), "leaf");
        const configuration = input("proxy-configuration", "data", "nginx.conf") as string;
        assert.match(configuration, /listen 6080;\n +return 308 https:\/\/\$host:443\$request_uri;/);
    });

    for (const replicas of [-1, 1.5, NaN]) {
        it(`refuses ${replicas} replicas before anything is made`, () => {
            assert.throws(() => new NginxApiProxy("proxy", { ...args, replicas }), {
                message: `replicas: ${JSON.stringify(replicas)} is not allowed; give a whole number of zero or more.`,
            });
            assert.deepEqual(
                registered().filter((entry) => entry.startsWith("kubernetes:")),
                [],
            );
        });
    }
});
