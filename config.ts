import * as pulumi from "@pulumi/pulumi";
import { z } from "zod";
import { ADDRESS, DURATION, isAddress, isCertificateDuration, refusal } from "./components/arguments";
import { CONTROLLERS } from "./components/internalIngressController";
import { charts, images } from "./versions";

const text = (allowed: string) => z.string({ error: allowed }).min(1, { error: allowed });
const port = z
    .int({ error: "a TCP port between 1 and 65535" })
    .min(1, { error: "a TCP port between 1 and 65535" })
    .max(65535, {
        error: "a TCP port between 1 and 65535",
    });
const count = (what: string) => {
    const allowed = `a whole number of ${what}, zero or more`;
    return z.int({ error: allowed }).min(0, { error: allowed });
};
const duration = z.string({ error: DURATION }).refine(isCertificateDuration, { error: DURATION });
const name = z
    .string({ error: "a Kubernetes name: lower-case letters, digits and hyphens, at most 63" })
    .regex(/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/, {
        error: "a Kubernetes name: lower-case letters, digits and hyphens, at most 63",
    });
const flag = z.boolean({ error: "true or false" });
const values = z.record(z.string(), z.unknown(), { error: "an object of chart values" });

/** The settings of the program, below the prefix `interlink-kube-api:`. */
const schema = z.strictObject({
    /** Which stack is composed. */
    environment: z.enum(["kind"], { error: "kind" }),
    /** Address under which the HPC side reaches the cluster: IP address or DNS name. */
    address: z.string({ error: ADDRESS }).refine(isAddress, { error: ADDRESS }),
    /** Path of the kubeconfig; default $KUBECONFIG, else ~/.kube/config. */
    kubeconfig: text("the path of a file").optional(),
    /** Namespace of the controller, the proxy and the Ingress. */
    namespace: name.default("ingress-nginx-internal"),
    /** The ingress controller. */
    controller: z.enum(CONTROLLERS, { error: CONTROLLERS.join(" or ") }).default("traefik"),
    /** Name of the controller's class. */
    ingressClassName: name.default("nginx-internal"),
    /** Ports at the address. */
    ports: z.strictObject({ http: port.default(6080), https: port.default(60443) }).prefault({}),
    /** The API proxy. */
    proxy: z.strictObject({ replicas: count("pods").default(2) }).prefault({}),
    /** cert-manager: installed, or the cluster's own. */
    certManager: z
        .discriminatedUnion(
            "install",
            [
                z.strictObject({
                    install: z.literal(true),
                    namespace: name.default("cert-manager"),
                    chart: text("a chart's oci:// address or folder").optional(),
                    version: text("a chart version").default(charts.certManager),
                    values: values.optional(),
                }),
                z.strictObject({ install: z.literal(false), namespace: name.default("cert-manager") }),
            ],
            { error: "an object with install: true or false" },
        )
        .prefault({ install: true }),
    /** The certificate authority; its lifetime as hours, minutes, seconds. */
    ca: z.strictObject({ duration: duration.default("876000h") }).prefault({}),
    /** The certificate for the address; its lifetime as hours, minutes, seconds. */
    certificate: z.strictObject({ duration: duration.default("2160h") }).prefault({}),
    /** Container images. */
    images: z
        .strictObject({
            nginx: text("an image").default(images.nginx),
            traefik: text("an image").default(images.traefik),
            kubectl: text("an image").default(images.kubectl),
            virtualKubelet: text("an image").default(images.virtualKubelet),
        })
        .prefault({}),
    /** The InterLink release. */
    interlink: z.strictObject(
        {
            /** Name of the virtual node. */
            nodeName: name.default("interlink-slurm-node"),
            /** Namespace of the virtual kubelet. */
            namespace: name.default("interlink"),
            chart: text("a chart's oci:// address or folder").optional(),
            chartVersion: text("a chart version").default(charts.interlink),
            allowUnknownChartVersion: flag.default(false),
            /** URL of the InterLink API server on the far side, without the port. */
            address: z
                .string({ error: "a URL that starts with http:// or https://, without a port" })
                .regex(/^https?:\/\/[^/:]+$/, { error: "a URL that starts with http:// or https://, without a port" }),
            /** Port of the InterLink API server. */
            port,
            /** What the virtual node offers: CPU cores, GiB of memory, pods. */
            resources: z
                .strictObject({
                    cpus: count("CPU cores").default(8),
                    memGiB: count("GiB").default(49),
                    pods: count("pods").default(100),
                })
                .prefault({}),
        },
        { error: "an object with at least address and port" },
    ),
});

/** The settings, checked, with defaults filled in. */
export type Settings = z.infer<typeof schema> & {
    /** More values for the InterLink chart, such as OAUTH; a Pulumi secret. */
    readonly interlinkValues?: pulumi.Output<Record<string, unknown>>;
};

/**
 * Checks settings, as Pulumi's configuration spells them, and fills in defaults.
 * @throws pulumi.RunError with one sentence for each fault: the key, the value, and what is allowed.
 */
export function parseSettings(raw: Readonly<Record<string, unknown>>): z.infer<typeof schema> {
    const result = schema.safeParse(raw);
    if (!result.success) {
        throw new pulumi.RunError(result.error.issues.flatMap((issue) => sentences(issue, raw)).join("\n"));
    }
    return result.data;
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
    return { ...parseSettings(raw), ...(interlinkValues === undefined ? {} : { interlinkValues }) };
}

/** A setting as YAML meant it: Pulumi hands over objects as JSON and everything else as text. */
function plainValue(value: string): unknown {
    return /^(\{|\[|true$|false$|-?\d+(\.\d+)?$)/.test(value) ? JSON.parse(value) : value;
}

/** One sentence for each thing that an issue of zod's is about. */
function sentences(issue: z.core.$ZodIssue, raw: Readonly<Record<string, unknown>>): string[] {
    const key = ["interlink-kube-api:" + String(issue.path[0] ?? ""), ...issue.path.slice(1).map(String)].join(".");
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
