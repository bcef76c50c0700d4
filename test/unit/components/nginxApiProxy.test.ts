import assert from "node:assert/strict";
import { DEFAULT_LIMITS, NginxApiProxy } from "../../../components/nginxApiProxy";
import { nginxConfiguration } from "../../../components/nginxApiProxy/configuration";
import { HOST_PORTS, NAMESPACE, PASSED_THROUGH, PROXY } from "../support/arguments";
import { start } from "../support/nginxStart";
import { hostPortsOf, input, record, registered, SERVICE_IP, settled, valueOf } from "../support/mocks";

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
        assert.equal(await valueOf(proxy.serviceAddress), `${SERVICE_IP}:60443`);
        const configuration = input("proxy-configuration", "data", "nginx.conf") as string;
        assert.match(configuration, /proxy_ssl_verify on;/);
        assert.match(configuration, /listen 60443 ssl /);
        assert.equal(input("proxy-deployment", "spec", "template", "spec", "automountServiceAccountToken"), false);
    });

    it("keeps the paths that kubectl needs, and no others", () => {
        const text = nginxConfiguration({
            port: 60443,
            clients: "controller",
            healthPort: 8081,
            paths: ["/api", "/.well-known"],
            readTimeoutSeconds: 14400,
            maxBodySize: "3m",
            certificateDirectory: "/tls",
            apiServerCaFile: "/ca.crt",
            configurationDirectory: "/conf",
            shutdownSeconds: 300,
            limits: DEFAULT_LIMITS,
            metrics: false,
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
        const nodes = { "kubernetes.io/os": "linux", ...HOST_PORTS.nodeSelector };
        assert.deepEqual(input("proxy-deployment", ...pod, "nodeSelector"), nodes);
        assert.deepEqual(hostPortsOf("proxy-deployment"), [6080, 60443, undefined]);
        assert.equal(input("proxy-deployment", ...pod, "volumes", 1, "secret", "secretName"), "leaf");
        const configuration = input("proxy-configuration", "data", "nginx.conf") as string;
        assert.match(configuration, /listen 6080;\n +return 308 https:\/\/\$host:443\$request_uri;/);
    });

    it("lets clients outside come from the networks given alone, and asks nobody but TCP whose address theirs is", async () => {
        const clients = { type: "outside", tlsSecretName: "leaf", port: 443 } as const;
        const sourceRanges = ["10.0.0.0/8", "fd00::/8"];
        await settled(new NginxApiProxy("proxy", { ...PROXY, clients: { ...clients, sourceRanges } }));
        assert.match(text("proxy"), /allow 10\.0\.0\.0\/8;\n +allow fd00::\/8;\n +deny all;/);
        assert.match(text("proxy"), /proxy_set_header X-Forwarded-For \$remote_addr;/);
        await settled(new NginxApiProxy("everybody", { ...PROXY, clients }));
        assert.doesNotMatch(text("everybody"), /allow|deny/);
        await settled(new NginxApiProxy("behind", PROXY));
        assert.doesNotMatch(text("behind"), /allow|deny|X-Forwarded-For \$/);
        assert.match(text("behind"), /proxy_set_header X-Real-Ip '';/);
    });

    it("has the address's certificate where a controller passes TLS through, and believes it whose connection it is", async () => {
        const { clients } = PASSED_THROUGH;
        const pods = { networkPolicies: { apiServerPorts: [443] } };
        const held = { ...clients, sourceRanges: ["10.0.0.0/8"] };
        await settled(new NginxApiProxy("proxy", { ...PASSED_THROUGH, clients: held, pods }));
        assert.ok(!registered().some((entry) => entry.includes("Certificate")));
        const pod = ["spec", "template", "spec"];
        assert.equal(input("proxy-deployment", ...pod, "volumes", 1, "secret", "secretName"), "leaf");
        assert.deepEqual(hostPortsOf("proxy-deployment"), [undefined, undefined]);
        assert.deepEqual(input("proxy-network-policy", "spec", "ingress"), [
            { from: [{ podSelector: { matchLabels: clients.podLabels } }], ports: [{ protocol: "TCP", port: 60443 }] },
        ]);
        assert.equal(text("proxy").match(/listen \S*60443 ssl proxy_protocol /g)?.length, 2);
        assert.match(text("proxy"), /set_real_ip_from 0\.0\.0\.0\/0;\n +set_real_ip_from ::\/0;/);
        assert.match(text("proxy"), /real_ip_header proxy_protocol;/);
        assert.match(text("proxy"), /proxy_set_header X-Forwarded-For \$remote_addr;/);
        assert.match(text("proxy"), /allow 10\.0\.0\.0\/8;\n +deny all;/);
        assert.doesNotMatch(text("proxy"), /return 308/);
        await settled(new NginxApiProxy("ended", PROXY));
        assert.doesNotMatch(text("ended"), /proxy_protocol|real_ip|keepalive_time /);
    });

    it("keeps connections for more requests than a second of load has, on either side", async () => {
        await settled(new NginxApiProxy("proxy", PROXY));
        assert.equal(text("proxy").match(/keepalive_requests 100000;/g)?.length, 2);
    });

    it("logs the client, whoever hands it on, and no query", async () => {
        await settled(new NginxApiProxy("proxy", PROXY));
        assert.match(text("proxy"), /"client":"\$http_x_forwarded_for"/);
        await settled(
            new NginxApiProxy("front", { ...PROXY, clients: { type: "outside", tlsSecretName: "leaf", port: 443 } }),
        );
        assert.match(text("front"), /"client":"\$remote_addr"/);
        await settled(new NginxApiProxy("behind", PASSED_THROUGH));
        assert.match(text("behind"), /"client":"\$proxy_protocol_addr"/);
        assert.doesNotMatch(
            /log_format[^;]+;/.exec(text("front"))?.[0] ?? "$",
            /request_uri|args|"\$request"|http_auth/,
        );
    });

    it("listens to both address families at every port, and can do without IPv6", async () => {
        const clients = { type: "outside", tlsSecretName: "leaf", port: 443 } as const;
        await settled(new NginxApiProxy("proxy", { ...PROXY, clients }));
        for (const port of [6080, 60443, 8081]) {
            assert.match(text("proxy"), new RegExp(`^ +listen ${port}[ ;]`, "m"));
            assert.match(text("proxy"), new RegExp(`^ +listen \\[::\\]:${port}[ ;]`, "m"));
        }
        const pod = ["spec", "template", "spec", "containers", 0];
        assert.deepEqual(input("proxy-deployment", ...pod, "command"), ["sh", "/etc/nginx/api-proxy/start.sh"]);
        const surroundings = { configuration: text("proxy"), states: [{ authority: "a", address: "10.96.0.1" }] };
        assert.equal(start({ ...surroundings, ipv6: true }).configuration, text("proxy"));
        assert.equal(
            start({ ...surroundings, ipv6: false }).configuration,
            text("proxy").replaceAll(/^ +listen \[::\]:.*\n/gm, ""),
        );
    });

    it("reads all again when the API server's authority or address changes, and only then", () => {
        assert.equal(reloadsIn(["a", "10.96.0.1"], ["a", "10.96.0.1"]), 0);
        assert.equal(reloadsIn(["a", "10.96.0.1"], ["b", "10.96.0.1"], ["b", "10.96.0.1"]), 1);
        assert.equal(reloadsIn(["a", "10.96.0.1"], ["a", "10.96.0.9"], ["b", "10.96.0.9"]), 2);
    });

    it("tries again where nginx could not read what has changed", () => {
        assert.equal(
            reloadsIn(["a", "fd00::1"], ["bad", "fd00::1"], ["bad", "fd00::1"], ["b", "fd00::1"], ["b", "fd00::1"]),
            3,
        );
    });

    it("keeps silent connections known to firewalls, on both legs", async () => {
        await settled(new NginxApiProxy("proxy", PROXY));
        const listening = text("proxy").match(/listen \S*60443 .*/g) ?? [];
        assert.equal(listening.length, 2);
        assert.ok(listening.every((line) => line.endsWith(" so_keepalive=30s:15s:8;")));
        assert.match(text("proxy"), /proxy_socket_keepalive on;/);
        assert.deepEqual(input("proxy-deployment", "spec", "template", "spec", "securityContext", "sysctls"), [
            { name: "net.ipv4.tcp_keepalive_time", value: "30" },
            { name: "net.ipv4.tcp_keepalive_intvl", value: "15" },
            { name: "net.ipv4.tcp_keepalive_probes", value: "8" },
        ]);
    });

    it("passes on the upgrades that Kubernetes knows, and no others", async () => {
        await settled(new NginxApiProxy("proxy", PROXY));
        const [, known = ""] = /map \$http_upgrade \$upgrade_header \{([^}]*)\}/.exec(text("proxy")) ?? [];
        assert.deepEqual(
            known
                .trim()
                .split(/\s*;\s*/)
                .map((line) => line.split(/\s+/)),
            [["default", "''"], ["websocket", "$http_upgrade"], ["SPDY/3.1", "$http_upgrade"], [""]],
        );
        assert.match(text("proxy"), /map \$upgrade_header \$connection_header/);
        assert.match(text("proxy"), /proxy_set_header Upgrade \$upgrade_header;/);
    });

    it("drops no header in silence, and takes no orders from answers", async () => {
        await settled(new NginxApiProxy("proxy", PROXY));
        for (const line of [
            "ignore_invalid_headers off;",
            "underscores_in_headers on;",
            "proxy_redirect off;",
            "proxy_pass_header Date;",
            "proxy_pass_header Server;",
            "proxy_ignore_headers X-Accel-Redirect ",
        ]) {
            assert.ok(text("proxy").includes(` ${line}`), line);
        }
    });

    it("may open as many files as its connections need, and holds them in memory", async () => {
        await settled(new NginxApiProxy("proxy", PROXY));
        const value = (directive: string) =>
            Number(new RegExp(`^ *${directive} (\\d+);`, "m").exec(text("proxy"))?.[1]);
        assert.equal(value("worker_rlimit_nofile"), 2 * value("worker_connections"));
        const streams = (value("worker_connections") / 2) * value("worker_processes");
        const limits = input("proxy-deployment", "spec", "template", "spec", "containers", 0, "resources", "limits");
        const [, gib] = /^(\d+)Gi$/.exec((limits as { memory: string }).memory) ?? [];
        assert.ok(streams * 100 <= Number(gib) * 2 ** 20);
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

/** The configuration of a proxy. */
function text(proxy: string): string {
    return input(`${proxy}-configuration`, "data", "nginx.conf") as string;
}

/** How often nginx is told to read all again, while authority and address are what is given, one after the other. */
function reloadsIn(...states: (readonly [authority: string, address: string])[]): number {
    const { reloads } = start({
        configuration: "",
        ipv6: true,
        states: states.map(([authority, address]) => ({ authority, address })),
    });
    assert.ok(reloads.every((line) => line === "-e /dev/stderr -c nginx.conf -s reload"));
    return reloads.length;
}
