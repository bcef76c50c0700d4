import { isIP } from "node:net";
import { addressRange } from "../components/parts/arguments";

/**
 * The proxy that the environment names for a URL, by the rules of the Kubernetes provider (Go's): HTTPS_PROXY or HTTP_PROXY,
 * unless NO_PROXY names the host by itself, its domain or network, or it is this machine. undefined where there is none.
 */
export function environmentProxy(url: URL): string | undefined {
    const proxy = url.protocol === "https:" ? variable("HTTPS_PROXY") : variable("HTTP_PROXY");
    const host = url.hostname.replace(/^\[|\]$/g, "");
    const port = url.port || (url.protocol === "https:" ? "443" : "80");
    const direct =
        host === "localhost" ||
        ["127.0.0.0/8", "::1/128"].some((range) => inRange(range, host)) ||
        variable("NO_PROXY")
            .split(",")
            .some((entry) => excepts(entry.trim().toLowerCase(), host, port));
    if (proxy === "" || direct) {
        return undefined;
    }
    return /^(https?|socks5h?):\/\//.test(proxy) ? proxy : `http://${proxy}`;
}

function variable(name: string): string {
    return process.env[name] || process.env[name.toLowerCase()] || "";
}

function inRange(range: string, host: string): boolean {
    return isIP(host) !== 0 && addressRange(range)?.(host) === true;
}

/** Whether an entry of NO_PROXY is about a host: `*`, a network, or an address or domain, each with or without a port. */
function excepts(entry: string, host: string, port: string): boolean {
    if (entry === "*" || inRange(entry, host)) {
        return true;
    }
    const [, bracketed, plain, entryPort] = /^(?:\[(.*)\]|([^:]*|.*:.*:.*?))(?::(\d+))?$/.exec(entry) ?? [];
    const named = (bracketed ?? plain ?? "").replace(/^\*(?=\.)/, "");
    if (named === "" || (entryPort !== undefined && entryPort !== port)) {
        return false;
    }
    if (isIP(named) !== 0) {
        return isIP(host) !== 0 && addressRange(`${named}-${named}`)?.(host) === true;
    }
    return host.endsWith(named.startsWith(".") ? named : `.${named}`) || host === named;
}
