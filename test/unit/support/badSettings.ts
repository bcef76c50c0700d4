import { CA_PEM } from "./mocks";

/** A change of good settings, and what the program says of it. */
export interface BadSettings {
    /** The settings that are changed. */
    readonly good: Readonly<Record<string, unknown>>;
    /** What is changed; undefined takes a setting away. */
    readonly change: Readonly<Record<string, unknown>>;
    /** One sentence for each fault, without the prefix of its key. */
    readonly says: readonly string[];
}

const interlink = { address: "https://10.9.9.9", port: 3000, tls: { ca: CA_PEM } };

/** It has the form of a certificate, and holds none. */
const BAD_PEM = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----";
/** Its virtual node has a name of 51 characters. */
const LONG_SITE = "a".repeat(41);
const TOLERATION =
    "an object with key, operator, value and effect; without a key the operator is Exists, which takes no value, and " +
    "tolerationSeconds are for the effect NoExecute";
const LABEL =
    "a label as Kubernetes takes it: letters, digits, -, _ and ., at most 63, and a domain and / before its name if any";
const AN_INTERLINK = "an object with at least address and port, or with mode: in-cluster and plugin";

/** The fewest settings of each environment. */
export const KIND = { environment: "kind", address: "10.1.2.3", interlink };
export const CLOUD = { environment: "cloud", loadBalancer: { provider: "aws" }, interlink };
export const METALLB = {
    environment: "metallb",
    address: "10.1.2.3",
    metallb: { install: true, addresses: ["10.1.2.0/28"] },
    interlink,
};

export const EXTERNAL = { environment: "external", api: { address: "10.1.2.3", port: 6443 }, interlink };

