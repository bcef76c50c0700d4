import assert from "node:assert/strict";
import {
    ResourceValidationArgs,
    ResourceValidationPolicy,
    StackValidationArgs,
    StackValidationPolicy,
} from "@pulumi/policy";
import * as proxy from "@pulumi/policy/proxy";
import { DEFAULT_LIMITS } from "../../../components/nginxApiProxy";
import { nginxConfiguration } from "../../../components/nginxApiProxy/configuration";
import { stringify } from "yaml";
import { policies } from "../../../policy/rules";

type Props = Record<string, unknown>;

/** What the engine's side of the library does with properties, and how it marks what preview does not know. */
const { unknownCheckingProxy, unknownStringValue: UNKNOWN } = proxy as unknown as {
    unknownCheckingProxy: (props: Props) => Props;
    unknownStringValue: string;
};

const DIGEST = `sha256:${"0a".repeat(32)}`;
const NGINX = "nginx.ingress.kubernetes.io";
const INGRESS = "networking.k8s.io/v1:Ingress";
const SERVICE = "core/v1:Service";
const CONFIG_MAP = "core/v1:ConfigMap";
const POD = "core/v1:Pod";

describe("no-private-key-output", () => {
    const pem = (label: string) => `-----BEGIN ${label}-----\nMIIB\n-----END ${label}-----\n`;
    const base64 = (text: string) => Buffer.from(text).toString("base64");
    const kubeconfig = `users:\n  - user:\n      client-key-data: ${base64(pem("RSA PRIVATE KEY"))}\n`;

    passes("what is public or unknown", {
        caCertificate: pem("CERTIFICATE"),
        publicKey: base64(pem("PUBLIC KEY")),
        port: 60443,
        later: UNKNOWN,
        list: [UNKNOWN, null],
    });
    for (const [what, outputs, field] of [
        ["a PEM key", { key: pem("PRIVATE KEY") }, "key"],
        ["an EC key in a list", { keys: ["", pem("EC PRIVATE KEY")] }, "keys[1]"],
        ["an OpenSSH key below a name with a dot", { a: { "id.key": pem("OPENSSH PRIVATE KEY") } }, 'a["id.key"]'],
        ["a key in base64, beside an unknown", { later: UNKNOWN, key: base64(pem("PRIVATE KEY")) }, "key"],
        ["a kubeconfig with a key", { kubeconfig }, "kubeconfig"],
        ["a kubeconfig with a key in base64", { kubeconfig: base64(kubeconfig) }, "kubeconfig"],
    ] as const) {
        it(`refuses ${what}`, () => {
            assert.deepEqual(violations(outputs), [
                `Output ${field} of stack web: a private key is not allowed; give what is public, such as a certificate.`,
            ]);
        });
    }

    it("leaves the outputs of single resources alone", () => {
        assert.deepEqual(violations({ key: pem("PRIVATE KEY") }, "kubernetes:core/v1:Secret"), []);
    });

    function passes(what: string, outputs: Props): void {
        it(`passes ${what}`, () => {
            assert.deepEqual(violations(outputs), []);
        });
    }

    function violations(outputs: Props, type = "pulumi:pulumi:Stack"): string[] {
        const messages: string[] = [];
        const { validateStack } = find("no-private-key-output") as StackValidationPolicy;
        const resource = { type, name: "web", urn: "urn", props: unknownCheckingProxy(outputs) };
        void validateStack({ resources: [resource] } as unknown as StackValidationArgs, (message) => {
            messages.push(message);
        });
        return messages;
    }
});

