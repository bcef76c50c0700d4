import { Policies } from "@pulumi/policy";
import { parse } from "yaml";
import { INSECURE } from "../components/parts/annotations";
import { isClearText, refusal } from "../components/parts/arguments";

/** Steps from the properties of a resource to one of its fields; an index of a list is a number as text. */
type Path = readonly string[];

/** A field that breaks a rule. */
interface Violation {
    /** Where the field is. */
    readonly path: Path;
    /** What was seen; undefined where the field is missing. */
    readonly value: unknown;
    /** What is allowed, as a noun phrase. */
    readonly allowed: string;
}

/** An invariant of single Kubernetes objects. */
interface Rule {
    /** Name of the policy. */
    readonly name: string;
    /** The invariant, one sentence. */
    readonly description: string;
    /** What breaks the invariant in the properties of an object of a kind, such as Deployment; a patch is of none. */
    readonly check: (kind: string, props: unknown) => Violation[];
}

/** Stands for a value that preview does not know yet; no rule judges it. */
const UNKNOWN = Symbol("unknown");

const NGINX = "nginx.ingress.kubernetes.io/";
/** How the controller's ConfigMap, and how its chart, spell that snippets are allowed. */
const SNIPPET_SWITCHES: readonly string[] = ["allow-snippet-annotations", "allowSnippetAnnotations"];

const POD_TEMPLATE: Path = ["spec", "template", "spec"];
/** Where each kind that runs containers keeps its pod's specification. */
const POD_SPECS: Readonly<Record<string, Path>> = {
    CronJob: ["spec", "jobTemplate", ...POD_TEMPLATE],
    DaemonSet: POD_TEMPLATE,
    Deployment: POD_TEMPLATE,
    Job: POD_TEMPLATE,
    Pod: ["spec"],
    StatefulSet: POD_TEMPLATE,
};

/** Annotations that make a load balancer internal: of AWS, with both its controllers, GCP, Azure and OpenStack. */
const INTERNAL_LOAD_BALANCER: Readonly<Record<string, string>> = {
    "service.beta.kubernetes.io/aws-load-balancer-scheme": "internal",
    "service.beta.kubernetes.io/aws-load-balancer-internal": "true",
    "networking.gke.io/load-balancer-type": "Internal",
    "service.beta.kubernetes.io/azure-load-balancer-internal": "true",
    "service.beta.kubernetes.io/openstack-internal-load-balancer": "true",
};
/** MetalLB's annotations: its addresses belong to the site's own network. */
const METALLB = /^metallb\.(universe\.tf|io)\//;

/** The label by which a namespace says which pods it admits, and its values. */
const POD_SECURITY: Path = ["metadata", "labels", "pod-security.kubernetes.io/enforce"];
const LEVELS: readonly unknown[] = ["restricted", "baseline", "privileged"];

const ANONYMOUS: readonly unknown[] = ["system:anonymous", "system:unauthenticated"];

const PRIVATE_KEY = /-----BEGIN [A-Z0-9 ]*PRIVATE KEY/;
/** Text that may be base64, and long enough for the header of a private key. */
const BASE64 = /[A-Za-z0-9+/_-]{36,}/g;