/** What somebody may get wrong. */
export const BAD_SETTINGS: readonly BadSettings[] = [
    {
        good: KIND,
        change: { environment: "moon" },
        says: ['environment: "moon" is not allowed; give kind, cloud, metallb or external.'],
    },
    {
        good: KIND,
        change: { environment: undefined },
        says: ["environment is missing; give kind, cloud, metallb or external."],
    },
    { good: KIND, change: { address: undefined }, says: ["address is missing; give an IP address or a DNS name."] },
    {
        good: KIND,
        change: { address: "my_host" },
        says: ['address: "my_host" is not allowed; give an IP address or a DNS name.'],
    },
    {
        good: KIND,
        change: { address: "10.0.0.300" },
        says: ['address: "10.0.0.300" is not allowed; give an IP address or a DNS name.'],
    },
    {
        good: KIND,
        change: { address: "10.1.2.3:60443" },
        says: ['address: "10.1.2.3:60443" is not allowed; give an IP address or a DNS name.'],
    },
    ...["[fd00::10]", "fe80::1%eth0", "::ffff:10.1.2.3", "::FFFF:a01:203"].map((address) => ({
        good: KIND,
        change: { address },
        says: [`address: "${address}" is not allowed; give an IP address or a DNS name.`],
    })),
    {
        good: KIND,
        change: { address: true },
        says: ["address: true is not allowed; give an IP address or a DNS name."],
    },
    { good: KIND, change: { adress: "10.1.2.3" }, says: ["adress: there is no such setting."] },
    {
        good: KIND,
        change: { kubeconfig: { clusters: [] } },
        says: ['kubeconfig: {"clusters":[]} is not allowed; give the path of a kubeconfig, or its text.'],
    },
    {
        good: KIND,
        change: { context: 1 },
        says: ["context: 1 is not allowed; give the name of a context of the kubeconfig."],
    },
    {
        good: KIND,
        change: { kubeconfigFor: "workflow" },
        says: ['kubeconfigFor: "workflow" is not allowed; give a service account as NAMESPACE/NAME.'],
    },
    {
        good: EXTERNAL,
        change: { kubeconfigFor: "workflows/Runner" },
        says: ['kubeconfigFor: "workflows/Runner" is not allowed; give a service account as NAMESPACE/NAME.'],
    },
    {
        good: KIND,
        change: { kubeconfigFor: "workflows/runner", admit: "jobs" },
        says: [
            'kubeconfigFor: "workflows/runner" is not allowed; give no kubeconfigFor, or set admit to tokens, since jobs lets no other token through.',
        ],
    },
    { good: KIND, change: { uniqueNames: "yes" }, says: ['uniqueNames: "yes" is not allowed; give true or false.'] },
    {
        good: KIND,
        change: { namespace: "Ingress_Internal" },
        says: [
            'namespace: "Ingress_Internal" is not allowed; give a Kubernetes name: lower-case letters, digits and hyphens, at most 56.',
        ],
    },
    {
        good: KIND,
        change: { namespace: "a".repeat(57) },
        says: [
            'namespace: "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" is not allowed; give a Kubernetes name: lower-case letters, digits and hyphens, at most 56.',
        ],
    },
    {
        good: KIND,
        change: { controller: "haproxy" },
        says: ['controller: "haproxy" is not allowed; give none, traefik or ingress-nginx.'],
    },
    {
        good: KIND,
        change: { admit: "job" },
        says: ['admit: "job" is not allowed; give all, tokens or jobs.'],
    },
    { good: EXTERNAL, change: { admit: "jobs" }, says: ["admit: there is no such setting."] },
    {
        good: KIND,
        change: { ingressClassName: "nginx.internal" },
        says: [
            'ingressClassName: "nginx.internal" is not allowed; give a Kubernetes name: lower-case letters, digits and hyphens, at most 56.',
        ],
    },
    {
        good: KIND,
        change: { ports: 60443 },
        says: ["ports: 60443 is not allowed; give an object with http and https."],
    },
    {
        good: KIND,
        change: { ports: { https: 70000 } },
        says: ["ports.https: 70000 is not allowed; give a TCP port between 1024 and 65535."],
    },
    {
        good: KIND,
        change: { ports: { https: 443 } },
        says: ["ports.https: 443 is not allowed; give a TCP port between 1024 and 65535."],
    },
    {
        good: KIND,
        change: { ports: { http: "6080" } },
        says: ['ports.http: "6080" is not allowed; give a TCP port between 1024 and 65535.'],
    },
    {
        good: KIND,
        change: { ports: { http: 60443 } },
        says: ["ports.http: 60443 is not allowed; give another port than ports.https."],
    },
    {
        good: KIND,
        change: { ports: { https: 8080 } },
        says: [
            "ports.https: 8080 is not allowed; give another port than 8080, 8081, 8082, 10254, where kubelet's probes and Prometheus go.",
        ],
    },
    {
        good: KIND,
        change: { nodeSelector: "ingress-ready" },
        says: ['nodeSelector: "ingress-ready" is not allowed; give an object of node labels.'],
    },
    {
        good: KIND,
        change: { nodeSelector: { "ingress-ready": true } },
        says: ["nodeSelector.ingress-ready: true is not allowed; give text."],
    },
    {
        good: KIND,
        change: { sourceRanges: ["10.0.0.0/8", "10.1.2.3"] },
        says: ['sourceRanges.1: "10.1.2.3" is not allowed; give a network as CIDR, such as 10.1.0.0/16.'],
    },
    {
        good: KIND,
        change: { sourceRanges: "fd00::/8" },
        says: ['sourceRanges: "fd00::/8" is not allowed; give a list, each a network as CIDR, such as 10.1.0.0/16.'],
    },
    {
        good: KIND,
        change: { address: "fd00::10", sourceRanges: ["10.0.0.0/8", "192.0.2.0/24"] },
        says: [
            'sourceRanges: ["10.0.0.0/8","192.0.2.0/24"] is not allowed; give at least one IPv6 network, since the address is IPv6.',
        ],
    },
    { good: KIND, change: { loadBalancer: { provider: "aws" } }, says: ["loadBalancer: there is no such setting."] },
    {
        good: KIND,
        change: { proxy: { replicas: -1 } },
        says: ["proxy.replicas: -1 is not allowed; give a whole number of pods, zero or more."],
    },
    {
        good: KIND,
        change: { proxy: { replicas: 1.5 } },
        says: ["proxy.replicas: 1.5 is not allowed; give a whole number of pods, zero or more."],
    },
    {
        good: KIND,
        change: { limits: { requestsPerSecond: "100", burst: -1, connections: 0.5, perAddress: 1 } },
        says: [
            'limits.requestsPerSecond: "100" is not allowed; give a whole number of requests per second, zero or more.',
            "limits.burst: -1 is not allowed; give a whole number of requests, zero or more.",
            "limits.connections: 0.5 is not allowed; give a whole number of open requests, zero or more.",
            "limits.perAddress: there is no such setting.",
        ],
    },
    {
        good: KIND,
        change: { metrics: true },
        says: ["metrics: true is not allowed; give an object with enabled and podMonitor."],
    },
    {
        good: KIND,
        change: { metrics: { podMonitor: true } },
        says: ["metrics.podMonitor: true is not allowed; give false, or set metrics.enabled to true."],
    },
    { good: KIND, change: { proxy: { replica: 1 } }, says: ["proxy.replica: there is no such setting."] },
    {
        good: KIND,
        change: { ingressNginx: { chartVersion: "" } },
        says: ['ingressNginx.chartVersion: "" is not allowed; give a chart version.'],
    },
    {
        good: KIND,
        change: { certManager: { install: "yes" } },
        says: ['certManager.install: "yes" is not allowed; give true or false.'],
    },
    {
        good: KIND,
        change: { certManager: { install: false, version: "v1.21.2" } },
        says: ["certManager.version: there is no such setting."],
    },
    {
        good: KIND,
        change: { certManager: { install: true, values: "crds" } },
        says: ['certManager.values: "crds" is not allowed; give an object of chart values.'],
    },
    {
        good: KIND,
        change: { certManager: { install: true, namespace: "interlink" } },
        says: ['certManager.namespace: "interlink" is not allowed; give a namespace of its own.'],
    },
    {
        good: KIND,
        change: { certManager: { install: true, version: "v1.14.7" } },
        says: [
            'certManager.version: "v1.14.7" is not allowed; give v1.15.0 or later, whose chart keeps the definitions of certificates when it is removed.',
        ],
    },
    {
        good: KIND,
        change: {
            certManager: { install: true, version: "1.9.1", values: { installCRDs: true } },
            mirror: { charts: "oci://mirror.site.example/charts" },
        },
        says: [
            'certManager.version: "1.9.1" is not allowed; give v1.15.0 or later, whose chart keeps the definitions of certificates when it is removed.',
        ],
    },
    {
        good: KIND,
        change: { ca: { duration: "59m" } },
        says: ['ca.duration: "59m" is not allowed; give a duration of at least 1h, such as 2160h or 90h30m.'],
    },
    {
        good: KIND,
        change: { ca: { duration: "100y" } },
        says: ['ca.duration: "100y" is not allowed; give a duration of at least 1h, such as 2160h or 90h30m.'],
    },
    {
        good: KIND,
        change: { ca: { generation: 0, rotation: "both" } },
        says: [
            "ca.generation: 0 is not allowed; give a whole number from 1 to 999.",
            'ca.rotation: "both" is not allowed; give none, prepare, complete.',
        ],
    },
    {
        good: KIND,
        change: { ca: { rotation: "prepare" } },
        says: [
            'ca.rotation: "prepare" is not allowed; give none, or set ca.generation to the next number, since nothing comes before generation 1.',
        ],
    },
    {
        good: KIND,
        change: { ca: { generation: 2, rotation: "prepare", force: true } },
        says: ["ca.force: true is not allowed; give false, since it matters only where ca.rotation is complete."],
    },
    {
        good: KIND,
        change: { certificate: { duration: 2160 } },
        says: ["certificate.duration: 2160 is not allowed; give a duration of at least 1h, such as 2160h or 90h30m."],
    },
    {
        good: KIND,
        change: { ca: { duration: "2h" }, certificate: { duration: "3h" } },
        says: ['certificate.duration: "3h" is not allowed; give at most the CA\'s, 2h.'],
    },
    {
        good: KIND,
        change: { mirror: { registry: "https://mirror.site.example" } },
        says: [
            'mirror.registry: "https://mirror.site.example" is not allowed; give a registry whose host has a dot or a port, such as mirror.site.example:5000/path, in lower case.',
        ],
    },
    ...["mirror.site.example:5000/copies/", "mirror.site.example/Copies", "harbor/copies", "harbor"].map(
        (registry) => ({
            good: KIND,
            change: { mirror: { registry } },
            says: [
                `mirror.registry: "${registry}" is not allowed; give a registry whose host has a dot or a port, such as mirror.site.example:5000/path, in lower case.`,
            ],
        }),
    ),
    ...["", "https://charts.site.example", "oci://mirror.site.example/charts/", "/nowhere/charts"].map((charts) => ({
        good: KIND,
        change: { mirror: { charts } },
        says: [`mirror.charts: "${charts}" is not allowed; give an oci:// address, or a folder that is there.`],
    })),
    {
        good: KIND,
        change: { mirror: { chartsCa: "/nowhere/ca.pem" } },
        says: [
            'mirror.chartsCa: "/nowhere/ca.pem" is not allowed; give the path of a file with a CA certificate, PEM.',
        ],
    },
    {
        good: KIND,
        change: { registryLogins: "mirror.site.example" },
        says: ['registryLogins: "[secret]" is not allowed; give an object of logins by their registries.'],
    },
    {
        good: KIND,
        change: { registryLogins: { "https://mirror.site.example": { username: "u", password: "s3cret" } } },
        says: [
            'registryLogins.https://mirror.site.example: "https://mirror.site.example" is not allowed; give a registry\'s host, with its port if it has one, such as mirror.site.example:5000.',
        ],
    },
    {
        good: KIND,
        change: { registryLogins: { "mirror.site.example": { username: "u" } } },
        says: ["registryLogins.mirror.site.example.password is missing; give a password or token."],
    },
    {
        good: KIND,
        change: { registryLogins: { "mirror.site.example": { username: "u", password: 12345 } } },
        says: ['registryLogins.mirror.site.example.password: "[secret]" is not allowed; give a password or token.'],
    },
    {
        good: KIND,
        change: { pods: { nodeSelector: "linux" } },
        says: ['pods.nodeSelector: "linux" is not allowed; give an object of node labels.'],
    },
    {
        good: KIND,
        change: { pods: { tolerations: { key: "dedicated" } } },
        says: [
            'pods.tolerations: {"key":"dedicated"} is not allowed; give a list of tolerations, as a pod spells them.',
        ],
    },
    {
        good: KIND,
        change: { pods: { tolerations: [{ key: "dedicated", effect: "NoWay" }] } },
        says: ['pods.tolerations.0.effect: "NoWay" is not allowed; give NoSchedule, PreferNoSchedule or NoExecute.'],
    },
    {
        good: KIND,
        change: { pods: { tolerations: [{ effect: "NoSchedule" }] } },
        says: [`pods.tolerations.0: {"effect":"NoSchedule"} is not allowed; give ${TOLERATION}.`],
    },
    ...[
        { key: "dedicated", operator: "Exists", value: "hpc" },
        { key: "dedicated", effect: "NoSchedule", tolerationSeconds: 60 },
    ].map((toleration) => ({
        good: KIND,
        change: { pods: { tolerations: [toleration] } },
        says: [`pods.tolerations.0: ${JSON.stringify(toleration)} is not allowed; give ${TOLERATION}.`],
    })),
    {
        good: KIND,
        change: { pods: { nodeSelector: { zone: "room 1" } } },
        says: [`pods.nodeSelector.zone: "room 1" is not allowed; give ${LABEL}.`],
    },
    {
        good: KIND,
        change: { nodeSelector: { "site.example/a/b": "true" } },
        says: [`nodeSelector.site.example/a/b: "site.example/a/b" is not allowed; give ${LABEL}.`],
    },
    {
        good: KIND,
        change: { pods: { assignedUserIds: 1000 } },
        says: ["pods.assignedUserIds: 1000 is not allowed; give true or false."],
    },
    {
        good: KIND,
        change: { controller: "ingress-nginx", pods: { assignedUserIds: true } },
        says: [
            'controller: "ingress-nginx" is not allowed; give traefik or none, since pods.assignedUserIds is true and its image has one user of its own.',
        ],
    },
    {
        good: METALLB,
        change: { pods: { assignedUserIds: true } },
        says: [
            "metallb.install: true is not allowed; give false, since pods.assignedUserIds is true and MetalLB's pods have users of their own.",
        ],
    },
    {
        good: KIND,
        change: { images: { nginx: "docker.io/nginxinc/nginx-unprivileged" } },
        says: [
            'images.nginx: "docker.io/nginxinc/nginx-unprivileged" is not allowed; give an image with a tag or a digest.',
        ],
    },
    {
        good: KIND,
        change: { images: { nginx: "nginx:1.31@sha256:abc" } },
        says: ['images.nginx: "nginx:1.31@sha256:abc" is not allowed; give an image with a tag or a digest.'],
    },
    ...["docker.io/library/traefik:v3.6.12", "mirror:5000/traefik:2.11"].map((traefik) => ({
        good: KIND,
        change: { controller: "traefik", images: { traefik } },
        says: [
            `images.traefik: "${traefik}" is not allowed; give Traefik 3.7 or later, which knows the annotations for source ranges and silent connections.`,
        ],
    })),
    { good: KIND, change: { images: { apache: "httpd:2" } }, says: ["images.apache: there is no such setting."] },
    {
        good: KIND,
        change: { interlink: undefined },
        says: [`interlink is missing; give ${AN_INTERLINK}, or sites.`],
    },
    {
        good: KIND,
        change: { interlink: { port: 3000 } },
        says: [
            "interlink.address is missing; give a URL that starts with http:// or https://, then an IP address or a DNS name, without a port.",
        ],
    },
    {
        good: KIND,
        change: { interlink: { address: "10.9.9.9", port: 3000 } },
        says: [
            'interlink.address: "10.9.9.9" is not allowed; give a URL that starts with http:// or https://, then an IP address or a DNS name, without a port.',
        ],
    },
    {
        good: KIND,
        change: { interlink: { address: "https://10.9.9.9:3000", port: 3000 } },
        says: [
            'interlink.address: "https://10.9.9.9:3000" is not allowed; give a URL that starts with http:// or https://, then an IP address or a DNS name, without a port.',
        ],
    },
    {
        good: KIND,
        change: { interlink: { address: "https://user@10.9.9.9", port: 3000 } },
        says: [
            'interlink.address: "https://user@10.9.9.9" is not allowed; give a URL that starts with http:// or https://, then an IP address or a DNS name, without a port.',
        ],
    },
    ...["https://10.9.9.300", "https://10.9.9", "https://[:::]", "https://[cafe]", "https://edge.example?a=1"].map(
        (address) => ({
            good: KIND,
            change: { interlink: { address, port: 3000 } },
            says: [
                `interlink.address: "${address}" is not allowed; give a URL that starts with http:// or https://, then an IP address or a DNS name, without a port.`,
            ],
        }),
    ),
    {
        good: KIND,
        change: { interlink: { address: "https://10.9.9.9", port: 0 } },
        says: ["interlink.port: 0 is not allowed; give a TCP port between 1 and 65535."],
    },
    {
        good: KIND,
        change: { interlink: { address: "https://10.9.9.9", port: 3000, nodeName: "node 1" } },
        says: [
            'interlink.nodeName: "node 1" is not allowed; give a Kubernetes name: lower-case letters, digits and hyphens, at most 56.',
        ],
    },
    {
        good: KIND,
        change: { interlink: { address: "https://10.9.9.9", port: 3000, kubeletCertificate: "csr" } },
        says: ['interlink.kubeletCertificate: "csr" is not allowed; give self-signed or signed.'],
    },
    {
        good: KIND,
        change: { interlink: { address: "https://10.9.9.9", port: 3000, kubeletCertificate: true } },
        says: ["interlink.kubeletCertificate: true is not allowed; give self-signed or signed."],
    },
    {
        good: KIND,
        change: { interlink: { address: "https://10.9.9.9", port: 3000, longestJob: "3 days" } },
        says: ['interlink.longestJob: "3 days" is not allowed; give a duration, such as 72h or 1h30m.'],
    },
    {
        good: KIND,
        change: { interlink: { address: "https://10.9.9.9", port: 3000, longestJob: "0h" } },
        says: ['interlink.longestJob: "0h" is not allowed; give a duration, such as 72h or 1h30m.'],
    },
    {
        good: KIND,
        change: { interlink: { address: "https://10.9.9.9", port: 3000, resources: { cpus: -8 } } },
        says: ["interlink.resources.cpus: -8 is not allowed; give a whole number of CPU cores, zero or more."],
    },
    {
        good: KIND,
        change: { interlink: { address: "https://10.9.9.9", port: 3000, resources: { memory: "49Gi" } } },
        says: ["interlink.resources.memory: there is no such setting."],
    },
    {
        good: KIND,
        change: { interlink: { address: "https://10.9.9.9", port: 3000, allowUnknownChartVersion: "true!" } },
        says: ['interlink.allowUnknownChartVersion: "true!" is not allowed; give true or false.'],
    },
    {
        good: KIND,
        change: { interlink: { address: "https://10.9.9.9", port: 3000, namespace: "ingress-nginx-internal" } },
        says: [
            'interlink.namespace: "ingress-nginx-internal" is not allowed; give another namespace than the setting namespace.',
        ],
    },
    {
        good: KIND,
        change: { interlink: undefined, controller: "x" },
        says: [
            'controller: "x" is not allowed; give none, traefik or ingress-nginx.',
            `interlink is missing; give ${AN_INTERLINK}, or sites.`,
        ],
    },
    {
        good: KIND,
        change: { interlink: "https://10.9.9.9" },
        says: [`interlink: "https://10.9.9.9" is not allowed; give ${AN_INTERLINK}.`],
    },
    {
        good: KIND,
        change: { interlink: { mode: "tunnel" } },
        says: ['interlink.mode: "tunnel" is not allowed; give edge or in-cluster.'],
    },
    {
        good: KIND,
        change: { interlink: { mode: "in-cluster", plugin: { image: "plugin:1" }, address: "https://10.9.9.9" } },
        says: ["interlink.address: there is no such setting."],
    },
    {
        good: KIND,
        change: { interlink: { mode: "in-cluster" } },
        says: ["interlink.plugin is missing; give an object with at least image."],
    },
    {
        good: KIND,
        change: { interlink: { mode: "in-cluster", sockets: "/var/run", plugin: { image: "plugin", config: {} } } },
        says: [
            'interlink.sockets: "/var/run" is not allowed; give true or false.',
            'interlink.plugin.image: "plugin" is not allowed; give an image with a tag or a digest.',
            "interlink.plugin.config: {} is not allowed; give the text of plugin.yaml.",
        ],
    },
    {
        good: KIND,
        change: { interlink: { ...interlink, values: { OAUTH: { enabled: true } } } },
        says: ["interlink.values: there is no such setting."],
    },
    {
        good: KIND,
        change: { sites: { north: interlink, south: interlink } },
        says: ['sites: ["north","south"] is not allowed; give either interlink or sites.'],
    },
    {
        good: KIND,
        change: { interlink: undefined, sites: {} },
        says: ["sites: {} is not allowed; give an object with at least one site by its name."],
    },
    {
        good: KIND,
        change: { interlink: undefined, sites: [{ address: "https://10.9.9.9", port: 3000 }] },
        says: [
            'sites: [{"address":"https://10.9.9.9","port":3000}] is not allowed; give an object with at least one site by its name.',
        ],
    },
    {
        good: KIND,
        change: { interlink: undefined, sites: { North: interlink } },
        says: [
            'sites.North: "North" is not allowed; give a name of lower-case letters, digits and hyphens, at most 46.',
        ],
    },
    {
        good: KIND,
        change: { interlink: undefined, sites: { north: interlink, south: { address: "10.9.9.9" } } },
        says: [
            'sites.south.address: "10.9.9.9" is not allowed; give a URL that starts with http:// or https://, then an IP address or a DNS name, without a port.',
            "sites.south.port is missing; give a TCP port between 1 and 65535.",
        ],
    },
    {
        good: KIND,
        change: { uniqueNames: true, interlink: undefined, sites: { [LONG_SITE]: interlink } },
        says: [
            `sites.${LONG_SITE}.nodeName: "interlink-${LONG_SITE}" is not allowed; give a name of at most 50 characters, since uniqueNames makes it longer.`,
        ],
    },
    {
        good: KIND,
        change: { interlink: undefined, sites: { north: { ...interlink, values: "s3cret" } } },
        says: ['sites.north.values: "[secret]" is not allowed; give an object of chart values.'],
    },
    {
        good: KIND,
        change: {
            interlink: undefined,
            sites: { north: interlink, south: { ...interlink, nodeName: "interlink-north" } },
        },
        says: ['sites.south.nodeName: "interlink-north" is not allowed; give another nodeName than sites.north.'],
    },
    {
        good: KIND,
        change: {
            interlink: undefined,
            sites: { north: { ...interlink, namespace: "hpc" }, south: { ...interlink, namespace: "hpc" } },
        },
        says: ['sites.south.namespace: "hpc" is not allowed; give another namespace than sites.north.'],
    },
    {
        good: KIND,
        change: { interlink: undefined, sites: { north: { ...interlink, namespace: "ingress-nginx-internal" } } },
        says: [
            'sites.north.namespace: "ingress-nginx-internal" is not allowed; give another namespace than the setting namespace.',
        ],
    },
    {
        good: KIND,
        change: {
            interlink: undefined,
            sites: { north: interlink, south: { ...interlink, namespace: "cert-manager" } },
        },
        says: ['certManager.namespace: "cert-manager" is not allowed; give a namespace of its own.'],
    },
    {
        good: EXTERNAL,
        change: { api: undefined },
        says: ["api is missing; give an object with at least address and port."],
    },
    {
        good: EXTERNAL,
        change: { api: { address: "https://10.1.2.3", port: 0 } },
        says: [
            'api.address: "https://10.1.2.3" is not allowed; give an IP address or a DNS name.',
            "api.port: 0 is not allowed; give a TCP port between 1 and 65535.",
        ],
    },
    {
        good: EXTERNAL,
        change: { api: { ...EXTERNAL.api, caCertificate: "/etc/ssl/ca.pem" } },
        says: [
            'api.caCertificate: "/etc/ssl/ca.pem" is not allowed; give one or more certificates as PEM, and nothing else.',
        ],
    },
    {
        good: EXTERNAL,
        change: { api: { ...EXTERNAL.api, caCertificate: BAD_PEM } },
        says: [
            `api.caCertificate: ${JSON.stringify(BAD_PEM)} is not allowed; give one or more certificates as PEM, and nothing else.`,
        ],
    },
    {
        good: EXTERNAL,
        change: { api: { ...EXTERNAL.api, caCertificate: "-----BEGIN PRIVATE KEY-----" } },
        says: ['api.caCertificate: "[secret]" is not allowed; give one or more certificates as PEM, and nothing else.'],
    },
    {
        good: EXTERNAL,
        change: { controller: "traefik", ports: { https: 60443 } },
        says: ["controller: there is no such setting.", "ports: there is no such setting."],
    },
    ...["./not-there", "interlink", ""].map((chart) => ({
        good: EXTERNAL,
        change: { interlink: { ...interlink, chart } },
        says: [`interlink.chart: "${chart}" is not allowed; give a chart's oci:// address, or a folder that is there.`],
    })),
    {
        good: KIND,
        change: { ingressNginx: { chart: "ingress-nginx/ingress-nginx" } },
        says: [
            `ingressNginx.chart: "ingress-nginx/ingress-nginx" is not allowed; give a chart's oci:// address, or a folder that is there.`,
        ],
    },
    {
        good: EXTERNAL,
        change: { interlink: { ...interlink, chartVersion: "9.9.9" } },
        says: [
            'interlink.chartVersion: "9.9.9" is not allowed; give one of 0.6.1, 0.6.2-pre1, 0.6.2-pre2, 0.6.2-pre3, or set allowUnknownChartVersion.',
        ],
    },
    { good: KIND, change: { api: EXTERNAL.api }, says: ["api: there is no such setting."] },
    {
        good: KIND,
        change: { interlink: { address: "http://10.9.9.9", port: 3000 } },
        says: [
            'interlink.address: "http://10.9.9.9" is not allowed; give an https:// URL, or set interlink.tls.insecure: true, since tokens go there in clear text.',
        ],
    },
    {
        good: KIND,
        change: { interlink: { address: "https://10.9.9.9", port: 3000, tls: { ca: "ca.pem" } } },
        says: ['interlink.tls.ca: "[secret]" is not allowed; give one certificate, PEM.'],
    },
    {
        good: KIND,
        change: { interlink: { address: "https://10.9.9.9", port: 3000, tls: { key: "s3cret" } } },
        says: ['interlink.tls.key: "[secret]" is not allowed; give a private key, PEM, without a password.'],
    },
    {
        good: KIND,
        change: { interlink: { address: "https://10.9.9.9", port: 3000, tls: { insecure: "yes" } } },
        says: ['interlink.tls.insecure: "yes" is not allowed; give true or false.'],
    },
    { good: CLOUD, change: { address: "-" }, says: ['address: "-" is not allowed; give an IP address or a DNS name.'] },
    {
        good: CLOUD,
        change: { loadBalancer: undefined },
        says: ["loadBalancer is missing; give an object with at least provider."],
    },
    {
        good: CLOUD,
        change: { loadBalancer: { provider: "ibm" } },
        says: ['loadBalancer.provider: "ibm" is not allowed; give aws, gcp, azure, openstack or other.'],
    },
    {
        good: CLOUD,
        change: { loadBalancer: { provider: "aws", internal: false } },
        says: ["loadBalancer.sourceRanges: [] is not allowed; give at least one CIDR, since internal is false."],
    },
    {
        good: CLOUD,
        change: { loadBalancer: { provider: "other" } },
        says: ["loadBalancer.sourceRanges: [] is not allowed; give at least one CIDR, since provider is other."],
    },
    {
        good: CLOUD,
        change: { loadBalancer: { provider: "aws", sourceRanges: ["10.0.0.0"] } },
        says: ['loadBalancer.sourceRanges.0: "10.0.0.0" is not allowed; give a network as CIDR, such as 10.1.0.0/16.'],
    },
    ...["10.0.0.0/08", "fe80::%eth0/64", "::ffff:10.0.0.0/104"].map((range) => ({
        good: CLOUD,
        change: { loadBalancer: { provider: "aws", sourceRanges: [range] } },
        says: [`loadBalancer.sourceRanges.0: "${range}" is not allowed; give a network as CIDR, such as 10.1.0.0/16.`],
    })),
    {
        good: CLOUD,
        change: { loadBalancer: { provider: "aws", sourceRanges: ["10.0.0.0/33"] } },
        says: [
            'loadBalancer.sourceRanges.0: "10.0.0.0/33" is not allowed; give a network as CIDR, such as 10.1.0.0/16.',
        ],
    },
    {
        good: CLOUD,
        change: { address: "10.1.2.3", loadBalancer: { provider: "aws", sourceRanges: ["fd00::/8"] } },
        says: [
            'loadBalancer.sourceRanges: ["fd00::/8"] is not allowed; give at least one IPv4 network, since the address is IPv4.',
        ],
    },
    {
        good: CLOUD,
        change: { loadBalancer: { provider: "aws", annotations: { a: 1 } } },
        says: ["loadBalancer.annotations.a: 1 is not allowed; give text."],
    },
    {
        good: CLOUD,
        change: { loadBalancer: { provider: "aws", port: 0 } },
        says: ["loadBalancer.port: 0 is not allowed; give a TCP port between 1 and 65535."],
    },
    {
        good: CLOUD,
        change: { loadBalancer: { provider: "aws", port: 6080 } },
        says: ["loadBalancer.port: 6080 is not allowed; give another port than ports.http."],
    },
    {
        good: CLOUD,
        change: { controller: "ingress-nginx", loadBalancer: { provider: "aws", port: 8443 } },
        says: [
            "loadBalancer.port: 8443 is not allowed; give 443, or set ports.https to it, since ingress-nginx redirects plain HTTP to no other port.",
        ],
    },
    {
        good: CLOUD,
        change: { loadBalancer: { provider: "aws", class: "no class" } },
        says: [
            'loadBalancer.class: "no class" is not allowed; give a class of load balancers, such as site.example/internal.',
        ],
    },
    {
        good: CLOUD,
        change: { loadBalancer: { provider: "aws", externalTrafficPolicy: "local" } },
        says: ['loadBalancer.externalTrafficPolicy: "local" is not allowed; give Cluster or Local.'],
    },
    { good: CLOUD, change: { nodeSelector: {} }, says: ["nodeSelector: there is no such setting."] },
    {
        good: METALLB,
        change: { address: "api.site.example" },
        says: ['address: "api.site.example" is not allowed; give an IP address.'],
    },
    {
        good: METALLB,
        change: { address: "fe80::1%eth0" },
        says: ['address: "fe80::1%eth0" is not allowed; give an IP address.'],
    },
    {
        good: METALLB,
        change: { address: "10.1.9.9" },
        says: ['address: "10.1.9.9" is not allowed; give an address of metallb.addresses, 10.1.2.0/28.'],
    },
    {
        good: METALLB,
        change: { metallb: undefined },
        says: ["metallb is missing; give an object with install: true or false, and addresses."],
    },
    {
        good: METALLB,
        change: { metallb: { install: true, addresses: [] } },
        says: [
            "metallb.addresses: [] is not allowed; give a list, each a network as CIDR, such as 10.1.2.0/28, or a range, such as 10.1.2.3-10.1.2.9.",
        ],
    },
    {
        good: METALLB,
        change: { metallb: { install: true, addresses: ["10.1.2.9-10.1.2.3"] } },
        says: [
            'metallb.addresses.0: "10.1.2.9-10.1.2.3" is not allowed; give a network as CIDR, such as 10.1.2.0/28, or a range, such as 10.1.2.3-10.1.2.9.',
        ],
    },
    ...["fe80::1%eth0-fe80::9%eth0", "::ffff:10.1.2.3-::ffff:10.1.2.9"].map((range) => ({
        good: METALLB,
        change: { metallb: { install: true, addresses: ["10.1.2.0/28", range] } },
        says: [
            `metallb.addresses.1: "${range}" is not allowed; give a network as CIDR, such as 10.1.2.0/28, or a range, such as 10.1.2.3-10.1.2.9.`,
        ],
    })),
    {
        good: METALLB,
        change: { metallb: { install: true, addresses: ["10.1.2.8-10.1.2.20", "fd00::/120", "10.1.2.0/28"] } },
        says: [
            'metallb.addresses: ["10.1.2.8-10.1.2.20","fd00::/120","10.1.2.0/28"] is not allowed; give each address once, since MetalLB refuses 10.1.2.0/28 besides the ranges before it.',
        ],
    },
    {
        good: METALLB,
        change: { metallb: { install: true, addresses: ["10.1.2.0/28"], namespace: "cert-manager" } },
        says: ['metallb.namespace: "cert-manager" is not allowed; give a namespace of its own.'],
    },
    {
        good: METALLB,
        change: { metallb: { install: true } },
        says: [
            "metallb.addresses is missing; give a list, each a network as CIDR, such as 10.1.2.0/28, or a range, such as 10.1.2.3-10.1.2.9.",
        ],
    },
    {
        good: METALLB,
        change: { metallb: { install: false, addresses: ["10.1.9.0/28"] } },
        says: ['address: "10.1.2.3" is not allowed; give an address of metallb.addresses, 10.1.9.0/28.'],
    },
    {
        good: METALLB,
        change: { loadBalancer: { port: 70000 } },
        says: ["loadBalancer.port: 70000 is not allowed; give a TCP port between 1 and 65535."],
    },
    {
        good: METALLB,
        change: { loadBalancer: { class: "" } },
        says: ['loadBalancer.class: "" is not allowed; give a class of load balancers, such as site.example/internal.'],
    },
    {
        good: METALLB,
        change: { loadBalancer: { internal: true } },
        says: ["loadBalancer.internal: there is no such setting."],
    },
    {
        good: METALLB,
        change: { loadBalancer: { sourceRanges: "10.0.0.0/8" } },
        says: [
            'loadBalancer.sourceRanges: "10.0.0.0/8" is not allowed; give a list, each a network as CIDR, such as 10.1.0.0/16.',
        ],
    },
    {
        good: KIND,
        change: { interlink: { address: "https://10.9.9.9", port: 3000, chartVersion: "9.9.9" } },
        says: [
            'interlink.chartVersion: "9.9.9" is not allowed; give one of 0.6.1, 0.6.2-pre1, 0.6.2-pre2, 0.6.2-pre3, or set allowUnknownChartVersion.',
        ],
    },
    {
        good: KIND,
        change: { environment: "moon", controller: "x", ports: { https: 0 } },
        says: [
            'environment: "moon" is not allowed; give kind, cloud, metallb or external.',
            'controller: "x" is not allowed; give none, traefik or ingress-nginx.',
            "ports.https: 0 is not allowed; give a TCP port between 1024 and 65535.",
        ],
    },
];