rule("no-snippet-annotations", ({ passes, refuses }) => {
    const annotations = (value: unknown) => ({ metadata: { annotations: value } });
    passes("other annotations", INGRESS, annotations({ [`${NGINX}/backend-protocol`]: "HTTPS" }));
    passes("no annotations", INGRESS, { metadata: {} });
    passes("unknown annotations", INGRESS, annotations(UNKNOWN));
    passes("an unknown snippet", INGRESS, annotations({ [`${NGINX}/server-snippet`]: UNKNOWN }));
    passes("a controller without snippets", CONFIG_MAP, { data: { "allow-snippet-annotations": "false" } });
    passes("unknown data", CONFIG_MAP, { data: UNKNOWN });
    for (const snippet of ["configuration-snippet", "server-snippet", "auth-snippet"]) {
        refuses(
            `a ${snippet}`,
            INGRESS,
            annotations({ [`${NGINX}/${snippet}`]: "return 200;" }),
            `metadata.annotations["${NGINX}/${snippet}"] of Ingress web: "return 200;" is not allowed; give an annotation of the setting's own.`,
        );
    }
    refuses(
        "a controller that takes snippets",
        CONFIG_MAP,
        { data: { later: UNKNOWN, "allow-snippet-annotations": "true" } },
        'data["allow-snippet-annotations"] of ConfigMap web: "true" is not allowed; give false.',
    );
    refuses(
        "a release with such a controller",
        "helm.sh/v3:Release",
        { values: { controller: { allowSnippetAnnotations: true } } },
        "values.controller.allowSnippetAnnotations of Release web: true is not allowed; give false.",
    );
});

rule("pinned-images", ({ passes, refuses }) => {
    const pod = (image: unknown) => ({ spec: { containers: [{ image }] } });
    for (const image of [
        "nginx:1.31",
        "198.18.1.1:5000/a/b:1.2",
        `ghcr.io/a/b@${DIGEST}`,
        `198.18.1.1:5000/a:latest@${DIGEST}`,
        UNKNOWN,
    ]) {
        passes(image === UNKNOWN ? "an unknown image" : image, POD, pod(image));
    }
    passes("unknown containers", POD, { spec: { containers: UNKNOWN } });
    passes("a patch", "apps/v1:DeploymentPatch", { spec: { template: { spec: { containers: [{ name: "c" }] } } } });
    for (const image of ["nginx", "nginx:latest", "198.18.1.1:5000/a/b", "a/b:latest", "nginx@sha256:0a", "nginx:"]) {
        refuses(
            `"${image}"`,
            POD,
            pod(image),
            `spec.containers[0].image of Pod web: "${image}" is not allowed; give an image with a digest, or a tag other than latest.`,
        );
    }
    const spec = { initContainers: [{ image: UNKNOWN }, { image: "a" }], containers: [{ image: "b:1" }] };
    const template = { spec: { template: { spec } } };
    for (const [type, props, path] of [
        [POD, { spec }, "spec"],
        ["apps/v1:Deployment", template, "spec.template.spec"],
        ["apps/v1:DaemonSet", template, "spec.template.spec"],
        ["apps/v1:StatefulSet", template, "spec.template.spec"],
        ["batch/v1:Job", template, "spec.template.spec"],
        ["batch/v1:CronJob", { spec: { jobTemplate: template } }, "spec.jobTemplate.spec.template.spec"],
    ] as const) {
        refuses(
            `an init container of ${type}`,
            type,
            props,
            `${path}.initContainers[1].image of ${type.split(":")[1]} web: "a" is not allowed; give an image with a digest, or a tag other than latest.`,
        );
    }
});

