import { CHART_VERSIONS, KNOWN_CHART_VERSION } from "../components/interlinkRelease";
import { certificatesIn, durationSeconds, HIDDEN, isClearText, Refusal } from "../components/parts/arguments";
import { belongTogether, endedFaults } from "./pem";
import { PlainSettings } from "./schema";

/** The longest name of a virtual node that takes the suffix of 7 by uniqueNames: with `-ready` it is a Job's, of at most 63. */
const LONGEST_UNIQUE_NODE_NAME = 50;

type InterlinkSettings = NonNullable<PlainSettings["interlink"]>;
type SiteSettings = NonNullable<PlainSettings["sites"]>[string];

/** A virtual node and its InterLink, with names filled in. */
export type Site = (InterlinkSettings | SiteSettings) & {
    /** Where its settings stand: interlink, or sites and the site's name. */
    readonly key: string;
    /** Name that no other site of the stack has. */
    readonly id: string;
    /** Name of the virtual node. */
    readonly nodeName: string;
    /** Namespace of the virtual kubelet. */
    readonly namespace: string;
};

/** The virtual nodes: `interlink` alone, or all of `sites` in the order of their names. */
export function sitesOf({ interlink, sites = {} }: PlainSettings): Site[] {
    return [
        ...(interlink === undefined ? [] : [{ ...interlink, key: "interlink", id: "interlink" }]),
        // Pulumi's configuration keeps no order of its own.
        ...Object.entries(sites)
            .sort(([left], [right]) => (left < right ? -1 : 1))
            .map(([name, site]) => {
                const id = `interlink-${name}`;
                return {
                    ...site,
                    key: `sites.${name}`,
                    id,
                    nodeName: site.nodeName ?? id,
                    namespace: site.namespace ?? id,
                };
            }),
    ];
}

/** The longest job of all sites, as hours, minutes, seconds; undefined where no site says. */
export function longestJob(settings: PlainSettings): string | undefined {
    return sitesOf(settings)
        .flatMap((site) => site.longestJob ?? [])
        .sort((left, right) => durationSeconds(right) - durationSeconds(left))[0];
}

/** What is not allowed in a site by itself, and what two of them may not share. */
export function siteConflicts(settings: PlainSettings): (Refusal & { readonly bad: boolean })[] {
    const sites = sitesOf(settings);
    return [
        {
            bad: settings.interlink !== undefined && settings.sites !== undefined,
            key: "sites",
            value: Object.keys(settings.sites ?? {}),
            allowed: "either interlink or sites",
        },
        ...sites.flatMap((site, index) => [
            {
                bad: !CHART_VERSIONS.includes(site.chartVersion) && !site.allowUnknownChartVersion,
                key: `${site.key}.chartVersion`,
                value: site.chartVersion,
                allowed: KNOWN_CHART_VERSION,
            },
            ...tlsConflicts(site),
            {
                bad: settings.uniqueNames && site.nodeName.length > LONGEST_UNIQUE_NODE_NAME,
                key: `${site.key}.nodeName`,
                value: site.nodeName,
                allowed: `a name of at most ${LONGEST_UNIQUE_NODE_NAME} characters, since uniqueNames makes it longer`,
            },
            ...(["nodeName", "namespace"] as const).map((name) => {
                const other = sites.slice(0, index).find((earlier) => earlier[name] === site[name]);
                return {
                    bad: other !== undefined,
                    key: `${site.key}.${name}`,
                    value: site[name],
                    allowed: `another ${name} than ${other?.key}`,
                };
            }),
        ]),
    ];
}

/** What does not fit between the address of InterLink's API server and how it is verified. */
function tlsConflicts(site: Site): (Refusal & { readonly bad: boolean })[] {
    if (site.mode === "in-cluster") {
        return [];
    }
    const { key: path, address, tls } = site;
    const { ca, cert, key, insecure } = tls;
    const certs = certificatesIn(cert ?? "");
    return [
        {
            bad: isClearText(address) && !insecure,
            key: `${path}.address`,
            value: address,
            allowed: `an https:// URL, or set ${path}.tls.insecure: true, since tokens go there in clear text`,
        },
        {
            bad: insecure && [ca, cert, key].some((pem) => pem !== undefined),
            key: `${path}.tls.insecure`,
            value: insecure,
            allowed: "false, or neither ca, cert nor key, which verify",
        },
        {
            bad: (cert === undefined) !== (key === undefined),
            key: `${path}.tls.${cert === undefined ? "key" : "cert"}`,
            value: HIDDEN,
            allowed: "cert and key, or neither",
        },
        {
            bad: cert !== undefined && key !== undefined && !belongTogether(cert, key),
            key: `${path}.tls.key`,
            value: HIDDEN,
            allowed: `the private key of ${certs.length > 1 ? "the first certificate of " : ""}${path}.tls.cert`,
        },
        ...endedFaults(`${path}.tls.ca`, certificatesIn(ca ?? "")),
        // Those that follow it are for the server to judge.
        ...endedFaults(`${path}.tls.cert`, certs.slice(0, 1)),
    ];
}