const RULES: readonly Rule[] = [
    {
        name: "no-snippet-annotations",
        description: "No Ingress writes into the configuration of its controller, and no controller lets one do so.",
        check: snippets,
    },
    {
        name: "pinned-images",
        description: "Every container image has a digest, or a tag other than latest.",
        check: ofContainers(["image"], isPinned, "an image with a digest, or a tag other than latest"),
    },
    {
        name: "no-public-load-balancer",
        description: "Every load balancer is internal, or names the networks that may connect to it.",
        check: publicLoadBalancers,
    },
    {
        name: "memory-limits",
        description: "Every container has a memory limit.",
        check: ofContainers(["resources", "limits", "memory"], isGiven, "a quantity such as 256Mi"),
    },
    {
        name: "pod-security",
        description: "Every namespace says which pods it admits, whatever the cluster's default is.",
        check: (kind, props) =>
            kind === "Namespace"
                ? demand(props, POD_SECURITY, (level) => LEVELS.includes(level), "restricted, baseline or privileged")
                : [],
    },
    {
        name: "tls-on-every-hop",
        description: "Every hop to the API server is encrypted, and its server verified.",
        check: plainHops,
    },
    {
        name: "interlink-verified",
        description:
            "No virtual kubelet speaks to an InterLink API server that nothing verifies, unless somebody said so.",
        check: unverifiedInterlink,
    },
    {
        name: "no-anonymous-grants",
        description: "Nobody gets rights without being authenticated.",
        check: (kind, props) =>
            kind === "RoleBinding" || kind === "ClusterRoleBinding"
                ? elements(props, ["subjects"]).flatMap((subject) =>
                      demand(
                          props,
                          [...subject, "name"],
                          (name) => !ANONYMOUS.includes(name),
                          "a subject that is authenticated",
                      ),
                  )
                : [],
    },
];

/** The policies of the pack; a chart's objects are judged like those that the program makes itself. */
export const policies: Policies = [
    {
        name: "no-private-key-output",
        description: "No output of the stack holds a private key, not even a secret output.",
        validateStack: ({ resources }, report) => {
            for (const { type, name, props, urn } of resources) {
                for (const [path, value] of type === "pulumi:pulumi:Stack" ? leaves(known(props)) : []) {
                    if (typeof value === "string" && holdsPrivateKey(value)) {
                        const key = `Output ${fieldName(path)} of stack ${name}`;
                        report(
                            `${key}: a private key is not allowed; give what is public, such as a certificate.`,
                            urn,
                        );
                    }
                }
            }
        },
    },
    ...RULES.map(({ name, description, check }) => ({
        name,
        description,
        validateResource: (
            resource: { type: string; name: string; props: unknown },
            report: (message: string) => void,
        ) => {
            const kind = /^kubernetes:[^:]+:(\w+)$/.exec(resource.type)?.[1] ?? "";
            for (const { path, value, allowed } of check(kind, known(resource.props))) {
                const key = `${fieldName(path)} of ${kind} ${resource.name}`;
                report(isGiven(value) ? refusal({ key, value, allowed }) : `${key} is missing; give ${allowed}.`);
            }
        },
    })),
];

/** A copy of what a policy is given, with UNKNOWN where reading throws, as it does for what preview cannot know. */
function known(value: unknown): unknown {
    if (typeof value !== "object" || value === null) {
        return value;
    }
    const read = (key: string): unknown => {
        try {
            return known((value as Record<string, unknown>)[key]);
        } catch {
            return UNKNOWN;
        }
    };
    const keys = Object.keys(value);
    return Array.isArray(value) ? keys.map(read) : Object.fromEntries(keys.map((key) => [key, read(key)]));
}

/** The value of a field: undefined where it is missing, UNKNOWN where it, or something above it, is. */
function at(props: unknown, path: Path): unknown {
    return path.reduce<unknown>(
        (value, step) => (value === UNKNOWN ? UNKNOWN : (value as Record<string, unknown> | null | undefined)?.[step]),
        props,
    );
}

/** The violation of a field whose value is known and not ok. */
function demand(props: unknown, path: Path, ok: (value: unknown) => boolean, allowed: string): Violation[] {
    const value = at(props, path);
    return value === UNKNOWN || ok(value) ? [] : [{ path, value, allowed }];
}

/** The elements of a list, by their paths; none where it is missing or unknown. */
function elements(props: unknown, path: Path): Path[] {
    const value = at(props, path);
    return Array.isArray(value) ? value.map((_, index) => [...path, String(index)]) : [];
}

/** Everything below a value that has nothing below itself. */
function leaves(value: unknown, path: Path = []): [Path, unknown][] {
    return typeof value === "object" && value !== null
        ? Object.entries(value).flatMap(([key, part]) => leaves(part, [...path, key]))
        : [[path, value]];
}