rule("no-public-load-balancer", ({ passes, refuses }) => {
    const allowed = "the networks that may connect, or an annotation that makes the load balancer internal";
    const missing = `spec.loadBalancerSourceRanges of Service web is missing; give ${allowed}.`;
    const service = (annotations: unknown, ranges?: unknown) => ({
        metadata: { annotations },
        spec: { type: "LoadBalancer", ...(ranges === undefined ? {} : { loadBalancerSourceRanges: ranges }) },
    });
    passes("source ranges", SERVICE, service(undefined, ["10.0.0.0/8"]));
    passes("unknown source ranges", SERVICE, service(undefined, UNKNOWN));
    passes("unknown annotations", SERVICE, service(UNKNOWN));
    passes("a Service inside the cluster", SERVICE, { spec: { type: "ClusterIP" } });
    for (const [key, value, other] of [
        ["service.beta.kubernetes.io/aws-load-balancer-scheme", "internal", "internet-facing"],
        ["service.beta.kubernetes.io/aws-load-balancer-internal", "true", "false"],
        ["networking.gke.io/load-balancer-type", "Internal", "External"],
        ["service.beta.kubernetes.io/azure-load-balancer-internal", "true", "false"],
        ["service.beta.kubernetes.io/openstack-internal-load-balancer", "true", "false"],
    ] as const) {
        passes(`${key}: ${value}`, SERVICE, service({ [key]: value }));
        passes(`${key}, unknown`, SERVICE, service({ [key]: UNKNOWN }));
        refuses(`${key}: ${other}`, SERVICE, service({ [key]: other }), missing);
    }
    passes("an address from MetalLB", SERVICE, service({ "metallb.universe.tf/loadBalancerIPs": "10.1.2.3" }));
    passes("a pool of MetalLB", SERVICE, service({ "metallb.io/address-pool": "hpc" }));
    refuses("no source ranges", SERVICE, service(undefined), missing);
    refuses(
        "an empty list of source ranges",
        SERVICE,
        service({}, []),
        `spec.loadBalancerSourceRanges of Service web: [] is not allowed; give ${allowed}.`,
    );
    refuses(
        "a source range that is everybody",
        SERVICE,
        service({}, ["10.0.0.0/8", "0.0.0.0/0"]),
        `spec.loadBalancerSourceRanges[1] of Service web: "0.0.0.0/0" is not allowed; give ${allowed}.`,
    );
});

rule("memory-limits", ({ passes, refuses }) => {
    const pod = (resources: unknown) => ({ spec: { containers: [{ resources }] } });
    const missing = "spec.containers[0].resources.limits.memory of Pod web is missing; give a quantity such as 256Mi.";
    passes("a limit", POD, pod({ limits: { memory: "256Mi" } }));
    passes("an unknown limit", POD, pod({ limits: { memory: UNKNOWN } }));
    passes("unknown limits", POD, pod({ limits: UNKNOWN }));
    refuses("no resources", POD, pod(undefined), missing);
    refuses("requests alone", POD, pod({ requests: { memory: "256Mi" } }), missing);
    refuses("a CPU limit alone", POD, pod({ limits: { cpu: 1 } }), missing);
    refuses(
        "an init container without a limit",
        "batch/v1:CronJob",
        { spec: { jobTemplate: { spec: { template: { spec: { initContainers: [{}] } } } } } },
        "spec.jobTemplate.spec.template.spec.initContainers[0].resources.limits.memory of CronJob web is missing; give a quantity such as 256Mi.",
    );
});

rule("pod-security", ({ passes, refuses }) => {
    const type = "core/v1:Namespace";
    const label = "pod-security.kubernetes.io/enforce";
    const field = `metadata.labels["${label}"] of Namespace web`;
    const namespace = (level: unknown) => ({ metadata: { labels: { [label]: level } } });
    for (const level of ["restricted", "baseline", "privileged", UNKNOWN]) {
        passes(level === UNKNOWN ? "an unknown level" : level, type, namespace(level));
    }
    refuses("no labels", type, { metadata: {} }, `${field} is missing; give restricted, baseline or privileged.`);
    refuses(
        "a level that is none",
        type,
        namespace("strict"),
        `${field}: "strict" is not allowed; give restricted, baseline or privileged.`,
    );
});

