import { existsSync } from "node:fs";
import * as pulumi from "@pulumi/pulumi";
import { z } from "zod";
import { CONTROLLERS } from "../components/internalIngressController";
import { KUBELET_CERTIFICATES } from "../components/interlinkRelease";
import { PROVIDERS, TRAFFIC_POLICIES } from "../components/loadBalancer";
import { ADMIT, DEFAULT_LIMITS } from "../components/nginxApiProxy";
import { ROTATIONS } from "../components/selfSignedCA";
import {
    ADDRESS,
    ADDRESS_RANGE,
    addressRange,
    canonicalAddress,
    CIDR,
    DURATION,
    durationSeconds,
    isAddress,
    isCertificateDuration,
    isCertificates,
    isCidr,
    isIpAddress,
} from "../components/parts/arguments";
import { charts, images } from "../versions";
import { isPrivateKey } from "./pem";

const text = (allowed: string) => z.string({ error: allowed }).min(1, { error: allowed });
const integer = (allowed: string, min: number, max = Number.MAX_SAFE_INTEGER) =>
    z.int({ error: allowed }).min(min, { error: allowed }).max(max, { error: allowed });
const count = (what: string) => integer(`a whole number of ${what}, zero or more`, 0);
const port = integer("a TCP port between 1 and 65535", 1, 65535);
/** Containers without privileges cannot take lower ones everywhere. */
const containerPort = integer("a TCP port between 1024 and 65535", 1024, 65535);
const matching = (allowed: string, ok: (value: string) => boolean) =>
    z.string({ error: allowed }).refine(ok, { error: allowed });
const duration = matching(DURATION, isCertificateDuration);
const JOB_DURATION = "a duration, such as 72h or 1h30m";
const address = matching(ADDRESS, isAddress).transform(canonicalAddress);
const pattern = (allowed: string, regex: RegExp) => matching(allowed, (value) => regex.test(value));
/** At most 56, so that a suffix of 7 fits into the 63 of a Kubernetes name. */
const name = pattern(
    "a Kubernetes name: lower-case letters, digits and hyphens, at most 56",
    /^[a-z0-9]([-a-z0-9]{0,54}[a-z0-9])?$/,
);
const flag = z.boolean({ error: "true or false" });
const values = z.record(z.string(), z.unknown(), { error: "an object of chart values" });
const strings = (allowed: string) => z.record(z.string(), z.string({ error: "text" }), { error: allowed });
/** What pods are refused with only when they are made. */
const LABEL =
    "a label as Kubernetes takes it: letters, digits, -, _ and ., at most 63, and a domain and / before its name if any";
