import assert from "node:assert/strict";
import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { parse } from "yaml";
import { ApiIngress, ApiIngressArgs } from "../../components/apiIngress";
import { kubernetesApiCaCrtValue } from "../../components/interlinkChart";
import { InterlinkRelease, InterlinkReleaseArgs } from "../../components/interlinkRelease";
import { InternalIngressController, InternalIngressControllerArgs } from "../../components/internalIngressController";
import { nginxConfiguration } from "../../components/nginxConfiguration";
import { NginxApiProxy } from "../../components/nginxApiProxy";
import { IssuerRef, SelfSignedCA } from "../../components/selfSignedCA";
import { parseSettings } from "../../config";
import { kindStack } from "../../stacks/kind";
import { CA_PEM, find, input, isSecret, record, registered, settled, valueOf } from "./mocks";

const ISSUER: IssuerRef = { name: "ca", kind: "ClusterIssuer", group: "cert-manager.io" };
const NAMESPACE = "ingress-nginx-internal";

beforeEach(record);

it("every component is the parent of what it makes, by names that begin with its own", async () => {
    const certManager = { install: true, namespace: "cert-manager", version: "v1.2.3" } as const;
    const ca = new SelfSignedCA("ca", { certManager });
    await settled(ca);
    const proxy = new NginxApiProxy("proxy", { namespace: NAMESPACE, image: "nginx:1", issuerRef: ISSUER });
    await settled(proxy);
    const components = ["SelfSignedCA ca", "NginxApiProxy proxy"].map((entry) => `interlink:index:${entry}`);
    const children = registered().filter((entry) => !components.includes(entry));
    assert.ok(children.length > 8);
    for (const child of children) {
        assert.match(child, / (ca|proxy)-/);
    }
    for (const component of [ca, proxy]) {
        const urn = await valueOf(component.urn);
        const names = await childUrns(component);
        assert.ok(
            names.length > 3 && names.every((name) => name.includes(urn.split("::")[2] ?? "?")),
            names.join("\n"),
        );
    }
});