rule("tls-on-every-hop", ({ passes, refuses }) => {
    const annotations = {
        [`${NGINX}/backend-protocol`]: "HTTPS",
        [`${NGINX}/proxy-ssl-verify`]: "on",
        [`${NGINX}/proxy-ssl-secret`]: "namespace/secret",
    };
    const spec = { tls: [{ hosts: ["10.1.2.3"], secretName: "leaf" }] };
    const ingress = (changed: Props) => ({ metadata: { annotations: { ...annotations, ...changed } }, spec });
    const field = (name: string) => `metadata.annotations["${NGINX}/${name}"] of Ingress web`;
    passes("an Ingress with TLS on both sides", INGRESS, ingress({}));
    passes("gRPC with TLS", INGRESS, ingress({ [`${NGINX}/backend-protocol`]: "GRPCS" }));
    passes("unknown annotations", INGRESS, { metadata: { annotations: UNKNOWN }, spec });
    passes("an unknown Secret", INGRESS, ingress({ [`${NGINX}/proxy-ssl-secret`]: UNKNOWN }));
    passes("unknown tls", INGRESS, { metadata: { annotations }, spec: { tls: UNKNOWN } });
    refuses(
        "an Ingress without TLS",
        INGRESS,
        { metadata: { annotations }, spec: {} },
        "spec.tls of Ingress web is missing; give the hosts and the Secret of a certificate.",
    );
    refuses(
        "plain HTTP to the backend",
        INGRESS,
        ingress({ [`${NGINX}/backend-protocol`]: "HTTP" }),
        `${field("backend-protocol")}: "HTTP" is not allowed; give HTTPS or GRPCS.`,
    );
    refuses(
        "a backend that is not verified",
        INGRESS,
        ingress({ [`${NGINX}/proxy-ssl-verify`]: "off" }),
        `${field("proxy-ssl-verify")}: "off" is not allowed; give on.`,
    );
    refuses(
        "an Ingress that says nothing of its backend",
        INGRESS,
        { spec },
        `${field("backend-protocol")} is missing; give HTTPS or GRPCS.`,
        `${field("proxy-ssl-verify")} is missing; give on.`,
        `${field("proxy-ssl-secret")} is missing; give the Secret whose ca.crt verifies the backend.`,
    );

    const args = {
        port: 60443,
        clients: "controller",
        healthPort: 8081,
        paths: ["/api"],
        readTimeoutSeconds: 14400,
        maxBodySize: "3m",
        certificateDirectory: "/tls",
        apiServerCaFile: "/ca.crt",
        configurationDirectory: "/conf",
        shutdownSeconds: 300,
        limits: DEFAULT_LIMITS,
        metrics: false,
    } as const;
    const configuration = nginxConfiguration(args);
    const configMap = (text: string) => ({ data: { "nginx.conf": text } });
    const verify = 'data["nginx.conf"].proxy_ssl_verify of ConfigMap web';
    passes("the proxy's own configuration", CONFIG_MAP, configMap(configuration));
    passes("the one that admits jobs alone", CONFIG_MAP, configMap(nginxConfiguration({ ...args, admit: "jobs" })));
    passes("an unknown configuration", CONFIG_MAP, configMap(UNKNOWN));
    passes("a ConfigMap of something else", CONFIG_MAP, { data: { "traefik.yaml": "tls: {}" } });
    const traefik = (configuration: object) => ({ data: { "traefik.yaml": stringify(configuration) } });
    const router = (tls?: object) => traefik({ tcp: { routers: { api: { rule: "HostSNIRegexp(`.*`)", tls } } } });
    const routed = (what: string) => `data["traefik.yaml"].${what} of ConfigMap web`;
    passes("TLS that Traefik passes through", CONFIG_MAP, router({ passthrough: true }));
    passes("Traefik's configuration that is not known yet", CONFIG_MAP, { data: { "traefik.yaml": UNKNOWN } });
    refuses(
        "a route of Traefik's that ends TLS",
        CONFIG_MAP,
        traefik({ http: { services: { api: { loadBalancer: { servers: [{ url: "http://proxy:8080" }] } } } } }),
        `${routed("http.services")}: "api" is not allowed; give a TCP router that passes TLS through.`,
    );
    refuses(
        "TLS that Traefik ends before TCP",
        CONFIG_MAP,
        router({ passthrough: false }),
        `${routed("tcp.passthrough")}: false is not allowed; give true.`,
    );
    refuses("TCP without TLS", CONFIG_MAP, router(), `${routed("tcp.passthrough")} is missing; give true.`);
    passes("a comment", CONFIG_MAP, configMap(`# proxy_pass http://api;\n${configuration}`));
    refuses(
        "a proxy that speaks plain HTTP",
        CONFIG_MAP,
        configMap(configuration.replace("https://api_server", "http://api_server")),
        'data["nginx.conf"].proxy_pass of ConfigMap web: "http://api_server" is not allowed; give an https:// address.',
    );
    refuses(
        "a proxy that verifies nobody",
        CONFIG_MAP,
        configMap(configuration.replace("proxy_ssl_verify on;", "# proxy_ssl_verify on;")),
        `${verify} is missing; give on.`,
    );
    refuses(
        "a proxy whose verification is off",
        CONFIG_MAP,
        configMap(configuration.replace("proxy_ssl_verify on;", "proxy_ssl_verify off;")),
        `${verify}: "off" is not allowed; give on.`,
    );
});

