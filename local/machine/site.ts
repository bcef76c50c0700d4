import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parse, stringify } from "yaml";
import { Net, NET, NET6, STATE } from "./layout";
import { UserError } from "./shell";

/** How another site's cluster differs from the guide's; the file that SITE names holds it as YAML. */
export interface Site {
    /** Merged into kind's configuration. */
    readonly kind?: Readonly<Record<string, unknown>>;
    /** Merged into what kind's configuration says of each node. */
    readonly node?: Readonly<Record<string, unknown>>;
    /** Merged into the stack's settings, without their prefix. */
    readonly settings?: Readonly<Record<string, unknown>>;
    /** The tool of toolchain/tools.yaml that the nodes' Kubernetes is from; default kubernetes. */
    readonly kubernetes?: string;
    /** Address families of pods and Services: ipv4, ipv6 or dual; default ipv4. IP_FAMILY wins. */
    readonly ipFamily?: (typeof FAMILIES)[number];
}

const FAMILIES = ["ipv4", "ipv6", "dual"] as const;
/** Holds the site of the cluster that was begun. */
const FILE = join(STATE, "site.yaml");

/** The site that was begun, else the one that SITE and IP_FAMILY ask for, else the guide's. */
export function site(): Site {
    const { SITE, IP_FAMILY } = process.env;
    if (SITE && !existsSync(SITE)) {
        throw new UserError(`SITE: there is no file "${SITE}"; give one as those in test/sites.`);
    }
    const file = SITE ? (parse(readFileSync(SITE, "utf8")) as Site) : {};
    const asked = stringify({ ...file, ...(IP_FAMILY ? { ipFamily: IP_FAMILY } : {}) });
    const begun = existsSync(FILE) ? readFileSync(FILE, "utf8") : undefined;
    if (begun !== undefined && (SITE || IP_FAMILY) && begun !== asked) {
        const variable = SITE ? `SITE: "${SITE}"` : `IP_FAMILY: "${IP_FAMILY}"`;
        throw new UserError(`${variable} is not what the cluster that is up was begun with; run make down first.`);
    }
    const found = parse(begun ?? asked) as Site;
    const { ipFamily = "ipv4" } = found;
    if (!FAMILIES.includes(ipFamily)) {
        throw new UserError(`IP_FAMILY: "${ipFamily}" is not allowed; give one of ${FAMILIES.join(", ")}.`);
    }
    return found;
}

/** Keeps the site for the cluster's life: what is asked for later must be the same. */
export function beginSite(): void {
    mkdirSync(STATE, { recursive: true });
    writeFileSync(FILE, stringify(site()));
}

/** The addresses of each address family that the cluster has, its first family first. */
export function clusterNetworks(): Net[] {
    return { ipv4: [NET], ipv6: [NET6], dual: [NET, NET6] }[site().ipFamily ?? "ipv4"];
}

/** Those that the machine, the nodes and the HPC side have: IPv4 always, for the registry. */
export function machineNetworks(): Net[] {
    return [...new Set([NET, ...clusterNetworks()])];
}

/** `patch` over `base`: objects are merged, lists appended, all else is replaced. */
export function merge(base: unknown, patch: unknown): unknown {
    if (Array.isArray(base) && Array.isArray(patch)) {
        return [...(base as unknown[]), ...(patch as unknown[])];
    }
    if (!isObject(base) || !isObject(patch)) {
        return patch === undefined ? base : patch;
    }
    const keys = new Set([...Object.keys(base), ...Object.keys(patch)]);
    return Object.fromEntries([...keys].map((key) => [key, merge(base[key], patch[key])]));
}

const isObject = (value: unknown): value is Record<string, unknown> =>
    typeof value === "object" && value !== null && !Array.isArray(value);
