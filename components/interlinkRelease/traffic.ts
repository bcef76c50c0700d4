import { isIP } from "node:net";
import { EgressRule, tcp, TO_DNS, Traffic } from "../parts/networkPolicy";

/** Port of the virtual kubelet, where the API server asks for logs; the chart's. */
const KUBELET_PORT = 10250;

/** The chart's values, as far as they tell of traffic. */
interface Values {
    readonly interlink?: { readonly enabled?: boolean; readonly address?: string; readonly port?: number };
    readonly plugin?: { readonly enabled?: boolean };
    readonly sshBastion?: { readonly enabled?: boolean };
    readonly virtualNode?: {
        readonly network?: { readonly enableTunnel?: boolean };
        readonly HTTPProxies?: { readonly HTTP?: string | null; readonly HTTPs?: string | null } | null;
    };
    readonly OAUTH?: { readonly enabled?: boolean; readonly TokenURL?: string };
}

/**
 * What the pods of the namespace receive and send: the virtual kubelet, and those that run kubectl. InterLink's API server, a
 * plugin, a bastion and tunnels in the cluster have ways of their own, which nobody knows here: with them all is open.
 */
export function releaseTraffic(values: Readonly<Record<string, unknown>>, toApiServer: EgressRule): Traffic {
    const { interlink, plugin, sshBastion, virtualNode, OAUTH } = values as Values;
    const others = [interlink?.enabled, plugin?.enabled, sshBastion?.enabled, virtualNode?.network?.enableTunnel];
    if (others.includes(true)) {
        return { ingress: [{}], egress: [{}] };
    }
    const urls = [
        `${interlink?.address}:${interlink?.port}`,
        ...(OAUTH?.enabled === true && OAUTH.TokenURL ? [OAUTH.TokenURL] : []),
        // By them the virtual kubelet asks the API server too; Go takes one without a scheme for http://.
        ...[virtualNode?.HTTPProxies?.HTTP, virtualNode?.HTTPProxies?.HTTPs].flatMap((proxy) =>
            proxy ? [proxy.includes("://") ? proxy : `http://${proxy}`] : [],
        ),
    ]
        .filter((url) => URL.canParse(url))
        .map((url) => new URL(url));
    const named = urls.some(({ hostname }) => isIP(plainHost(hostname)) === 0);
    return {
        ingress: [{ ports: [tcp(KUBELET_PORT)] }],
        egress: [toApiServer, ...(named ? [TO_DNS] : []), ...urls.flatMap(toServer)],
    };
}

/** The way to a server of a URL. A name may be a Service's, whose pods have other ports. */
function toServer({ hostname, port, protocol }: URL): EgressRule[] {
    const ports = [tcp(Number(port) || (protocol === "http:" ? 80 : 443))];
    const host = plainHost(hostname);
    if (isIP(host) !== 0) {
        return [{ to: [{ ipBlock: { cidr: `${host}/${isIP(host) === 6 ? 128 : 32}` } }], ports }];
    }
    const isService = !host.includes(".") || /\.(svc|cluster\.local)$/.test(host);
    return isService ? [{ to: [{ namespaceSelector: {} }] }] : [{ ports }];
}

/** A URL's host without the brackets of IPv6. */
function plainHost(hostname: string): string {
    return hostname.replace(/^\[|\]$/g, "");
}
