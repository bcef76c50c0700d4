import { OutgoingHttpHeaders, request } from "node:http";
import { isIP } from "node:net";
import { Duplex, Readable } from "node:stream";
import { checkServerIdentity, connect, ConnectionOptions, TLSSocket } from "node:tls";

/** A server as clients outside the cluster know it. */
export interface Server {
    /** Host under which clients come, and which the server's certificate must hold: an IP address or a DNS name. */
    readonly host: string;
    /** TCP port that speaks HTTPS. */
    readonly port: number;
    /** CA certificate that verifies it, PEM. */
    readonly caCertificate: string;
}

/** What is sent. */
export interface Request {
    /** Path with its query. */
    readonly path: string;
    /**
     * HTTP method.
     * @default "GET"
     */
    readonly method?: string;
    /** Headers besides Host. */
    readonly headers?: OutgoingHttpHeaders;
    /** Body, a text. */
    readonly body?: string;
}

/** What came back. */
export interface Reply {
    /** HTTP status; 101 where the connection was upgraded. */
    readonly status: number;
    /** The body, or what comes over the upgraded connection. */
    readonly body: Readable;
}

/** TLS over a connection, verified as a client outside would, unless the options say otherwise. */
export function secured(connection: Duplex, server: Server, options: ConnectionOptions = {}): TLSSocket {
    const { host, caCertificate } = server;
    return connect({
        socket: connection,
        ca: caCertificate,
        // The name of an IP address is not sent.
        servername: isIP(host) === 0 ? host : "",
        checkServerIdentity: (_, certificate) => checkServerIdentity(host, certificate),
        ...options,
    });
}

/**
 * Sends one request over a connection; resolves when the header of the answer is there, and rejects where it was not there
 * within the limit, in milliseconds, which holds for the body too.
 */
export function send(connection: Duplex, server: Server, sent: Request, limitMs: number): Promise<Reply> {
    const secure = secured(connection, server);
    const { host, port } = server;
    return new Promise((resolve, reject) => {
        const signal = AbortSignal.timeout(limitMs);
        signal.addEventListener("abort", () => reject(new Error(`no answer within ${limitMs / 1000} s`)));
        secure.once("error", reject);
        const { path, method, headers, body } = sent;
        request({ host, port, path, method, headers, createConnection: () => secure, signal })
            .once("response", (response) => resolve({ status: response.statusCode ?? 0, body: response }))
            .once("upgrade", (_, socket) => resolve({ status: 101, body: socket }))
            .once("error", reject)
            .end(body);
    });
}
