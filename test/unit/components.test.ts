import assert from "node:assert/strict";
import * as pulumi from "@pulumi/pulumi";
import { parse } from "yaml";
import { ApiIngress, ApiIngressArgs } from "../../components/apiIngress";
import { configurationTransform, KUBERNETES_API_VALUES, KubernetesApi } from "../../components/interlinkRelease/chart";
import { InterlinkRelease, InterlinkReleaseArgs } from "../../components/interlinkRelease";
import { InternalIngressController, InternalIngressControllerArgs } from "../../components/internalIngressController";
import { LoadBalancer, LoadBalancerArgs } from "../../components/loadBalancer";
import { MetalLB, MetalLBArgs } from "../../components/metalLB";
import { nginxConfiguration } from "../../components/nginxApiProxy/configuration";
import { NginxApiProxy, NginxApiProxyArgs } from "../../components/nginxApiProxy";
import { IssuerRef } from "../../components/parts/serverCertificate";
import { SelfSignedCA } from "../../components/selfSignedCA";
import { CA_PEM, find, input, isSecret, loadBalancerStatus, record, registered, settled, valueOf } from "./mocks";

const ISSUER: IssuerRef = { name: "ca", kind: "ClusterIssuer", group: "cert-manager.io" };
const NAMESPACE = "ingress-nginx-internal";

const PORTS = { http: 6080, https: 60443 };
const HOST_PORTS = { nodeSelector: { "ingress-ready": "true" } };
const PROXY: NginxApiProxyArgs = {
    namespace: NAMESPACE,
    image: "nginx:1",
    clients: { type: "controller", issuerRef: ISSUER },
    ports: PORTS,
};

beforeEach(() => record());

