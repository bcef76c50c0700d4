import { connect as connectPlain } from "node:net";
import { text } from "node:stream/consumers";
import { connect, ConnectionOptions } from "node:tls";

/** Bytes for a server, and how they get there. */
export interface Sent {
    /** The bytes, as base64. */
    readonly bytes: string;
    /** Without TLS. */
    readonly plain?: boolean;
    /** Bytes before TLS begins, as base64. */
    readonly before?: string | undefined;
    /** What TLS is told besides: versions, ciphers, a client's certificate. */
    readonly tls?: Pick<
        ConnectionOptions,
        "minVersion" | "maxVersion" | "ciphers" | "cert" | "key" | "servername" | "ALPNProtocols"
    >;
}

/** What came back. */
export interface Received {
    /** All bytes, as Latin-1. */
    readonly text: string;
    /** Why TLS or TCP failed; undefined where it did not. */
    readonly error?: string;
}

/** Where a server is. */
export interface Target {
    readonly host: string;
    readonly port: number;
}

/** A connection that is silent for so long, in milliseconds, has said all: what waits for more bytes is not answered. */
const SILENCE_MS = 1500;

/**
 * Sends bytes as they are, which no HTTP client would, and returns what comes back until the server closes or falls silent. The
 * certificate is not verified: that is tested elsewhere.
 */
export function exchange({ host, port }: Target, { bytes, plain, before = "", tls }: Sent): Promise<Received> {
    return new Promise((resolve) => {
        const ready = () => socket.write(Buffer.from(bytes, "base64"));
        const connection = connectPlain({ host, port });
        connection.write(Buffer.from(before, "base64"));
        const socket = plain
            ? connection.once("connect", ready)
            : connect({ socket: connection, rejectUnauthorized: false, ...tls }, ready);
        const chunks: Buffer[] = [];
        let error: string | undefined;
        socket.on("data", (chunk: Buffer) => chunks.push(chunk));
        socket.on("error", ({ message }: Error) => (error = message));
        socket.setTimeout(SILENCE_MS, () => socket.destroy());
        socket.on("close", () => resolve({ text: Buffer.concat(chunks).toString("latin1"), error }));
    });
}

/** As a program: a target and what is sent come as JSON, what came back goes out as JSON; a few at a time. */
async function main(): Promise<void> {
    const { target, sent } = JSON.parse(await text(process.stdin)) as { target: Target; sent: readonly Sent[] };
    console.log(JSON.stringify(await exchangeAll(target, sent)));
}

/** Sends all, a few at a time, and returns what came back in the same order. */
export async function exchangeAll(target: Target, sent: readonly Sent[]): Promise<Received[]> {
    const received: Received[] = [];
    const indices = sent.keys();
    const worker = async () => {
        for (const index of indices) {
            received[index] = await exchange(target, sent[index] as Sent);
        }
    };
    await Promise.all(Array.from({ length: 8 }, worker));
    return received;
}

if (require.main === module) {
    void main();
}
