import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { exchangeAll, Received, Sent, Target } from "./exchange";

/** A hostile request, as hostile.yaml has it. */
interface Entry {
    /** What is tried, in a few words. */
    readonly name: string;
    /** The request as it is, instead of what follows. */
    readonly raw?: string;
    /** Method; default GET, or POST for a question who one is. */
    readonly method?: string;
    /** Target of the request line; default /version. */
    readonly path?: string;
    /** Asks the API server who it takes the client for, which must be the token's account or nobody. */
    readonly whoami?: boolean;
    /** Value of the header Host; default the address; null leaves it out. */
    readonly host?: string | null;
    /** Value of the header Authorization; default the token; null leaves it out. */
    readonly authorization?: string | null;
    /** Further header lines, as they are. */
    readonly headers?: readonly string[];
    /** A further header line `X-Long`, of so many KiB. */
    readonly longHeader?: number;
    /** So many further header lines. */
    readonly manyHeaders?: number;
    /** Bytes after the header, as they are. */
    readonly body?: string;
    /** What TLS is told besides. */
    readonly tls?: Sent["tls"];
    /** Shows a certificate of an administrator that no API server's CA has signed. */
    readonly clientCertificate?: boolean;
    /** Without TLS. */
    readonly plain?: boolean;
    /** Bytes before TLS begins, as they are. */
    readonly before?: string;
    /** The statuses of the first answer that are right; 0 is a connection that ends without one. */
    readonly expect: readonly number[];
    /** How many requests may come to the API server; default 0. */
    readonly reaches?: number;
    /** Names another client's address, FORGED, which the API server must not believe. */
    readonly forgesAddress?: boolean;
}

/** A hostile request with its kind. */
interface Hostile extends Entry {
    /** Which of the API server's or the proxy's beliefs it attacks. */
    readonly kind: string;
}

/** What the placeholders of the requests stand for. */
export interface Attacker {
    /** Token of a service account without rights. */
    readonly token: string;
    /** Name of that account, as the API server has it. */
    readonly username: string;
    /** The address, as the header Host has it. */
    readonly host: string;
    /** A certificate that names an administrator, and its key. */
    readonly certificate: { readonly cert: string; readonly key: string };
}

/** The address, set aside for documentation, that forged headers name. */
export const FORGED = "203.0.113.66";
const REVIEW = JSON.stringify({ apiVersion: "authentication.k8s.io/v1", kind: "SelfSubjectReview" });

/** All hostile requests. */
function hostileRequests(): Hostile[] {
    const text = readFileSync(join(__dirname, "hostile.yaml"), "utf8");
    const kinds = parse(text) as Readonly<Record<string, readonly Entry[]>>;
    return Object.entries(kinds).flatMap(([kind, entries]) => entries.map((entry) => ({ ...entry, kind })));
}

/** The bytes of a request; its number comes as the user agent, so that the API server's audit log can be asked for it. */
function bytesOf(request: Hostile, number: number, attacker: Attacker): Sent {
    const fill = (text: string) =>
        text
            .replaceAll("${token}", attacker.token)
            .replaceAll("${host}", attacker.host)
            .replaceAll("${forged}", FORGED)
            .replaceAll("${long}", "a".repeat(64 * 1024))
            .replaceAll("${longer}", "a".repeat(2048 * 1024))
            .replaceAll("${agent}", agent(number));
    const text = fill(request.raw ?? structured(request));
    const { plain, before, tls, clientCertificate } = request;
    const encoded = (bytes: string) => Buffer.from(bytes, "latin1").toString("base64");
    return {
        bytes: encoded(text),
        plain,
        before: before === undefined ? undefined : encoded(fill(before)),
        tls: { ...tls, ...(clientCertificate ? attacker.certificate : {}) },
    };
}

/** The user agent of a request, or what all of them begin with. */
export function agent(number: number | ""): string {
    return `hostile-${number}`;
}

function structured(request: Hostile): string {
    const { whoami, host = "${host}", authorization = "Bearer ${token}", headers = [] } = request;
    const { longHeader, manyHeaders = 0, body = whoami ? REVIEW : "" } = request;
    const path = request.path ?? (whoami ? "/apis/authentication.k8s.io/v1/selfsubjectreviews" : "/version");
    const lines = [
        `${request.method ?? (whoami ? "POST" : "GET")} ${path} HTTP/1.1`,
        ...(host === null ? [] : [`Host: ${host}`]),
        "User-Agent: ${agent}",
        ...(authorization === null ? [] : [`Authorization: ${authorization}`]),
        ...(whoami ? ["Content-Type: application/json", `Content-Length: ${body.length}`] : []),
        ...headers,
        // What comes after the request is to be read, where there is something.
        ...(request.body === undefined && !headers.some((line) => /^connection:/i.test(line))
            ? ["Connection: close"]
            : []),
        ...(longHeader === undefined ? [] : [`X-Long: ${"a".repeat(longHeader * 1024)}`]),
        ...Array.from({ length: manyHeaders }, (_, index) => `X-${index}: a`),
    ];
    return `${lines.join("\r\n")}\r\n\r\n${body}`;
}

/** The status of the first answer; 0 where there is none. */
function statusOf({ text }: Received): number {
    return Number(/^HTTP\/1\.[01] (\d{3})/.exec(text)?.[1] ?? 0);
}

/** What is wrong with what came back, as a part of a sentence; undefined where nothing is. */
function faultOf({ expect, reaches = 0, whoami }: Hostile, received: Received, attacker: Attacker) {
    const { text } = received;
    const status = statusOf(received);
    if (!expect.includes(status)) {
        return `was answered ${status}${received.error ? ` (${received.error})` : ""}, not ${expect.join(" or ")}`;
    }
    // The API server gives each answer the name of its audit event.
    const reached = text.match(/^audit-id:/gim)?.length ?? 0;
    if (reached > reaches) {
        return `reached the API server ${reached} times, not ${reaches}`;
    }
    if (/^# HELP/m.test(text)) {
        return "was answered the API server's metrics";
    }
    const username = /"username":\s*"([^"]*)"/.exec(text)?.[1];
    return whoami && username !== undefined && username !== attacker.username ? `was taken for ${username}` : undefined;
}

/**
 * Sends all hostile requests, or those of a kind.
 * @param run sends from somewhere else than here
 * @returns how many of which status there were; throws where one was answered as it must not be, and names each
 */
export async function attack(
    attacker: Attacker,
    target: Target,
    run: (target: Target, sent: readonly Sent[]) => Promise<readonly Received[]> = exchangeAll,
): Promise<string> {
    const requests = hostileRequests();
    const received = await run(
        target,
        requests.map((request, number) => bytesOf(request, number, attacker)),
    );
    const faults = requests.flatMap((request, index) => {
        const fault = faultOf(request, received[index] as Received, attacker);
        return fault === undefined ? [] : [`${request.kind}, ${request.name}: ${fault}`];
    });
    assert.deepEqual(faults, []);
    const statuses = Map.groupBy(received, statusOf);
    const counts = [...statuses]
        .sort(([left], [right]) => left - right)
        .map(([status, all]) => `${all.length} ${status || "closed"}`);
    return `${requests.length} requests: ${counts.join(", ")}`;
}
