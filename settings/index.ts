import { isIP } from "node:net";
import * as pulumi from "@pulumi/pulumi";
import { z } from "zod";
import {
    ADDRESS,
    ADDRESS_RANGE,
    addressRange,
    CIDR,
    DURATION,
    durationSeconds,
    isAddress,
    isCertificateDuration,
    isCidr,
    Refusal,
    refusal,
} from "../components/parts/arguments";
import { CHART_VERSIONS, KNOWN_CHART_VERSION } from "../components/interlinkRelease";
import { CONTROLLERS } from "../components/internalIngressController";
import { PROVIDERS } from "../components/loadBalancer";
import { PORT_NAMES } from "../components/parts/ports";
import { charts, images } from "../versions";

const PREFIX = "interlink-kube-api:";
/** Ports of the health answers of the proxy and the controllers. */
const RESERVED_PORTS: readonly number[] = [8080, 8081, 10254];

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
const address = matching(ADDRESS, isAddress);
const pattern = (allowed: string, regex: RegExp) => matching(allowed, (value) => regex.test(value));
/** At most 56, so that a suffix of 7 fits into the 63 of a Kubernetes name. */
const name = pattern(
    "a Kubernetes name: lower-case letters, digits and hyphens, at most 56",
    /^[a-z0-9]([-a-z0-9]{0,54}[a-z0-9])?$/,
);
const flag = z.boolean({ error: "true or false" });
const values = z.record(z.string(), z.unknown(), { error: "an object of chart values" });
const strings = (allowed: string) => z.record(z.string(), z.string({ error: "text" }), { error: allowed });
const chart = text("a chart's oci:// address or folder");
const chartVersion = text("a chart version");
const image = pattern(
    "an image with a tag or a digest",
    /^[^\s:@]+(:\d+\/[^\s:@]+)?(:[\w][\w.-]*|@sha256:[0-9a-f]{64}|:[\w][\w.-]*@sha256:[0-9a-f]{64})$/,
);
const object = (allowed: string) => ({ error: `an object with ${allowed}` });

/** What is wrong with an object that is distinguished by `install`: that setting where there is an object. */
const installError =
    (allowed: string) =>
    ({ input }: { readonly input?: unknown }) =>
        typeof input === "object" && input !== null ? "true or false" : allowed;