/** A field as a reader writes it, such as spec.containers[0].image. */
function fieldName(path: Path): string {
    return path
        .map((step) => (/^\d+$/.test(step) ? `[${step}]` : /^\w+$/.test(step) ? `.${step}` : `["${step}"]`))
        .join("")
        .replace(/^\./, "");
}

/** Whether a field is there. */
function isGiven(value: unknown): boolean {
    return value !== undefined && value !== null;
}

/** Whether a field is a list of at least one element. */
function isFilledList(value: unknown): boolean {
    return Array.isArray(value) && value.length > 0;
}

/** A check of one field of each container of an object. */
function ofContainers(field: Path, ok: (value: unknown) => boolean, allowed: string): Rule["check"] {
    return (kind, props) => {
        const spec = POD_SPECS[kind];
        return spec === undefined
            ? []
            : ["initContainers", "containers"]
                  .flatMap((list) => elements(props, [...spec, list]))
                  .flatMap((container) => demand(props, [...container, ...field], ok, allowed));
    };
}

/** Whether an image has a digest or a tag that is not latest; the colon of a registry's port begins no tag. */
function isPinned(image: unknown): boolean {
    if (typeof image !== "string") {
        return false;
    }
    const [name = "", digest] = image.split("@", 2);
    const tag = /:([^:/]+)$/.exec(name)?.[1];
    return digest === undefined ? tag !== undefined && tag !== "latest" : /^sha256:[0-9a-f]{64}$/.test(digest);
}

/** Snippets in annotations of an Ingress, and settings of a controller or its release that let it take them. */
function snippets(kind: string, props: unknown): Violation[] {
    if (kind === "Ingress") {
        const annotations: Path = ["metadata", "annotations"];
        return Object.keys(at(props, annotations) ?? {})
            .filter((annotation) => annotation.startsWith(NGINX) && annotation.endsWith("-snippet"))
            .flatMap((annotation) =>
                demand(props, [...annotations, annotation], () => false, "an annotation of the setting's own"),
            );
    }
    return kind === "ConfigMap" || kind === "Release"
        ? leaves(props)
              .filter(([path, value]) => SNIPPET_SWITCHES.includes(path.at(-1) ?? "") && String(value) === "true")
              .map(([path, value]) => ({ path, value, allowed: "false" }))
        : [];
}

/** Load balancers to which everybody may connect: without source ranges, or with one that is every network. */
function publicLoadBalancers(kind: string, props: unknown): Violation[] {
    const path: Path = ["spec", "loadBalancerSourceRanges"];
    const allowed = "the networks that may connect, or an annotation that makes the load balancer internal";
    if (
        kind !== "Service" ||
        at(props, ["spec", "type"]) !== "LoadBalancer" ||
        isInternal(at(props, ["metadata", "annotations"]))
    ) {
        return [];
    }
    return [
        ...demand(props, path, isFilledList, allowed),
        ...elements(props, path).flatMap((range) =>
            demand(props, range, (network) => !String(network).endsWith("/0"), allowed),
        ),
    ];
}

/** Whether annotations make a load balancer internal, or may do so when they are known. */
function isInternal(annotations: unknown): boolean {
    return (
        annotations === UNKNOWN ||
        Object.entries(annotations ?? {}).some(
            ([key, value]) =>
                METALLB.test(key) ||
                (key in INTERNAL_LOAD_BALANCER && (value === UNKNOWN || value === INTERNAL_LOAD_BALANCER[key])),
        )
    );
}

/** Hops without TLS, or to a server that nobody verifies, of an Ingress or of a configuration in a ConfigMap: nginx's or Traefik's. */
function plainHops(kind: string, props: unknown): Violation[] {
    if (kind === "Ingress") {
        const annotation = (name: string): Path => ["metadata", "annotations", `${NGINX}${name}`];
        return [
            ...demand(props, ["spec", "tls"], isFilledList, "the hosts and the Secret of a certificate"),
            ...demand(
                props,
                annotation("backend-protocol"),
                (protocol) => protocol === "HTTPS" || protocol === "GRPCS",
                "HTTPS or GRPCS",
            ),
            ...demand(props, annotation("proxy-ssl-verify"), (verify) => verify === "on", "on"),
            // Without the Secret, ingress-nginx verifies nothing, whatever proxy-ssl-verify says.
            ...demand(props, annotation("proxy-ssl-secret"), isGiven, "the Secret whose ca.crt verifies the backend"),
        ];
    }
    const configurations = { "nginx.conf": plainProxying, "traefik.yaml": plainRouting };
    return Object.entries(configurations).flatMap(([file, plain]) => {
        const path: Path = ["data", file];
        const text = kind === "ConfigMap" ? at(props, path) : undefined;
        return typeof text === "string" ? plain(text, path) : [];
    });
}