it("every component is the parent of what it makes, by names that begin with its own", async () => {
    const certManager = { install: true, namespace: "cert-manager", version: "v1.2.3" } as const;
    const ca = new SelfSignedCA("ca", { certManager, issuerName: "ca" });
    await settled(ca);
    const proxy = new NginxApiProxy("proxy", PROXY);
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
        const clients = { type: "outside", tlsSecretName: "leaf", hostPorts: HOST_PORTS } as const;
        await settled(new NginxApiProxy("proxy", { ...PROXY, clients }));
        assert.ok(!registered().some((entry) => entry.includes("Certificate")));
        assert.equal(input("proxy-deployment", "spec", "replicas"), 1);
        const pod = ["spec", "template", "spec"];
        assert.deepEqual(input("proxy-deployment", ...pod, "nodeSelector"), HOST_PORTS.nodeSelector);
        assert.deepEqual(hostPortsOf("proxy-deployment"), [6080, 60443, undefined]);
        assert.equal(input("proxy-deployment", ...pod, "volumes", 1, "secret", "secretName"), "leaf");
        const configuration = input("proxy-configuration", "data", "nginx.conf") as string;
        assert.match(configuration, /listen 6080;\n +return 308 https:\/\/\$host:60443\$request_uri;/);
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
        software: { type: "traefik", image: "traefik:3" },
        namespace: NAMESPACE,
        ingressClassName: "nginx-internal",
        address: "10.1.2.3",
        ports: PORTS,
        hostPorts: HOST_PORTS,
        defaultCertificateSecretName: "leaf",
    };
    const ingressNginx = {
        ...args,
        software: { type: "ingress-nginx", chartVersion: "4.11.0", image: "mirror:5000/controller:v1@sha256:ab" },
    } as const;

    it("has a class and a controller value of its own", async () => {
        await settled(new InternalIngressController("controller", args));
        assert.equal(input("controller-class", "metadata", "name"), "nginx-internal");
        assert.equal(input("controller-class", "spec", "controller"), "k8s.io/nginx-internal");
        const flags = input("controller-deployment", "spec", "template", "spec", "containers", 0, "args") as string[];
        assert.ok(flags.includes("--providers.kubernetesingressnginx.controllerclass=k8s.io/nginx-internal"));
        assert.ok(flags.includes(`--providers.kubernetesingressnginx.watchnamespace=${NAMESPACE}`));
    });

    it("answers on the node's ports and shows the leaf to clients that name no host", async () => {
        await settled(new InternalIngressController("controller", args));
        assert.deepEqual(hostPortsOf("controller-deployment"), [6080, 60443, undefined]);
        const sources = ["spec", "template", "spec", "volumes", 0, "projected", "sources", 1, "secret", "name"];
        assert.equal(input("controller-deployment", ...sources), "leaf");
    });

    it("takes no port of a node where a load balancer leads to it", async () => {
        await settled(new InternalIngressController("controller", { ...args, hostPorts: undefined }));
        assert.deepEqual(hostPortsOf("controller-deployment"), [undefined, undefined, undefined]);
        assert.equal(input("controller-deployment", "spec", "template", "spec", "nodeSelector"), undefined);
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

    it("runs ingress-nginx by its chart: without snippets and webhook, for its own class and namespace", async () => {
        await settled(new InternalIngressController("controller", ingressNginx));
        const values = (...path: string[]) => input("controller-chart", "values", "controller", ...path);
        assert.deepEqual(values("image"), { repository: "mirror:5000/controller", tag: "v1", digest: "sha256:ab" });
        assert.equal(values("allowSnippetAnnotations"), false);
        assert.deepEqual(values("admissionWebhooks"), { enabled: false });
        assert.deepEqual(values("ingressClassResource"), {
            enabled: false,
            name: "nginx-internal",
            controllerValue: "k8s.io/nginx-internal",
        });
        assert.deepEqual(values("scope"), { enabled: true });
        assert.deepEqual(values("hostPort"), { enabled: true, ports: PORTS });
        assert.equal(values("extraArgs", "default-ssl-certificate"), `${NAMESPACE}/leaf`);
    });

    it("refuses an unknown controller", () => {
        const software = { type: "haproxy" as "traefik", image: "haproxy:3" };
        assert.throws(() => new InternalIngressController("controller", { ...args, software }), {
            message: 'software.type: "haproxy" is not allowed; give traefik or ingress-nginx.',
        });
    });
});

describe("LoadBalancer", () => {
    const args: LoadBalancerArgs = {
        namespace: NAMESPACE,
        selector: { app: "front" },
        ports: PORTS,
        annotations: { "example.site/internal": "true" },
        sourceRanges: ["10.0.0.0/8"],
    };

    for (const [entry, address] of [
        [{ ip: "10.1.2.3" }, "10.1.2.3"],
        [{ hostname: "lb.site.example" }, "lb.site.example"],
    ] as const) {
        it(`waits for its address, here ${address}, and not for pods`, async () => {
            loadBalancerStatus({ ingress: [entry] });
            const loadBalancer = new LoadBalancer("lb", args);
            assert.equal(await valueOf(loadBalancer.address), address);
            assert.deepEqual(input("lb-service", "metadata", "annotations"), {
                "example.site/internal": "true",
                "pulumi.com/waitFor": "jsonpath={.status.loadBalancer.ingress[0]}",
            });
            assert.deepEqual(input("lb-service", "spec", "loadBalancerSourceRanges"), ["10.0.0.0/8"]);
        });
    }
});

describe("MetalLB", () => {
    const args: MetalLBArgs = {
        release: { install: true, namespace: "metallb-system", version: "0.1.2" },
        poolName: "pool",
        addresses: ["10.1.2.3-10.1.2.9"],
        kubectlImage: "kubectl:1",
    };

    it("runs in a privileged namespace and announces its pool", async () => {
        await settled(new MetalLB("metallb", args));
        const labels = input("metallb-namespace", "metadata", "labels") as Record<string, string>;
        assert.equal(labels["pod-security.kubernetes.io/enforce"], "privileged");
        assert.deepEqual(input("metallb-pool", "spec"), { addresses: args.addresses, autoAssign: false });
        assert.deepEqual(input("metallb-l2-advertisement", "spec"), { ipAddressPools: ["pool"] });
        const pool = JSON.parse(input("metallb-webhook-pool", "data", "pool.json") as string) as unknown;
        assert.deepEqual(pool, find("metallb-pool").inputs);
    });

    it("takes the cluster's MetalLB", async () => {
        await settled(new MetalLB("metallb", { ...args, release: { install: false, namespace: "lb" } }));
        assert.ok(!registered().some((entry) => /Namespace|Chart/.test(entry)));
        assert.equal(input("metallb-pool", "metadata", "namespace"), "lb");
    });

    it("refuses a range that is none", () => {
        assert.throws(() => new MetalLB("metallb", { ...args, addresses: ["10.1.2.9-10.1.2.3"] }), {
            message:
                'addresses.0: "10.1.2.9-10.1.2.3" is not allowed; give a network as CIDR, such as 10.1.2.0/28, or a range, such as 10.1.2.3-10.1.2.9.',
        });
    });
});

describe("SelfSignedCA", () => {
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

    for (const duration of ["59m", "forever", ""]) {
        it(`refuses a duration of "${duration}"`, () => {
            assert.throws(() => new SelfSignedCA("ca", { certManager, issuerName: "ca", duration }), {
                message: `duration: "${duration}" is not allowed; give a duration of at least 1h, such as 2160h or 90h30m.`,
            });
        });
    }
});

describe("ApiIngress", () => {
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

    it("lets the controller verify the proxy, and pass what streams or is large", async () => {
        await settled(new ApiIngress("ingress", args));
        assert.deepEqual(input("ingress-ingress", "metadata", "annotations"), {
            "nginx.ingress.kubernetes.io/backend-protocol": "HTTPS",
            "nginx.ingress.kubernetes.io/proxy-ssl-secret": `${NAMESPACE}/proxy-tls`,
            "nginx.ingress.kubernetes.io/proxy-ssl-name": "proxy.svc",
            "nginx.ingress.kubernetes.io/proxy-ssl-verify": "on",
            "nginx.ingress.kubernetes.io/proxy-read-timeout": "14400",
            "nginx.ingress.kubernetes.io/proxy-send-timeout": "14400",
            "nginx.ingress.kubernetes.io/proxy-body-size": "3m",
            "nginx.ingress.kubernetes.io/proxy-request-buffering": "off",
        });
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

describe("InterlinkRelease", () => {
    const args: InterlinkReleaseArgs = {
        namespace: "interlink",
        nodeName: "node",
        chartVersion: "0.6.1",
        kubernetesApi: { address: "10.1.2.3", port: 60443, caCertificate: CA_PEM },
        interlink: { address: "https://10.9.9.9", port: 3000 },
        virtualKubeletImage: "vk:1",
        refreshTokenImage: "refresh:1",
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
        it(`gives the virtual kubelet of chart ${chartVersion} a CA that it reads back`, async () => {
            await settled(new InterlinkRelease("interlink", { ...args, chartVersion }));
            const value = input("interlink-chart", "values", "interlink", "kubernetesApiCaCrt") as string;
            assert.deepEqual(parse(await transformed(rendered(line(value)), args.kubernetesApi)), {
                KubernetesApiAddr: "10.1.2.3",
                KubernetesApiPort: "60443",
                KubernetesApiCaCrt: CA_PEM,
                HTTP: { Insecure: true },
            });
        });
    }

    it("would break the virtual kubelet's configuration by the CA itself", () => {
        assert.throws(() => parse(rendered(TEMPLATES["0.6.1"]?.(CA_PEM.trim()) ?? "")));
    });

    it("tells the chart that projected volumes stay, and to log no tokens", async () => {
        await settled(new InterlinkRelease("interlink", args));
        const values = input("interlink-chart", "values", "interlink") as Record<string, unknown>;
        assert.equal(values.disableProjectedVolumes, false);
        assert.deepEqual(values.logging, { verboseLogging: "false" });
        assert.equal(input("interlink-chart", "values", "virtualNode", "image"), "vk:1");
    });

    it("owns the virtual node and waits for it", async () => {
        const release = new InterlinkRelease("interlink", args);
        await settled(release);
        assert.equal(find("interlink-node").type, "kubernetes:core/v1:Node");
        const command = input("interlink-ready", "spec", "template", "spec", "containers", 0, "command") as string[];
        assert.ok(command.includes("--for=condition=Ready"));
        assert.equal(await valueOf(release.nodeName), "node");
    });

    it("keeps secret values secret, and lets them win over its own", async () => {
        const values = pulumi.secret({ OAUTH: { ClientSecret: "s3cret" }, interlink: { port: 1 } });
        await settled(new InterlinkRelease("interlink", { ...args, values }));
        const given = find("interlink-chart").inputs.values;
        assert.ok(pulumi.runtime.isRpcSecret(given), "the chart's values are no secret");
        const plain = pulumi.runtime.unwrapRpcSecret(given) as Record<string, Record<string, unknown>>;
        assert.deepEqual(plain.OAUTH, { image: "refresh:1", ClientSecret: "s3cret" });
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

/** URNs of the resources that have the component as their parent. */
async function childUrns(component: pulumi.ComponentResource): Promise<string[]> {
    const children = (component as unknown as { __childResources: Set<pulumi.Resource> }).__childResources;
    return Promise.all([...children].map((child) => valueOf(child.urn)));
}

/** Ports of the node that the first container of a Deployment takes, in the order of its ports. */
function hostPortsOf(deployment: string): (number | undefined)[] {
    const ports = input(deployment, "spec", "template", "spec", "containers", 0, "ports") as { hostPort?: number }[];
    return ports.map(({ hostPort }) => hostPort);
}

/** Sprig's indent: six spaces before every line. */
function indent(value: string): string {
    return value.replace(/^/gm, "      ");
}

/** The virtual kubelet's configuration as the chart renders it; `line` is what it makes of the CA's value. */
function rendered(line: string): string {
    const { kubernetesApiAddr, kubernetesApiPort } = KUBERNETES_API_VALUES;
    const configMap = `data:
  InterLinkConfig.yaml: |
    KubernetesApiAddr: "${kubernetesApiAddr}"
    KubernetesApiPort: "${kubernetesApiPort}"
    KubernetesApiCaCrt: |
${line}
    HTTP:
      Insecure: true
`;
    return (parse(configMap) as { data: Record<string, string> }).data["InterLinkConfig.yaml"] ?? "";
}

/** The configuration after the component's transform of the ConfigMap. */
async function transformed(text: string, kubernetesApi: KubernetesApi): Promise<string> {
    const result = await configurationTransform(kubernetesApi)({
        type: "kubernetes:core/v1:ConfigMap",
        props: { data: { "InterLinkConfig.yaml": text } },
    } as unknown as pulumi.ResourceTransformArgs);
    const { data } = result?.props as { data: pulumi.Output<Record<string, string>> };
    return (await valueOf(data))["InterLinkConfig.yaml"] ?? "";
}