/** A chart that the stack installs, or what it makes of one that the cluster has. */
const release = (namespace: string, version: string) => ({
    installed: z.strictObject({
        install: z.literal(true),
        namespace: name.default(namespace),
        chart: chart.optional(),
        version: chartVersion.default(version),
        values: values.optional(),
    }),
    present: z.strictObject({ install: z.literal(false), namespace: name.default(namespace) }),
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

/** The settings of every environment, below the prefix `interlink-kube-api:`. */
const common = {
    /** Path of the kubeconfig; default $KUBECONFIG, else ~/.kube/config. */
    kubeconfig: text("the path of a file").optional(),
    /** Gives namespaces and all names that the cluster has only once a random suffix, so that two stacks can share it. */
    uniqueNames: flag.default(false),
    /** Namespace of the controller, the proxy and the Ingress. */
    namespace: name.default("ingress-nginx-internal"),
    /** The ingress controller; without one the proxy ends TLS itself. */
    controller: z.enum(["none", ...CONTROLLERS], { error: `none, ${CONTROLLERS.join(" or ")}` }).default("traefik"),
    /** Name of the controller's class. */
    ingressClassName: name.default("nginx-internal"),
    /** Ports at the address. */
    ports: z
        .strictObject(
            { http: containerPort.default(6080), https: containerPort.default(60443) },
            object("http and https"),
        )
        .prefault({}),
    /** The API proxy; the default number of its pods is the component's. */
    proxy: z.strictObject({ replicas: count("pods").optional() }, object("replicas")).prefault({}),
    /** ingress-nginx, where it is the controller. */
    ingressNginx: z
        .strictObject(
            { chart: chart.optional(), chartVersion: chartVersion.default(charts.ingressNginx) },
            object("chart and chartVersion"),
        )
        .prefault({}),
    /** cert-manager: installed, or the cluster's own. */
    certManager: z
        .discriminatedUnion("install", [certManager.installed, certManager.present], {
            error: installError("an object with install: true or false"),
        })
        .prefault({ install: true }),
    /** The certificate authority; its lifetime as hours, minutes, seconds. */
    ca: z.strictObject({ duration: duration.default("876000h") }, object("duration")).prefault({}),
    /** The certificate for the address; its lifetime as hours, minutes, seconds. */
    certificate: z.strictObject({ duration: duration.default("2160h") }, object("duration")).prefault({}),
    /** A closed network's copies of images and charts. */
    mirror: z
        .strictObject(
            {
                registry: pattern(
                    "a registry, such as mirror.site.example:5000/path",
                    /^[^\s/:]+(:\d+)?(\/[^\s:]+)*$/,
                ).optional(),
                charts: text("an oci:// address or a folder").optional(),
            },
            object("registry and charts"),
        )
        .prefault({}),
    /** Container images, by their own names: a mirror's are found from them. */
    images: z
        .strictObject(
            {
                nginx: image.default(images.nginx),
                traefik: image.default(images.traefik),
                ingressNginx: image.default(images.ingressNginx),
                kubectl: image.default(images.kubectl),
                virtualKubelet: image.default(images.virtualKubelet),
                refreshToken: image.default(images.refreshToken),
            },
            object("images by their names"),
        )
        .prefault({}),
    /** The InterLink release. */
    interlink: z.strictObject(
        {
            /** Name of the virtual node. */
            nodeName: name.default("interlink-slurm-node"),
            /** Namespace of the virtual kubelet. */
            namespace: name.default("interlink"),
            chart: chart.optional(),
            chartVersion: chartVersion.default(charts.interlink),
            allowUnknownChartVersion: flag.default(false),
            /** URL of the InterLink API server on the far side, without the port. */
            address: pattern(
                "a URL that starts with http:// or https://, without a port",
                /^https?:\/\/([^\s/:[\]]+|\[[0-9a-f:]+\])$/,
            ),
            /** Port of the InterLink API server. */
            port,
            /** What the virtual node offers: CPU cores, GiB of memory, pods. */
            resources: z
                .strictObject(
                    {
                        cpus: count("CPU cores").default(8),
                        memGiB: count("GiB").default(49),
                        pods: count("pods").default(100),
                    },
                    object("cpus, memGiB and pods"),
                )
                .prefault({}),
        },
        { error: "an object with at least address and port" },
    ),
};

/** kind, and any cluster whose nodes' own ports the HPC side reaches. */
const kind = z.strictObject({
    ...common,
    environment: z.literal("kind"),
    /** Address under which the HPC side reaches the nodes. */
    address,
    /** Labels of the nodes whose ports are taken; kind's own label is the default. */
    nodeSelector: strings("an object of node labels").default({ "ingress-ready": "true" }),
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
            provider: z.enum(PROVIDERS, { error: PROVIDERS.join(", ").replace(/, (\w+)$/, " or $1") }),
            /** Whether it has an address of the internal network alone. */
            internal: flag.default(true),
            sourceRanges,
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
    address: matching("an IP address", (value) => isIP(value) !== 0),
    loadBalancer: z.strictObject({ sourceRanges }, object("sourceRanges")).prefault({}),
    /** MetalLB: installed, or the cluster's own; the pool is made in both cases. */
    metallb: z.discriminatedUnion("install", [metalLB.installed.extend(pool), metalLB.present.extend(pool)], {
        error: installError("an object with install: true or false, and addresses"),
    }),
});

const ENVIRONMENTS = "kind, cloud or metallb";
const schema = z.discriminatedUnion("environment", [kind, cloud, metallb], { error: ENVIRONMENTS });

/** More values for the InterLink chart, such as OAUTH; a Pulumi secret. */
interface SecretSettings {
    readonly interlinkValues?: pulumi.Output<Record<string, unknown>>;
}

/** The settings, checked, with defaults filled in. */
export type Settings = z.infer<typeof schema> & SecretSettings;
/** Those of the environment kind. */
export type KindSettings = z.infer<typeof kind> & SecretSettings;
/** Those of the environment cloud. */
export type CloudSettings = z.infer<typeof cloud> & SecretSettings;
/** Those of the environment metallb. */
export type MetalLBSettings = z.infer<typeof metallb> & SecretSettings;

/**
 * Checks settings, as Pulumi's configuration spells them, and fills in defaults.
 * @throws pulumi.RunError with one sentence for each fault: the key, the value, and what is allowed. What does not fit
 * together is only looked for where each value by itself is allowed.
 */
export function parseSettings(raw: Readonly<Record<string, unknown>>): z.infer<typeof schema> {
    const result = schema.safeParse(raw);
    if (!result.success) {
        const issues = [...result.error.issues];
        if (issues.some(({ path }) => path[0] === "environment")) {
            // Without an environment zod looks at nothing else.
            issues.push(...(z.looseObject(common).safeParse(raw).error?.issues ?? []));
        }
        throw new pulumi.RunError(issues.flatMap((issue) => sentences(issue, raw)).join("\n"));
    }
    const faults = conflicts(result.data).map(refusal);
    if (faults.length > 0) {
        throw new pulumi.RunError(faults.join("\n"));
    }
    return result.data;
}

/** What is allowed by itself and not together. */
function conflicts(settings: z.infer<typeof schema>): Refusal[] {
    const { ports, ca, certificate, certManager, interlink } = settings;
    const found: (Refusal & { readonly bad: boolean })[] = [
        {
            bad: ports.http === ports.https,
            key: "ports.http",
            value: ports.http,
            allowed: "another port than ports.https",
        },
        ...PORT_NAMES.map((port) => ({
            bad: RESERVED_PORTS.includes(ports[port]),
            key: `ports.${port}`,
            value: ports[port],
            allowed: `another port than ${RESERVED_PORTS.join(", ")}, where kubelet's probes go`,
        })),
        {
            bad: durationSeconds(certificate.duration) > durationSeconds(ca.duration),
            key: "certificate.duration",
            value: certificate.duration,
            allowed: `at most the CA's, ${ca.duration}`,
        },
        {
            bad: !CHART_VERSIONS.includes(interlink.chartVersion) && !interlink.allowUnknownChartVersion,
            key: "interlink.chartVersion",
            value: interlink.chartVersion,
            allowed: KNOWN_CHART_VERSION,
        },
        {
            bad: settings.namespace === interlink.namespace,
            key: "interlink.namespace",
            value: interlink.namespace,
            allowed: "another namespace than the setting namespace",
        },
        {
            bad: certManager.install && [settings.namespace, interlink.namespace].includes(certManager.namespace),
            key: "certManager.namespace",
            value: certManager.namespace,
            allowed: "a namespace of its own",
        },
    ];
    if (settings.environment === "cloud") {
        const { provider, internal, sourceRanges } = settings.loadBalancer;
        found.push({
            bad: sourceRanges.length === 0 && (!internal || provider === "other"),
            key: "loadBalancer.sourceRanges",
            value: sourceRanges,
            allowed: `at least one CIDR, since ${internal ? "provider is other" : "internal is false"}`,
        });
    }
    if (settings.environment === "metallb") {
        const { addresses, install, namespace } = settings.metallb;
        found.push(
            {
                bad: !addresses.some((range) => addressRange(range)?.(settings.address)),
                key: "address",
                value: settings.address,
                allowed: `an address of metallb.addresses, ${addresses.join(", ")}`,
            },
            {
                bad: install && [settings.namespace, interlink.namespace, certManager.namespace].includes(namespace),
                key: "metallb.namespace",
                value: namespace,
                allowed: "a namespace of its own",
            },
        );
    }
    return found.filter(({ bad }) => bad).map((fault) => ({ ...fault, key: `${PREFIX}${fault.key}` }));
}

/** Reads the settings of the current stack. */
export function loadSettings(): Settings {
    const config = new pulumi.Config();
    const raw: Record<string, unknown> = {};
    for (const [key, value] of Object.entries(pulumi.runtime.allConfig())) {
        const [project, setting] = key.split(":", 2);
        if (project === config.name && setting !== undefined && setting !== "interlinkValues") {
            raw[setting] = plainValue(value);
        }
    }
    const interlinkValues = config.getSecretObject<Record<string, unknown>>("interlinkValues");
    return { ...parseSettings(raw), interlinkValues };
}

/** A setting as YAML meant it: Pulumi hands over objects as JSON and everything else as text. */
function plainValue(value: string): unknown {
    return /^(\{|\[|true$|false$|-?\d+(\.\d+)?$)/.test(value) ? JSON.parse(value) : value;
}

/** One sentence for each thing that an issue of zod's is about. */
function sentences(issue: z.core.$ZodIssue, raw: Readonly<Record<string, unknown>>): string[] {
    const key = [PREFIX + String(issue.path[0] ?? ""), ...issue.path.slice(1).map(String)].join(".");
    if (issue.code === "unrecognized_keys") {
        const prefix = issue.path.length === 0 ? key : `${key}.`;
        return issue.keys.map((unknown) => `${prefix}${unknown}: there is no such setting.`);
    }
    const value = issue.path.reduce<unknown>(
        (part, step) => (part as Record<PropertyKey, unknown> | undefined)?.[step],
        raw,
    );
    return [
        value === undefined
            ? `${key} is missing; give ${issue.message}.`
            : refusal({ key, value, allowed: issue.message }),
    ];
}