/** What of a virtual kubelet's configuration leaves the InterLink API server unverified, without an annotation that says so. */
function unverifiedInterlink(kind: string, props: unknown): Violation[] {
    const path: Path = ["data", "InterLinkConfig.yaml"];
    const text = kind === "ConfigMap" ? at(props, path) : undefined;
    const said = at(props, ["metadata", "annotations", INSECURE]);
    if (typeof text !== "string" || said === "true" || said === UNKNOWN) {
        return [];
    }
    const { InterlinkURL: url, HTTP: http } = parse(text) as {
        readonly InterlinkURL?: unknown;
        readonly HTTP?: { readonly Insecure?: unknown };
    };
    const bySetting = "or the setting interlink.tls.insecure: true";
    return [
        ...(isClearText(String(url))
            ? [{ path: [...path, "InterlinkURL"], value: url, allowed: `an https:// address, ${bySetting}` }]
            : []),
        ...(http?.Insecure === true && /^https:/i.test(String(url))
            ? [{ path: [...path, "HTTP", "Insecure"], value: true, allowed: `false, ${bySetting}` }]
            : []),
    ];
}

/** What an nginx configuration at a path proxies without TLS, or without verifying; comments do not count. */
function plainProxying(text: string, path: Path): Violation[] {
    const configuration = text.replace(/#.*/g, "");
    const values = (directive: string) =>
        [...configuration.matchAll(new RegExp(`\\b${directive}\\s+["']?([^\\s"';]+)`, "g"))].map((match) => match[1]);
    const verify = values("proxy_ssl_verify");
    const proxied = values("proxy_pass");
    // One for each place that proxies, and at least one.
    const missing = Math.max(1, proxied.filter((address) => /^https:/i.test(address ?? "")).length) - verify.length;
    return [
        ...proxied
            // A socket is no network.
            .filter((address) => /^http:(?!\/\/unix:\/)/i.test(address ?? ""))
            .map((value) => ({ path: [...path, "proxy_pass"], value, allowed: "an https:// address" })),
        ...[...verify, ...Array.from({ length: Math.max(0, missing) }, () => undefined)]
            .filter((value) => value !== "on")
            .map((value) => ({ path: [...path, "proxy_ssl_verify"], value, allowed: "on" })),
    ];
}

/** What a configuration of Traefik at a path leads on, and not as TLS that it passes through. */
function plainRouting(text: string, path: Path): Violation[] {
    const { http, tcp } = parse(text) as {
        readonly http?: { readonly services?: object };
        readonly tcp?: {
            readonly routers?: Readonly<Record<string, { readonly tls?: { readonly passthrough?: unknown } }>>;
        };
    };
    return [
        ...Object.keys(http?.services ?? {}).map((value) => ({
            path: [...path, "http", "services"],
            value,
            allowed: "a TCP router that passes TLS through",
        })),
        ...Object.values(tcp?.routers ?? {})
            .map(({ tls }) => tls?.passthrough)
            .filter((passthrough) => passthrough !== true)
            .map((value) => ({ path: [...path, "tcp", "passthrough"], value, allowed: "true" })),
    ];
}

/** Whether a text holds a PEM private key, plainly or in base64 at any depth, as in the base64 of a kubeconfig. */
function holdsPrivateKey(text: string): boolean {
    return (
        PRIVATE_KEY.test(text) ||
        (text.match(BASE64) ?? []).some((run) => holdsPrivateKey(Buffer.from(run, "base64").toString("latin1")))
    );
}
