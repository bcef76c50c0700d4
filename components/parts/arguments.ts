import { X509Certificate } from "node:crypto";
import { BlockList, isIP, SocketAddress } from "node:net";
import * as pulumi from "@pulumi/pulumi";

/** What an address may be, for messages. */
export const ADDRESS = "an IP address or a DNS name";
/** What a duration may be, for messages; cert-manager refuses certificates that live for less than an hour. */
export const DURATION = "a duration of at least 1h, such as 2160h or 90h30m";

/** What a CIDR may be, for messages. */
export const CIDR = "a network as CIDR, such as 10.1.0.0/16";
/** What a range of addresses may be, for messages. */
export const ADDRESS_RANGE = "a network as CIDR, such as 10.1.2.0/28, or a range, such as 10.1.2.3-10.1.2.9";

const DNS_NAME = /^(?=.{1,253}$)[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?(\.[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?)*$/;
const ALL_NUMERIC = /^[0-9.]+$/;
const GO_DURATION = /^(?=.)(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?$/;

/** Tells whether `address` is an IP address or a lower-case DNS name (RFC 1123); `10.0.0.300` is neither. */
export function isAddress(address: string): boolean {
    return isIpAddress(address) || (DNS_NAME.test(address) && !ALL_NUMERIC.test(address));
}

/**
 * Tells whether `address` is an IPv4 or IPv6 address by which others can come: none with a zone, which another machine does not
 * know, and none that is an IPv4 address within IPv6, which Kubernetes refuses.
 */
export function isIpAddress(address: string): boolean {
    return isIP(address) === 4 || (isIP(address) === 6 && !/%|^::ffff:\d+\./.test(canonicalAddress(address)));
}

/** An IPv6 address as certificates, Kubernetes and URLs write it: FD00:0::10 is fd00::10. Other addresses stay as they are. */
export function canonicalAddress(address: string): string {
    return isIP(address) === 6 && !address.includes("%")
        ? new SocketAddress({ address, family: "ipv6" }).address
        : address;
}

/** Tells whether a URL sends what it is sent in clear text over a network: plain HTTP to another host. */
export function isClearText(url: string): boolean {
    return /^http:\/\/(?!(localhost|127\.[\d.]+|\[::1\])(:|\/|$))/i.test(url);
}

/** Tells whether `cidr` is an IPv4 or IPv6 network in CIDR notation. */
export function isCidr(cidr: string): boolean {
    const [network = "", length = "", ...rest] = cidr.split("/");
    return (
        isIpAddress(network) &&
        rest.length === 0 &&
        /^(0|[1-9]\d{0,2})$/.test(length) &&
        Number(length) <= (isIP(network) === 4 ? 32 : 128)
    );
}

/**
 * What tells whether an IP address lies in a range: a CIDR, or a first and a last address as MetalLB writes them; undefined
 * where it is neither.
 */
export function addressRange(range: string): ((address: string) => boolean) | undefined {
    const list = new BlockList();
    const [first = "", last = "", ...rest] = range.split("-");
    const family = (address: string) => (isIP(address) === 6 ? "ipv6" : "ipv4");
    if (isCidr(range)) {
        const [network = "", length] = range.split("/");
        list.addSubnet(network, Number(length), family(network));
    } else if (isIpAddress(first) && isIpAddress(last) && isIP(first) === isIP(last) && rest.length === 0) {
        try {
            list.addRange(first, last, family(first));
        } catch {
            // The first address comes after the last one.
            return undefined;
        }
    } else {
        return undefined;
    }
    return (address) => list.check(address, family(address));
}

/** Tells whether two ranges have addresses in common; false where one of them is none. */
export function overlap(left: string, right: string): boolean {
    const begins = (range: string) => range.split(/[-/]/)[0] ?? "";
    return addressRange(left)?.(begins(right)) === true || addressRange(right)?.(begins(left)) === true;
}

/** The length in seconds of a duration in Go's notation (hours, minutes, seconds); NaN where it is not one. */
export function durationSeconds(duration: string): number {
    const match = GO_DURATION.exec(duration);
    if (match === null) {
        return NaN;
    }
    const [hours, minutes, seconds] = match.slice(1).map((part) => Number(part ?? 0)) as [number, number, number];
    return hours * 3600 + minutes * 60 + seconds;
}

/** A length in seconds as cert-manager writes it back, so that a second `up` finds nothing to change: 5400 is 1h30m0s. */
export function certificateDuration(seconds: number): string {
    return `${Math.floor(seconds / 3600)}h${Math.floor((seconds % 3600) / 60)}m${seconds % 60}s`;
}

/** Tells whether `duration` is one that cert-manager accepts for a certificate. */
export function isCertificateDuration(duration: string): boolean {
    return durationSeconds(duration) >= 3600;
}

/** The certificates in a text, each PEM; none where there is none. */
export function certificatesIn(text: string): string[] {
    return text.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
}

/** Tells whether a text is one or more certificates as PEM, or `count`, and nothing else. */
export function isCertificates(text: string, count?: number): boolean {
    const certificates = certificatesIn(text);
    const rest = certificates.reduce((left, certificate) => left.replace(certificate, ""), text);
    try {
        const { length } = certificates.map((certificate) => new X509Certificate(certificate));
        return length > 0 && length === (count ?? length) && rest.trim() === "";
    } catch {
        return false;
    }
}

/** A host, an IP address or a DNS name, as it stands in URLs: an IPv6 address in brackets. */
export function urlHost(host: string): string {
    return isIP(host) === 6 ? `[${host}]` : host;
}

/** A host, an IP address or a DNS name, and a port, as they stand in URLs. */
export function hostAndPort(host: string, port: number): string {
    return `${urlHost(host)}:${port}`;
}

/** The URL of a server at an IP address or a DNS name. */
export function httpsUrl(host: string, port: number): string {
    return `https://${hostAndPort(host, port)}`;
}

/** What sentences show instead of a value that is a secret. */
export const HIDDEN = "[secret]";

/** A value that may not stand for a key. */
export interface Refusal {
    /** The argument's or setting's name, with its path where it is nested. */
    readonly key: string;
    /** The value that was given. */
    readonly value: unknown;
    /** What is allowed, as a noun phrase. */
    readonly allowed: string;
}

/** One check of an argument: a refusal, unless `ok`. */
export interface Check extends Refusal {
    /** Whether the value is allowed. */
    readonly ok: boolean;
}

/** The sentence that a refused value gets, the same in the configuration and in every component. */
export function refusal({ key, value, allowed }: Refusal): string {
    return `${key}: ${JSON.stringify(value)} is not allowed; give ${allowed}.`;
}

/** Throws one error that names every failed check, one sentence each; to be called before a component creates anything. */
export function checkArguments(resource: pulumi.Resource, checks: readonly Check[]): void {
    const faults = checks.filter((check) => !check.ok).map(refusal);
    if (faults.length > 0) {
        throw new pulumi.ResourceError(faults.join("\n"), resource, true);
    }
}