describe("NginxApiProxy", () => {
    const args = { namespace: NAMESPACE, image: "nginx:1", issuerRef: ISSUER };

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

describe("InternalIngressController", () => {
    const args: InternalIngressControllerArgs = {
        controller: "traefik",
        namespace: NAMESPACE,
        image: "traefik:3",
        ingressClassName: "nginx-internal",
        address: "10.1.2.3",
        ports: { http: 6080, https: 60443 },
        nodeSelector: { "ingress-ready": "true" },
        defaultCertificateSecretName: "leaf",
    };

    it("has a class and a controller value of its own", async () => {
        const controller = new InternalIngressController("controller", args);
        await settled(controller);
        assert.equal(input("controller-class", "metadata", "name"), "nginx-internal");
        assert.equal(input("controller-class", "spec", "controller"), "k8s.io/nginx-internal");
        const flags = input("controller-deployment", "spec", "template", "spec", "containers", 0, "args") as string[];
        assert.ok(flags.includes("--providers.kubernetesingressnginx.controllerclass=k8s.io/nginx-internal"));
        assert.ok(flags.includes(`--providers.kubernetesingressnginx.watchnamespace=${NAMESPACE}`));
    });

    it("answers on the node's ports and shows the leaf to clients that name no host", async () => {
        await settled(new InternalIngressController("controller", args));
        const ports = input("controller-deployment", "spec", "template", "spec", "containers", 0, "ports") as {
            hostPort?: number;
        }[];
        assert.deepEqual(
            ports.map(({ hostPort }) => hostPort),
            [6080, 60443, undefined],
        );
        const sources = ["spec", "template", "spec", "volumes", 0, "projected", "sources", 1, "secret", "name"];
        assert.equal(input("controller-deployment", ...sources), "leaf");
    });

    it("reads Secrets in its own namespace alone", async () => {
        await settled(new InternalIngressController("controller", args));
        const rules = input("controller-cluster-role", "rules") as { resources: string[] }[];
        assert.deepEqual(
            rules.flatMap(({ resources }) => resources),
            ["ingressclasses"],
        );
        assert.equal(input("controller-role", "metadata", "namespace"), NAMESPACE);
    });

    it("refuses an unknown controller and a bad address, both at once", () => {
        const bad = { ...args, controller: "haproxy" as "traefik", address: "10.0.0.300" };
        assert.throws(() => new InternalIngressController("controller", bad), {
            message:
                'controller: "haproxy" is not allowed; give traefik.\n' +
                'address: "10.0.0.300" is not allowed; give an IP address or a DNS name.',
        });
    });
});

describe("SelfSignedCA", () => {
    const certManager = { install: true, namespace: "cert-manager", version: "v1.2.3" } as const;

    it("installs cert-manager and signs with a key that stays in its namespace", async () => {
        const ca = new SelfSignedCA("ca", { certManager });
        await settled(ca);
        assert.equal(input("ca-cert-manager", "helmOptions", "version"), "v1.2.3");
        assert.equal(input("ca-certificate", "metadata", "namespace"), "cert-manager");
        assert.equal(input("ca-certificate", "spec", "duration"), "876000h0m0s");
        assert.equal(input("ca-certificate", "spec", "privateKey", "rotationPolicy"), "Never");
        assert.deepEqual(await valueOf(ca.issuerRef), { ...ISSUER, name: "ca" });
    });

    it("hands out the certificate, which is no secret", async () => {
        const ca = new SelfSignedCA("ca", { certManager });
        assert.equal(await valueOf(ca.caCertificate), CA_PEM);
        assert.equal(await isSecret(ca.caCertificate), false);
    });

    it("takes the cluster's cert-manager", async () => {
        await settled(new SelfSignedCA("ca", { certManager: { install: false, namespace: "cm" } }));
        assert.ok(!registered().some((entry) => entry.includes("CertManager") || entry.includes("Namespace")));
        assert.equal(input("ca-certificate", "metadata", "namespace"), "cm");
    });

    for (const duration of ["59m", "forever", ""]) {
        it(`refuses a duration of "${duration}"`, () => {
            assert.throws(() => new SelfSignedCA("ca", { certManager, duration }), {
                message: `duration: "${duration}" is not allowed; give a duration of at least 1h, such as 2160h or 90h30m.`,
            });
        });
    }
});

describe("ApiIngress", () => {
    const args: ApiIngressArgs = {
        namespace: NAMESPACE,
        ingressClassName: "nginx-internal",
        address: "10.1.2.3",
        port: 60443,
        issuerRef: ISSUER,
        backend: {
            serviceName: "proxy",
            servicePort: 60443,
            serverName: "proxy.svc",
            caSecretName: "proxy-tls",
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

    it("lets the controller verify the proxy", async () => {
        await settled(new ApiIngress("ingress", args));
        assert.deepEqual(input("ingress-ingress", "metadata", "annotations"), {
            "nginx.ingress.kubernetes.io/backend-protocol": "HTTPS",
            "nginx.ingress.kubernetes.io/proxy-ssl-secret": `${NAMESPACE}/proxy-tls`,
            "nginx.ingress.kubernetes.io/proxy-ssl-name": "proxy.svc",
            "nginx.ingress.kubernetes.io/proxy-ssl-verify": "on",
        });
    });

    it("refuses a bad address and a short duration, both at once", () => {
        assert.throws(() => new ApiIngress("ingress", { ...args, address: "my_host", duration: "30m" }), {
            message:
                'address: "my_host" is not allowed; give an IP address or a DNS name.\n' +
                'duration: "30m" is not allowed; give a duration of at least 1h, such as 2160h or 90h30m.',
        });
    });
});

describe("InterlinkRelease", () => {
    const args: InterlinkReleaseArgs = {
        namespace: "interlink",
        nodeName: "node",
        chartVersion: "0.6.1",
        kubernetesApi: { address: "10.1.2.3", port: 60443, caCertificate: CA_PEM },
        interlink: { address: "https://10.9.9.9", port: 3000 },
        virtualKubeletImage: "vk:1",
        kubectlImage: "kubectl:1",
        resources: { cpus: 1, memGiB: 2, pods: 3 },
    };

    /** The line of the chart's template for the CA: as of 0.5.3-pre1, and as in 0.5.2. */
    const TEMPLATES: Readonly<Record<string, (value: string) => string>> = {
        "0.5.2": (value) => indent(value),
        "0.5.3-pre1": (value) => `      ${indent(value)}`,
        "0.6.1": (value) => `      ${indent(value)}`,
        "0.6.2-pre3": (value) => `      ${indent(value)}`,
    };

    for (const [chartVersion, line] of Object.entries(TEMPLATES)) {
        it(`gives chart ${chartVersion} a CA that the virtual kubelet reads back`, async () => {
            await settled(new InterlinkRelease("interlink", { ...args, chartVersion }));
            const value = input("interlink-chart", "values", "interlink", "kubernetesApiCaCrt") as string;
            assert.equal(readBack(line(value)), CA_PEM);
        });
    }

    it("would break the virtual kubelet's configuration without the repair", () => {
        const value = kubernetesApiCaCrtValue(CA_PEM, false);
        assert.throws(() => readBack(TEMPLATES["0.6.1"]?.(value) ?? ""));
    });

    it("tells the chart where the API is, and that projected volumes stay", async () => {
        await settled(new InterlinkRelease("interlink", args));
        const values = input("interlink-chart", "values", "interlink") as Record<string, unknown>;
        assert.equal(values.kubernetesApiAddr, "10.1.2.3");
        assert.equal(values.kubernetesApiPort, "60443");
        assert.equal(values.disableProjectedVolumes, false);
        assert.deepEqual(values.logging, { verboseLogging: "false" });
        assert.equal(input("interlink-chart", "values", "virtualNode", "image"), "vk:1");
    });

    it("owns the virtual node and waits for it", async () => {
        const release = new InterlinkRelease("interlink", args);
        await settled(release);
        assert.equal(find("interlink-node").type, "kubernetes:core/v1:Node");
        const command = input("interlink-ready", "spec", "template", "spec", "containers", 0, "args") as string[];
        assert.ok(command.includes("--for=condition=Ready"));
        assert.equal(await valueOf(release.nodeName), "node");
    });

    it("keeps secret values secret, and lets them win over its own", async () => {
        const values = pulumi.secret({ OAUTH: { ClientSecret: "s3cret" }, interlink: { port: 1 } });
        await settled(new InterlinkRelease("interlink", { ...args, values }));
        const given = find("interlink-chart").inputs.values;
        assert.ok(pulumi.runtime.isRpcSecret(given), "the chart's values are no secret");
        const plain = pulumi.runtime.unwrapRpcSecret(given) as Record<string, Record<string, unknown>>;
        assert.equal(plain.OAUTH?.ClientSecret, "s3cret");
        assert.equal(plain.interlink?.port, 1);
        assert.equal(plain.interlink?.address, "https://10.9.9.9");
    });

    it("refuses a chart version that it does not know, unless told to go on", async () => {
        const unknown = { ...args, chartVersion: "9.9.9" };
        assert.throws(
            () => new InterlinkRelease("interlink", unknown),
            /^.*chartVersion: "9\.9\.9" is not allowed; give one of 0\.5\.2, /,
        );
        await settled(new InterlinkRelease("brave", { ...unknown, allowUnknownChartVersion: true }));
        assert.equal(input("brave-chart", "version"), "9.9.9");
    });
});

describe("the kind stack", () => {
    it("hands InterLink the CA of its own outputs, and its own address and port", async () => {
        const settings = parseSettings({
            environment: "kind",
            address: "10.1.2.3",
            interlink: { address: "https://10.9.9.9", port: 3000 },
        });
        const outputs = kindStack(settings, new k8s.Provider("kubernetes", {}));
        await valueOf(outputs.interlinkNodeName);
        const values = input("interlink-chart", "values", "interlink") as Record<string, string>;
        assert.equal(
            readBack(`      ${indent(values.kubernetesApiCaCrt ?? "")}`),
            await valueOf(outputs.caCertificate),
        );
        assert.equal(values.kubernetesApiAddr, outputs.apiServerHost);
        assert.equal(values.kubernetesApiPort, String(outputs.apiServerPort));
        assert.equal(await valueOf(outputs.apiServerUrl), "https://10.1.2.3:60443");
        assert.equal(await valueOf(outputs.namespace), NAMESPACE);
    });
});

/** URNs of the resources that have the component as their parent. */
async function childUrns(component: pulumi.ComponentResource): Promise<string[]> {
    const children = (component as unknown as { __childResources: Set<pulumi.Resource> }).__childResources;
    return Promise.all([...children].map((child) => valueOf(child.urn)));
}

/** Sprig's indent: six spaces before every line. */
function indent(value: string): string {
    return value.replace(/^/gm, "      ");
}

/** The CA that the virtual kubelet finds in the chart's ConfigMap, whose template holds `line`. */
function readBack(line: string): string {
    const configMap = `data:\n  InterLinkConfig.yaml: |\n    InterlinkPort: "3000"\n    KubernetesApiCaCrt: |\n${line}\n    HTTP:\n      Insecure: true\n`;
    const { data } = parse(configMap) as { data: Record<string, string> };
    const configuration = parse(data["InterLinkConfig.yaml"] ?? "") as { KubernetesApiCaCrt: string; HTTP: unknown };
    assert.deepEqual(configuration.HTTP, { Insecure: true });
    return configuration.KubernetesApiCaCrt;
}