const labels = z.record(
    pattern(LABEL, /^([a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?\/)?[A-Za-z0-9]([-\w.]{0,61}[A-Za-z0-9])?$/),
    z
        .string({ error: "text" })
        .refine((value) => /^([A-Za-z0-9]([-\w.]{0,61}[A-Za-z0-9])?)?$/.test(value), { error: LABEL }),
    { error: "an object of node labels" },
);
/** Helm takes a URL of a packed chart as well; what is none of these it would look for in the middle of an update. */
const chart = matching(
    "a chart's oci:// address, or a folder that is there",
    (value) => /^(oci|https?):\/\/./.test(value) || existsSync(value),
);
const chartVersion = text("a chart version");
const image = pattern(
    "an image with a tag or a digest",
    /^[^\s:@]+(:\d+\/[^\s:@]+)?(:[\w][\w.-]*|@sha256:[0-9a-f]{64}|:[\w][\w.-]*@sha256:[0-9a-f]{64})$/,
);
const REGISTRY_HOST = "a registry's host, with its port if it has one, such as mirror.site.example:5000";
const TOLERATION =
    "an object with key, operator, value and effect; without a key the operator is Exists, which takes no value, and " +
    "tolerationSeconds are for the effect NoExecute";
const toleration = z
    .strictObject(
        {
            key: text("the key of a taint").optional(),
            operator: z.enum(["Exists", "Equal"], { error: "Exists or Equal" }).optional(),
            value: z.string({ error: "text" }).optional(),
            effect: z
                .enum(["NoSchedule", "PreferNoSchedule", "NoExecute"], {
                    error: "NoSchedule, PreferNoSchedule or NoExecute",
                })
                .optional(),
            tolerationSeconds: count("seconds").optional(),
        },
        { error: TOLERATION },
    )
    .refine(
        ({ key, operator, value, effect, tolerationSeconds }) =>
            (operator === "Exists" ? !value : key !== undefined) &&
            (tolerationSeconds === undefined || effect === "NoExecute"),
        { error: TOLERATION },
    );
/** A login, a Pulumi secret from here on. */
const registryLogin = z
    .strictObject(
        {
            /** The user. */
            username: text("the name of a user"),
            /** The user's password or token. */
            password: text("a password or token"),
        },
        { error: "an object with username and password" },
    )
    .transform((login) => pulumi.secret(login));
const CERTIFICATE = "a certificate, PEM";
const object = (allowed: string) => ({ error: `an object with ${allowed}` });

/** What is wrong with an object that is distinguished by one setting: that setting where there is an object. */
const choiceError =
    (choices: string, allowed: string) =>
    ({ input }: { readonly input?: unknown }) =>
        typeof input === "object" && input !== null ? choices : allowed;
const installError = (allowed: string) => choiceError("true or false", allowed);

/** A chart that the stack installs, or what it makes of one that the cluster has. */
const release = (namespace: string, version: string) => ({
    installed: z.strictObject({
        /** Whether the program installs it; else the cluster has it. */
        install: z.literal(true),
        /** Namespace in which it is. */
        namespace: name.default(namespace),
        /** Its chart; default the official one, or the mirror's copy. */
        chart: chart.optional(),
        /** Version of the chart. */
        version: chartVersion.default(version),
        /** More values for the chart. */
        values: values.optional(),
    }),
    present: z.strictObject({
        install: z.literal(false),
        /** Namespace in which it is. */
        namespace: name.default(namespace),
    }),
});
const certManager = release("cert-manager", charts.certManager);
const metalLB = release("metallb-system", charts.metalLB);
const pool = {
    /** Addresses that MetalLB may give: CIDRs, or ranges such as 10.1.2.3-10.1.2.9. */
    addresses: z
        .array(
            matching(ADDRESS_RANGE, (range) => addressRange(range) !== undefined),
            {
                error: `a list, each ${ADDRESS_RANGE}`,
            },
        )
        .min(1, { error: `a list, each ${ADDRESS_RANGE}` }),
};

const sourceRanges = z.array(matching(CIDR, isCidr), { error: `a list, each ${CIDR}` }).default([]);
const loadBalancer = {
    /** Networks from which clients may come. */
    sourceRanges,
    /** Port for HTTPS at the address, default ports.https; beside 443, plain HTTP is at 80. The pods stay at `ports`. */
    port: port.optional(),
    /** Class of the implementation, where the cluster has several: service.k8s.aws/nlb, say. */
    class: pattern(
        "a class of load balancers, such as site.example/internal",
        /^([a-z0-9]([-a-z0-9.]*[a-z0-9])?\/)?[A-Za-z0-9]([-\w.]{0,61}[A-Za-z0-9])?$/,
    ).optional(),
    /** Local keeps the client's address; only nodes with a pod then answer. */
    externalTrafficPolicy: z.enum(TRAFFIC_POLICIES, { error: TRAFFIC_POLICIES.join(" or ") }).default("Cluster"),
};

const SITES = "an object with at least one site by its name";
const AN_INTERLINK = "an object with at least address and port, or with mode: in-cluster and plugin";

/** The settings of a virtual node, whichever way InterLink's API server is reached. */
const virtualNode = {
    /** InterLink's chart; default the official one, or the mirror's copy. */
    chart: chart.optional(),
    /** Version of InterLink's chart. */
    chartVersion: chartVersion.default(charts.interlink),
    /** Takes a version of the chart that the program does not know. */
    allowUnknownChartVersion: flag.default(false),
    /** Who signs the virtual kubelet's serving certificate: itself or, for API servers that verify kubelets, the cluster. */
    kubeletCertificate: z
        .enum(KUBELET_CERTIFICATES, { error: KUBELET_CERTIFICATES.join(" or ") })
        .default("self-signed"),
    /** The longest job of the site, as hours, minutes, seconds: where its token would end earlier, `up` warns. */
    longestJob: matching(JOB_DURATION, (value) => durationSeconds(value) > 0).optional(),
    /** What the virtual node offers: CPU cores, GiB of memory, pods. */
    resources: z
        .strictObject(
            {
                /** CPU cores. */
                cpus: count("CPU cores").default(8),
                /** Memory in GiB. */
                memGiB: count("GiB").default(49),
                /** Pods at a time. */
                pods: count("pods").default(100),
            },
            object("cpus, memGiB and pods"),
        )
        .prefault({}),
};

/** Tells whether a text is a URL of a host alone, as Go takes it: in capitals too, with the root's dot, with underscores. */
function isServerUrl(url: string): boolean {
    const [, name = "", ipv6] = /^https?:\/\/(?:([\w.-]+)|\[([0-9A-Fa-f:]+)\])$/.exec(url) ?? [];
    return ipv6 === undefined
        ? isAddress(name.toLowerCase().replace(/\.$/, "").replaceAll("_", "-"))
        : isIpAddress(ipv6);
}

/** InterLink's "edge node": its API server runs at the HPC site. */
const edge = {
    /** Where InterLink's API server and the plugin run: at the HPC site, or in the cluster. */
    mode: z.literal("edge").optional(),
    /** URL of the InterLink API server on the far side, without the port. */
    address: matching(
        "a URL that starts with http:// or https://, then an IP address or a DNS name, without a port",
        isServerUrl,
    ),
    /** Port of the InterLink API server. */
    port,
    /** How the virtual kubelet knows that server, and what it shows of itself. */
    tls: z
        .strictObject(
            {
                /** The certificate that verifies it, PEM: a CA's, or its own; default the roots of the virtual kubelet's image. */
                ca: matching("one certificate, PEM", (pem) => isCertificates(pem, 1)).optional(),
                /** The virtual kubelet's certificate, PEM, for mutual TLS. */
                cert: matching(CERTIFICATE, (pem) => isCertificates(pem)).optional(),
                /** Its private key, PEM; to be set with `--secret`. */
                key: matching("a private key, PEM, without a password", isPrivateKey).optional(),
                /** Takes any server, and http:// as well. */
                insecure: flag.default(false),
            },
            object("ca, cert and key, or insecure: true"),
        )
        .prefault({}),
};

/** InterLink's "in-cluster": its API server and the plugin are containers beside the virtual kubelet. */
const inCluster = {
    mode: z.literal("in-cluster"),
    /** Whether they speak over Unix sockets in /var/run instead of ports of the pod's localhost. */
    sockets: flag.default(false),
    /** The plugin; its volumes, variables and rights are values of the chart. */
    plugin: z.strictObject(
        {
            /** The plugin's image. */
            image,
            /** Text of its plugin.yaml: it has to listen on port 4000 or, with sockets, on /var/run/plugin.sock. */
            config: text("the text of plugin.yaml").optional(),
        },
        { error: "an object with at least image" },
    ),
};

/** A virtual node and its InterLink, with the settings that `interlink` and each of `sites` have for themselves. */
const site = <Own extends z.ZodRawShape>(own: Own) =>
    z.discriminatedUnion(
        "mode",
        [z.strictObject({ ...virtualNode, ...own, ...edge }), z.strictObject({ ...virtualNode, ...own, ...inCluster })],
        { error: choiceError("edge or in-cluster", AN_INTERLINK) },
    );

/** The settings of every environment that makes a way in, below the prefix `interlink-kube-api:`. */
export const common = {
    /**
     * The kubeconfig, its path or its text, which is kept secret; default $KUBECONFIG, else ~/.kube/config, else the pod's
     * service account.
     */
    kubeconfig: text("the path of a kubeconfig, or its text").optional(),
    /** Context of the kubeconfig; default its current one. */
    context: text("the name of a context of the kubeconfig").optional(),
    /**
     * Service account that the output kubeconfig is for, as NAMESPACE/NAME, with a token for a day; default none: then it is for
     * jobs, by the file in which each has its token.
     */
    kubeconfigFor: pattern(
        "a service account as NAMESPACE/NAME",
        /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?\/[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/,
    ).optional(),
    /** Gives namespaces and all names that the cluster has only once a random suffix, so that two stacks can share it. */
    uniqueNames: flag.default(false),
    /** Namespace of the controller, the proxy and the Ingress. */
    namespace: name.default("ingress-nginx-internal"),
    /** The ingress controller; without one clients come to the proxy itself, by one hop less and with the fewest parts. */
    controller: z.enum(["none", ...CONTROLLERS], { error: `none, ${CONTROLLERS.join(" or ")}` }).default("none"),
    /** Whether the pods that are made have network policies; false where the cluster's network takes them for something else. */
    networkPolicies: flag.default(true),
    /** Name of the controller's class. */
    ingressClassName: name.default("nginx-internal"),
    /** Ports at the address. */
    ports: z
        .strictObject(
            {
                /** Plain HTTP, which is redirected to HTTPS. */
                http: containerPort.default(6080),
                /** HTTPS. */
                https: containerPort.default(60443),
            },
            object("http and https"),
        )
        .prefault({}),
    /**
     * Whose requests the proxy passes on: `all`, as the API server decides; `tokens`, none without a bearer token, so that nobody
     * asks anonymously, /version and /healthz neither; `jobs`, those with the token of a pod on a virtual node of this stack
     * alone, which it asks the API server for, and jobs are kept from rights, nodes and tokens that outlive them.
     */
    admit: z.enum(ADMIT, { error: "all, tokens or jobs" }).default("all"),
    /** The API proxy. */
    proxy: z
        .strictObject(
            {
                /** How many pods it has; default 1 where it takes the nodes' ports itself, else 2. */
                replicas: count("pods").optional(),
            },
            object("replicas"),
        )
        .prefault({}),
    /** How much of each pod of the proxy a client may take, by its token or else its address; refused ones get 429. */
    limits: z
        .strictObject(
            {
                /** Requests per second that go on for long; 0 sets no limit. */
                requestsPerSecond: count("requests per second").default(DEFAULT_LIMITS.requestsPerSecond),
                /** Requests beyond that at once. */
                burst: count("requests").default(DEFAULT_LIMITS.burst),
                /** Requests that are open at a time, such as watches; 0 sets no limit. */
                connections: count("open requests").default(DEFAULT_LIMITS.connections),
            },
            object("requestsPerSecond, burst and connections"),
        )
        .prefault({}),
    /** Metrics for Prometheus, of the proxy and the controller; see docs/monitoring.md. */
    metrics: z
        .strictObject(
            {
                /** Whether they are counted. */
                enabled: flag.default(false),
                /** Tells the Prometheus operator by PodMonitors. */
                podMonitor: flag.default(false),
            },
            object("enabled and podMonitor"),
        )
        .prefault({}),
    /** ingress-nginx, where it is the controller. */
    ingressNginx: z
        .strictObject(
            {
                /** Its chart; default the official one, or the mirror's copy. */
                chart: chart.optional(),
                /** Version of the chart. */
                chartVersion: chartVersion.default(charts.ingressNginx),
            },
            object("chart and chartVersion"),
        )
        .prefault({}),
    /** cert-manager: installed, or the cluster's own. */
    certManager: z
        .discriminatedUnion("install", [certManager.installed, certManager.present], {
            error: installError("an object with install: true or false"),
        })
        .prefault({ install: true }),
    /** The certificate authority. */
    ca: z
        .strictObject(
            {
                /** Its lifetime as hours, minutes, seconds. */
                duration: duration.default("876000h"),
                /** Counts the authorities: the one that is there, or that a rotation leads to. */
                generation: integer("a whole number from 1 to 999", 1, 999).default(1),
                /** The step of a rotation: prepare trusts both and signs with the old, complete with the new. */
                rotation: z.enum(ROTATIONS, { error: ROTATIONS.join(", ") }).default("none"),
                /** Whether Pulumi refuses to delete the authority that signs. */
                protect: flag.default(false),
                /** Signs with the new authority although jobs run that trust the old one alone. */
                force: flag.default(false),
            },
            object("duration, generation, rotation, protect and force"),
        )
        .prefault({}),
    /** The certificate for the address. */
    certificate: z
        .strictObject(
            {
                /** Its lifetime as hours, minutes, seconds. */
                duration: duration.default("2160h"),
            },
            object("duration"),
        )
        .prefault({}),
    /** A closed network's copies of images and charts. */
    mirror: z
        .strictObject(
            {
                /** Below it every image is found by its own name. */
                registry: pattern(
                    "a registry whose host has a dot or a port, such as mirror.site.example:5000/path, in lower case",
                    // Nodes take a first part without either for a name at Docker Hub.
                    /^(?=localhost(\/|$)|[^/]*[.:])[^\s/:]+(:\d+)?(\/[a-z0-9]+([._-]+[a-z0-9]+)*)*$/,
                ).optional(),
                /** Below it every chart is found by its name. */
                charts: matching(
                    "an oci:// address, or a folder that is there",
                    (value) => /^oci:\/\/[^/]+(\/[^/]+)*$/.test(value) || existsSync(value),
                ).optional(),
                /** Path of a file with the CA, PEM, of the registry that holds the charts; default what the machine trusts. */
                chartsCa: matching("the path of a file with a CA certificate, PEM", existsSync).optional(),
            },
            object("registry, charts and chartsCa"),
        )
        .prefault({}),
    /**
     * Logins to registries, by host: for images, in a pull secret of every pod, and for charts with an oci:// address. To be
     * set by `--secret`.
     */
    registryLogins: z
        .record(pattern(REGISTRY_HOST, /^[a-z0-9][-a-z0-9.]*(:\d+)?$/), registryLogin, {
            error: "an object of logins by their registries",
        })
        .default({}),
    /** What all pods have in common, those of the charts too. */
    pods: z
        .strictObject(
            {
                /** Labels of the nodes on which they may run. */
                nodeSelector: labels.default({}),
                /** Taints of nodes that do not keep them off, as a pod spells them. */
                tolerations: z.array(toleration, { error: "a list of tolerations, as a pod spells them" }).default([]),
                /** Whether the cluster gives them their user IDs, as OpenShift does: then they name none themselves. */
                assignedUserIds: flag.default(false),
            },
            object("nodeSelector, tolerations and assignedUserIds"),
        )
        .prefault({}),
    /** Container images, by their own names: a mirror's are found from them. */
    images: z
        .strictObject(
            {
                /** The API proxy. */
                nginx: image.default(images.nginx),
                /** Counts the proxy's requests, where metrics are wanted. */
                mtail: image.default(images.mtail),
                /** Traefik, where it is the controller. */
                traefik: image.default(images.traefik),
                /** ingress-nginx, where it is the controller. */
                ingressNginx: image.default(images.ingressNginx),
                /** Waits for the virtual node; has no shell. */
                kubectl: image.default(images.kubectl),
                /** Approves the virtual kubelet's certificate, where the cluster signs it; has kubectl and a shell. */
                approver: image.default(images.approver),
                /** InterLink's virtual kubelet. */
                virtualKubelet: image.default(images.virtualKubelet),
                /** Beside it, where OAUTH is used. */
                refreshToken: image.default(images.refreshToken),
                /** InterLink's API server, where it runs in the cluster. */
                interlinkApi: image.default(images.interlinkApi),
            },
            object("images by their names"),
        )
        .prefault({}),
    /** The only virtual node and its InterLink; either it or `sites` has to be given. */
    interlink: site({
        /** Name of the virtual node. */
        nodeName: name.default("interlink-slurm-node"),
        /** Namespace of the virtual kubelet. */
        namespace: name.default("interlink"),
    }).optional(),
    /** Several virtual nodes, by names of their HPC sites. */
    sites: z
        .record(
            pattern(
                "a name of lower-case letters, digits and hyphens, at most 46",
                /^[a-z0-9]([-a-z0-9]{0,44}[a-z0-9])?$/,
            ),
            site({
                /** Name of the virtual node; default interlink- and the site's name. */
                nodeName: name.optional(),
                /** Namespace of the virtual kubelet; default interlink- and the site's name. */
                namespace: name.optional(),
                /** More values for the site's InterLink chart, such as OAUTH; a Pulumi secret. */
                values: values.transform((given) => pulumi.secret(given)).optional(),
            }),
            { error: SITES },
        )
        .refine((given) => Object.keys(given).length > 0, { error: SITES })
        .optional(),
};

/** kind, and any cluster whose nodes' own ports the HPC side reaches. */
const kind = z.strictObject({
    ...common,
    /** How the HPC side comes in: kind, cloud, metallb or external. */
    environment: z.literal("kind"),
    /** Address under which the HPC side reaches the nodes. */
    address,
    /** Labels of the nodes whose ports are taken; kind's own label is the default. */
    nodeSelector: labels.default({ "ingress-ready": "true" }),
    /** Networks from which clients may come; only where the nodes' port mapping keeps the clients' addresses. */
    sourceRanges,
});

/** A cluster whose provider makes load balancers. */
const cloud = z.strictObject({
    ...common,
    environment: z.literal("cloud"),
    /** Address under which the HPC side reaches the load balancer; default the one in the Service's status. */
    address: address.optional(),
    /** The load balancer. */
    loadBalancer: z.strictObject(
        {
            /** Whose load balancers they are: docs/load-balancers.md. */
            provider: z.enum(PROVIDERS, { error: PROVIDERS.join(", ").replace(/, (\w+)$/, " or $1") }),
            /** Whether it has an address of the internal network alone. */
            internal: flag.default(true),
            ...loadBalancer,
            /** More annotations for the Service; they win over the known ones. */
            annotations: strings("an object of annotations").default({}),
        },
        { error: "an object with at least provider" },
    ),
});

/** A cluster of one's own, where MetalLB makes load balancers. */
const metallb = z.strictObject({
    ...common,
    environment: z.literal("metallb"),
    /** Address from the pool. */
    address: matching("an IP address", isIpAddress).transform(canonicalAddress),
    /** The load balancer; a MetalLB that is installed gets a class of its own. */
    loadBalancer: z
        .strictObject(loadBalancer, object("sourceRanges, port, class and externalTrafficPolicy"))
        .prefault({}),
    /** MetalLB: installed with a pool, or the cluster's own, with a pool that is made or, without addresses, its own too. */
    metallb: z.discriminatedUnion(
        "install",
        [metalLB.installed.extend(pool), metalLB.present.extend({ addresses: pool.addresses.optional() })],
        { error: installError("an object with install: true or false, and addresses") },
    ),
});

/** A way in that somebody else provides: of the common settings those about the cluster, the images and InterLink. */
const external = z.strictObject({
    kubeconfig: common.kubeconfig,
    context: common.context,
    kubeconfigFor: common.kubeconfigFor,
    uniqueNames: common.uniqueNames,
    mirror: common.mirror,
    images: common.images,
    pods: common.pods,
    networkPolicies: common.networkPolicies,
    registryLogins: common.registryLogins,
    interlink: common.interlink,
    sites: common.sites,
    environment: z.literal("external"),
    /** The Kubernetes API as workload on the far side reaches it. */
    api: z.strictObject(
        {
            /** Address of the API. */
            address,
            /** Its port. */
            port,
            /** Certificates that verify the address, PEM; default the cluster's own certificate authority. */
            caCertificate: matching("one or more certificates as PEM, and nothing else", (pem) =>
                isCertificates(pem),
            ).optional(),
        },
        { error: "an object with at least address and port" },
    ),
});

/** All settings, by their environment. */
export const schema = z
    .discriminatedUnion("environment", [kind, cloud, metallb, external], {
        error: "kind, cloud, metallb or external",
    })
    .refine(({ interlink, sites }) => interlink !== undefined || sites !== undefined, {
        path: ["interlink"],
        error: `${AN_INTERLINK}, or sites`,
        // Beside all other faults.
        when: () => true,
    });

/** The default of a setting, where it is the same in every environment that has the setting; undefined for none. */
export function defaultOf(setting: string): unknown {
    return (common as Readonly<Record<string, z.ZodType>>)[setting]?.safeParse(undefined).data;
}

/** Whether the setting at a path is a secret, which no sentence shows. */
export function isSecret(path: readonly PropertyKey[]): boolean {
    const inTls = path.includes("tls") && path.at(-1) !== "insecure" && path.at(-1) !== "tls";
    return path[0] === "registryLogins" || (path[0] === "sites" && path[2] === "values") || inTls;
}

/** The settings that are Pulumi secrets as a whole. */
interface SecretSettings {
    /** More values for the InterLink chart of `interlink`, such as OAUTH; to be set by `--secret`. */
    readonly interlinkValues?: pulumi.Output<Record<string, unknown>>;
}

/** The settings that are no secrets, checked, with defaults filled in. */
export type PlainSettings = z.infer<typeof schema>;
/** All settings. */
export type Settings = PlainSettings & SecretSettings;
/** Those of the environment kind. */
export type KindSettings = z.infer<typeof kind> & SecretSettings;
/** Those of the environment cloud. */
export type CloudSettings = z.infer<typeof cloud> & SecretSettings;
/** Those of the environment metallb. */
export type MetalLBSettings = z.infer<typeof metallb> & SecretSettings;
/** Those of the environment external. */
export type ExternalSettings = z.infer<typeof external> & SecretSettings;
/** Those of the environments whose way in the program makes. */
export type OwnWaySettings = KindSettings | CloudSettings | MetalLBSettings;
/** What both environments with load balancers say of theirs. */
export type LoadBalancerSettings = MetalLBSettings["loadBalancer"];
