import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { parse } from "yaml";
import { InternalIngressController } from "../../components/internalIngressController";
import { NginxApiProxy } from "../../components/nginxApiProxy";
import { NAMESPACE, PORTS, PROXY } from "./support/arguments";
import { metricsOf, QUERIES } from "./support/queries";
import { input, record, registered, settled } from "./support/mocks";

/** Of programs that are not ours, as they were read from the versions in README.md's table. */
const THEIRS = [
    "certmanager_certificate_expiration_timestamp_seconds",
    "traefik_open_connections",
    "traefik_tls_certs_not_after",
];
const METRICS = { image: "mtail:3", podMonitor: true };
const CONTAINERS = ["spec", "template", "spec", "containers"];

describe("metrics", () => {
    beforeEach(() => record());

    it("have every name that an alert or the dashboard asks for, and nobody counts what is not asked for", async () => {
        await settled(new NginxApiProxy("proxy", { ...PROXY, metrics: METRICS }));
        const ours = [
            ...data("nginx.conf").matchAll(/# TYPE (\w+) gauge/g),
            ...data("requests.mtail").matchAll(/^(?:counter|histogram) (\w+) /gm),
        ].map(([, name = ""]) => name);
        const asked = new Set(QUERIES.flatMap(metricsOf).map((name) => name.replace(/_bucket$/, "")));
        assert.deepEqual(
            [...asked].filter((name) => !ours.includes(name) && !THEIRS.includes(name)),
            [],
        );
        const unasked = [...ours, ...THEIRS].filter((name) => !asked.has(name));
        // Parts of nginx's own page.
        assert.deepEqual(unasked, ["nginx_connections_reading", "nginx_connections_waiting"]);
    });

    it("are made only where they are wanted", async () => {
        await settled(new NginxApiProxy("proxy", PROXY));
        assert.equal((input("proxy-deployment", ...CONTAINERS) as unknown[]).length, 1);
        assert.doesNotMatch(data("nginx.conf"), /metrics|requests\.log/);
        assert.doesNotMatch(data("start.sh"), /requests\.log/);
        assert.ok(!registered().some((entry) => entry.includes("PodMonitor")));
    });

    it("come from a line for each request, which mtail reads and the start script keeps short", async () => {
        await settled(new NginxApiProxy("proxy", { ...PROXY, metrics: METRICS }));
        const log = /access_log (\S+) request /.exec(data("nginx.conf"))?.[1] ?? "none";
        assert.ok((input("proxy-deployment", ...CONTAINERS, 1, "command") as string[]).includes(`--logs=${log}`));
        assert.ok(data("start.sh").includes(`: >${log}\n`));
        assert.equal(input("proxy-deployment", ...CONTAINERS, 1, "securityContext", "runAsUser"), 65532);
        const patterns = [...data("requests.mtail").matchAll(/^\/(.*)\/ \{$/gm)].map(
            ([, pattern = ""]) => new RegExp(pattern.replaceAll("?P<", "?<")),
        );
        const matches = (line: string) => patterns.map((pattern) => pattern.exec(line)?.groups ?? null);
        const plain = (line: string) => JSON.parse(JSON.stringify(matches(line))) as unknown;
        assert.deepEqual(plain("200 0.004"), [{ status: "200", seconds: "0.004" }, null]);
        assert.deepEqual(plain("200 -, 0.020"), [{ status: "200", seconds: "0.020" }, null]);
        assert.deepEqual(plain("429 -"), [null, { status: "429" }]);
        assert.deepEqual(plain("502 -, -"), [null, { status: "502" }]);
    });

    it("are told to the Prometheus operator at ports that the pods have", async () => {
        await settled(new NginxApiProxy("proxy", { ...PROXY, metrics: METRICS }));
        const ports = [0, 1].flatMap((at) => input("proxy-deployment", ...CONTAINERS, at, "ports") as Port[]);
        for (const { port, path } of input("proxy-pod-monitor", "spec", "podMetricsEndpoints") as Endpoint[]) {
            assert.ok(ports.some(({ name }) => name === port));
            assert.equal(path, "/metrics");
        }
        assert.deepEqual(
            input("proxy-pod-monitor", "spec", "selector", "matchLabels"),
            input("proxy-deployment", "spec", "template", "metadata", "labels"),
        );
    });

    it("are let out to pods of the cluster, and only where they are made", async () => {
        const pods = { networkPolicies: { apiServerPorts: [443] } };
        await settled(new NginxApiProxy("proxy", { ...PROXY, pods, metrics: METRICS }));
        assert.deepEqual(input("proxy-network-policy", "spec", "ingress", 1), {
            from: [{ namespaceSelector: {} }],
            ports: [8081, 8082].map((port) => ({ protocol: "TCP", port })),
        });
        await settled(new NginxApiProxy("quiet", { ...PROXY, pods }));
        assert.equal((input("quiet-network-policy", "spec", "ingress") as unknown[]).length, 1);
    });

    it("are the controllers' own where there is one", async () => {
        const args = {
            namespace: NAMESPACE,
            ingressClassName: "class",
            address: "10.1.2.3",
            ports: PORTS,
            outsidePort: 60443,
            defaultCertificateSecretName: "leaf",
            metrics: { podMonitor: true },
        };
        const chart = { type: "ingress-nginx", chartVersion: "4.11.0", image: "controller:v1" } as const;
        const image = { type: "traefik", image: "traefik:3" } as const;
        await settled(new InternalIngressController("traefik", { ...args, software: image }));
        await settled(new InternalIngressController("nginx", { ...args, software: chart }));
        const flags = input("traefik-deployment", ...CONTAINERS, 0, "args") as string[];
        assert.ok(flags.includes("--metrics.prometheus=true"));
        assert.equal(input("nginx-chart", "values", "controller", "metrics", "enabled"), true);
        assert.equal(input("traefik-pod-monitor", "spec", "podMetricsEndpoints", 0, "port"), "health");
        assert.equal(input("nginx-pod-monitor", "spec", "podMetricsEndpoints", 0, "port"), "metrics");
    });

    it("make six alerts, each with a severity and words of its own", () => {
        const { groups } = parse(readFileSync("monitoring/alerts.yaml", "utf8")) as { groups: [{ rules: Rule[] }] };
        const { rules } = groups[0];
        assert.equal(new Set(rules.map(({ alert }) => alert)).size, 6);
        for (const { labels, annotations } of rules) {
            assert.ok(["critical", "warning"].includes(labels.severity));
            assert.ok(annotations.summary.length > 0 && annotations.description.length > 0);
        }
    });
});

interface Port {
    readonly name: string;
}

interface Endpoint {
    readonly port: string;
    readonly path: string;
}

interface Rule {
    readonly alert: string;
    readonly labels: { readonly severity: string };
    readonly annotations: { readonly summary: string; readonly description: string };
}

/** A file of the proxy's ConfigMap. */
function data(file: string): string {
    return input("proxy-configuration", "data", file) as string;
}
