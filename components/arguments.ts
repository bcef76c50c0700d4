import { isIP } from "node:net";
import * as pulumi from "@pulumi/pulumi";

/** What an address may be, for messages. */
export const ADDRESS = "an IP address or a DNS name";
/** What a duration may be, for messages; cert-manager refuses certificates that live for less than an hour. */
export const DURATION = "a duration of at least 1h, such as 2160h or 90h30m";

const DNS_NAME = /^(?=.{1,253}$)[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?(\.[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?)*$/;
const ALL_NUMERIC = /^[0-9.]+$/;
const GO_DURATION = /^(?=.)(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?$/;

/** Tells whether `address` is an IPv4 or IPv6 address or a lower-case DNS name (RFC 1123); `10.0.0.300` is neither. */
export function isAddress(address: string): boolean {
    return isIP(address) !== 0 || (DNS_NAME.test(address) && !ALL_NUMERIC.test(address));
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

/** One check of an argument: `ok` tells whether `value` may stand for `key`, `allowed` names what may. */
export interface Check {
    /** The argument's name, with its path where it is nested. */
    readonly key: string;
    /** The value that was given. */
    readonly value: unknown;
    /** Whether the value is allowed. */
    readonly ok: boolean;
    /** What is allowed, as a noun phrase. */
    readonly allowed: string;
}

/** The sentence that a refused value gets, the same in the configuration and in every component. */
export function refusal(check: Omit<Check, "ok">): string {
    return `${check.key}: ${JSON.stringify(check.value)} is not allowed; give ${check.allowed}.`;
}

/** Throws one error that names every failed check, one sentence each; to be called before a component creates anything. */
export function checkArguments(resource: pulumi.Resource, checks: readonly Check[]): void {
    const faults = checks.filter((check) => !check.ok).map(refusal);
    if (faults.length > 0) {
        throw new pulumi.ResourceError(faults.join("\n"), resource, true);
    }
}