rule("interlink-verified", ({ passes, refuses }) => {
    const field = (name: string) => `data["InterLinkConfig.yaml"].${name} of ConfigMap web`;
    const configMap = (url: unknown, insecure: boolean, annotations: object = {}) => ({
        metadata: { annotations },
        data: { "InterLinkConfig.yaml": `InterlinkURL: "${String(url)}"\nHTTP:\n  Insecure: ${insecure}\n` },
    });
    const said = { "interlink-kube-api/insecure": "true" };
    passes("a server that is verified", CONFIG_MAP, configMap("https://10.9.9.9", false));
    passes("a server in the same pod", CONFIG_MAP, configMap("http://localhost", true));
    passes("a socket", CONFIG_MAP, configMap("unix:///var/run/interlink.sock", true));
    passes("plain HTTP where somebody said so", CONFIG_MAP, configMap("http://10.9.9.9", true, said));
    passes("an unverified server where somebody said so", CONFIG_MAP, configMap("https://10.9.9.9", true, said));
    passes("an unknown configuration", CONFIG_MAP, { data: { "InterLinkConfig.yaml": UNKNOWN } });
    passes("the configuration of the API server itself", CONFIG_MAP, {
        data: { "InterLinkConfig.yaml": "InterlinkAddress: http://0.0.0.0\n" },
    });
    refuses(
        "a server that nothing verifies",
        CONFIG_MAP,
        configMap("https://10.9.9.9", true),
        `${field("HTTP.Insecure")}: true is not allowed; give false, or the setting interlink.tls.insecure: true.`,
    );
    refuses(
        "plain HTTP to another host, even one whose name begins like ours",
        CONFIG_MAP,
        configMap("http://localhost.site.example", false),
        `${field("InterlinkURL")}: "http://localhost.site.example" is not allowed; give an https:// address, or the setting interlink.tls.insecure: true.`,
    );
});

rule("no-anonymous-grants", ({ passes, refuses }) => {
    for (const kind of ["RoleBinding", "ClusterRoleBinding"]) {
        const type = `rbac.authorization.k8s.io/v1:${kind}`;
        const binding = (...names: string[]) => ({ subjects: names.map((name) => ({ name })) });
        passes(`a ${kind} to a service account`, type, binding("proxy"));
        passes(`a ${kind} to a name that is unknown`, type, binding(UNKNOWN));
        passes(`a ${kind} to subjects that are unknown`, type, { subjects: UNKNOWN });
        for (const name of ["system:anonymous", "system:unauthenticated"]) {
            refuses(
                `a ${kind} to ${name}`,
                type,
                binding(UNKNOWN, name),
                `subjects[1].name of ${kind} web: "${name}" is not allowed; give a subject that is authenticated.`,
            );
        }
    }
});

/** Declares cases of a rule for single objects, each of a type without its prefix, and named web. */
type Declare = (what: string, type: string, props: Props, ...sentences: string[]) => void;

/** The tests of one rule: what passes, and what is refused with which sentences. */
function rule(name: string, cases: (declare: { readonly passes: Declare; readonly refuses: Declare }) => void): void {
    const declare =
        (verb: string): Declare =>
        (what, type, props, ...sentences) => {
            it(`${verb} ${what}`, () => {
                const messages: string[] = [];
                const { validateResource } = find(name) as ResourceValidationPolicy;
                assert.ok(typeof validateResource === "function");
                const resource = { type: `kubernetes:${type}`, name: "web", props: unknownCheckingProxy(props) };
                void validateResource(resource as ResourceValidationArgs, (message) => {
                    messages.push(message);
                });
                assert.deepEqual(messages, sentences);
            });
        };
    describe(name, () => {
        cases({ passes: declare("passes"), refuses: declare("refuses") });
    });
}

function find(name: string): (typeof policies)[number] {
    const policy = policies.find((candidate) => candidate.name === name);
    assert.ok(policy !== undefined, `there is no policy ${name}`);
    return policy;
}
