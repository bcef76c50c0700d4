import { execFileSync } from "node:child_process";
import { createServer as createHttpServer, IncomingMessage } from "node:http";
import { createServer as createHttpsServer } from "node:https";
import { AddressInfo, connect, createServer, Server, Socket } from "node:net";

/** A name that only proxies know, and that the API server's certificate holds. */
export const NAME = "api.test";
/** An address that only proxies reach, in the certificate as well. */
export const ADDRESS = "fd00::1";

/** A status, 200 without one, and a body of JSON; undefined is 404. */
type Said = { readonly status?: number; readonly body?: unknown } | undefined;
/** What a fake API server says to a request. */
export type Say = (path: string, request: IncomingMessage) => Said | Promise<Said>;

/** Servers that are closed after a test, with whoever still hangs on them. */
export class Servers {
    private readonly open: Server[] = [];
    private readonly sockets = new Set<Socket>();

    /** Starts a server on a free port of 127.0.0.1. */
    async listen(server: Server): Promise<number> {
        this.open.push(server);
        server.on("connection", (socket: Socket) => this.sockets.add(socket));
        await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
        return (server.address() as AddressInfo).port;
    }

    /** Closes them all. */
    close(): void {
        this.sockets.forEach((socket) => socket.destroy());
        this.open.forEach((server) => server.close());
    }

    /** An API server with a certificate of its own; without `say` it tells a version. */
    async api(say: Say = version): Promise<{ readonly port: number; readonly ca: string }> {
        const { cert, key } = certificate();
        const port = await this.listen(
            createHttpsServer({ cert, key }, (request, response) => {
                void Promise.resolve(say(request.url ?? "", request)).then((said) => {
                    const { status = 200, body = {} } = said ?? { status: 404 };
                    response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
                });
            }),
        );
        return { port, ca: Buffer.from(cert).toString("base64") };
    }

    /** A proxy that speaks HTTP's CONNECT; `asked` gets what it is asked for. */
    async httpProxy(asked: string[]): Promise<string> {
        const server = createHttpServer().on("connect", (request: IncomingMessage, client: Socket) => {
            asked.push(request.url ?? "");
            const upstream = connect(Number(request.url?.split(":").at(-1)), "127.0.0.1", () => {
                client.write("HTTP/1.1 200 Connection established\r\n\r\n");
                upstream.pipe(client).pipe(upstream);
            });
            [client, upstream].forEach((socket) => socket.on("error", () => socket.destroy()));
        });
        return `http://127.0.0.1:${await this.listen(server)}`;
    }

    /** A proxy that speaks SOCKS 5; `asked` gets what it is asked for. */
    async socksProxy(asked: string[]): Promise<string> {
        const server = createServer((client) => {
            client.on("error", () => client.destroy());
            client.once("data", () => {
                client.write(Buffer.from([5, 0]));
                client.once("data", (request: Buffer) => {
                    const named = request[3] === 3;
                    // By type: an IPv4 address, a name with its length before it, an IPv6 address.
                    const end = named ? 5 + (request[4] ?? 0) : request[3] === 4 ? 20 : 8;
                    const host = named ? request.toString("utf8", 5, end) : addressOf(request.subarray(4, end));
                    const port = request.readUInt16BE(end);
                    asked.push(`${host}:${port}`);
                    const upstream = connect(port, "127.0.0.1", () => {
                        client.write(Buffer.from([5, 0, 0, 1, 127, 0, 0, 1, 0, 0]));
                        upstream.pipe(client).pipe(upstream);
                    });
                    upstream.on("error", () => client.destroy());
                });
            });
        });
        return `socks5://127.0.0.1:${await this.listen(server)}`;
    }
}

/** An address's bytes as a URL has them. */
function addressOf(bytes: Buffer): string {
    const groups = bytes.toString("hex").match(/..../g) ?? [];
    return bytes.length === 4 ? [...bytes].join(".") : new URL(`http://[${groups.join(":")}]`).hostname;
}

/** A kubeconfig's content with one context `x`. */
export function kubeconfigOf(cluster: object, user: object = {}) {
    return {
        "current-context": "x",
        contexts: [{ name: "x", context: { cluster: "c", user: "u" } }],
        clusters: [{ name: "c", cluster: { ...cluster } }],
        users: [{ name: "u", user: { ...user } }],
    };
}

/** Runs with other variables of the environment; undefined takes one away. */
export async function withEnvironment<T>(
    changed: Readonly<Record<string, string | undefined>>,
    work: () => T | Promise<T>,
) {
    const before = Object.keys(changed).map((name) => [name, process.env[name]] as const);
    const set = (entries: (readonly [string, string | undefined])[]) => {
        for (const [name, value] of entries) {
            if (value === undefined) {
                delete process.env[name];
            } else {
                process.env[name] = value;
            }
        }
    };
    set(Object.entries(changed));
    try {
        return await work();
    } finally {
        set(before);
    }
}

function version(path: string) {
    return path === "/version" ? { body: { major: "1", minor: "37", gitVersion: "v1.37.2" } } : undefined;
}

let made: { readonly cert: string; readonly key: string } | undefined;

/** A certificate that is its own CA, for 127.0.0.1, NAME and ADDRESS. */
export function certificate(): { readonly cert: string; readonly key: string } {
    if (made === undefined) {
        const pem = execFileSync(
            "openssl",
            [
                ..."req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=test -keyout - -out -".split(
                    " ",
                ),
                "-addext",
                `subjectAltName=DNS:${NAME},IP:127.0.0.1,IP:${ADDRESS}`,
            ],
            { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] },
        );
        const part = (kind: string) =>
            new RegExp(`-----BEGIN ${kind}-----[^]*-----END ${kind}-----\n`).exec(pem)?.[0] ?? "";
        made = { cert: part("CERTIFICATE"), key: part("PRIVATE KEY") };
    }
    return made;
}
