import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { IncomingMessage, ServerResponse } from "node:http";
import { createServer, Server } from "node:https";
import { AddressInfo, connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Duplex } from "node:stream";
import { text } from "node:stream/consumers";
import { KubeConfig } from "@kubernetes/client-node";
import { WebSocket, WebSocketServer } from "ws";

/** A certificate with its key, PEM. */
export interface Certificate {
    readonly cert: string;
    readonly key: string;
}

/** A self-signed certificate for an address, its own CA. */
export function certificateFor(address: string): Certificate {
    const folder = mkdtempSync(join(tmpdir(), "interlink-certificate-"));
    const [cert, key] = [join(folder, "cert"), join(folder, "key")];
    const ec = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
    const args = [
        "req",
        "-x509",
        ...ec,
        "-subj",
        "/",
        "-addext",
        `subjectAltName=${address}`,
        "-keyout",
        key,
        "-out",
        cert,
    ];
    execFileSync("openssl", args, { stdio: "ignore" });
    const made = { cert: readFileSync(cert, "utf8"), key: readFileSync(key, "utf8") };
    rmSync(folder, { recursive: true });
    return made;
}

/** What stands for a pod of the front: a TLS server that answers so. */
export async function pod(certificate: Certificate, answer: (response: ServerResponse) => void): Promise<Pod> {
    const requests: IncomingMessage[] = [];
    const serverNames: (string | false | null)[] = [];
    const server = createServer(certificate, (request, response) => {
        requests.push(request);
        answer(response);
    });
    server.on("secureConnection", ({ servername }) => serverNames.push(servername ?? false));
    await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
    return { server, port: (server.address() as AddressInfo).port, requests, serverNames };
}

/** A pod that runs. */
export interface Pod {
    readonly server: Server;
    readonly port: number;
    /** What it was asked. */
    readonly requests: readonly IncomingMessage[];
    /** The names that clients sent with TLS; false where they sent none. */
    readonly serverNames: readonly (string | false | null)[];
}

/** What a stand-in for the API server answers, by method and path without the query. */
export type Answers = Readonly<Record<string, (response: ServerResponse) => void>>;

/** An answer in JSON. */
export function json(body: object, status = 200): (response: ServerResponse) => void {
    return (response) => {
        response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
    };
}

/** The list of pods that an API server gives; `ready` ones and others. */
export function podList(ready: readonly string[], others: readonly string[] = []): object {
    const item = (name: string, status: string) => ({
        metadata: { name },
        status: { conditions: [{ type: "Ready", status }] },
    });
    return {
        apiVersion: "v1",
        kind: "PodList",
        metadata: {},
        items: [...ready.map((name) => item(name, "True")), ...others.map((name) => item(name, "False"))],
    };
}

/**
 * A stand-in for the API server: answers, and forwards ports as kubelets do: channel 0 carries data, channel 1 an error, and
 * each begins with the port, little-endian.
 */
export class FakeCluster {
    /** The certificate of all of them. */
    private static made: Certificate | undefined;
    /** Paths with queries that were asked. */
    readonly asked: string[] = [];
    /** Bodies that came with that. */
    readonly bodies: string[] = [];
    private readonly certificate = (FakeCluster.made ??= certificateFor("IP:127.0.0.1"));
    private readonly server: Server;
    private readonly sockets = new WebSocketServer({
        noServer: true,
        // What a kubelet takes of the protocols that it is offered.
        handleProtocols: (offered) => offered.has("v4.channel.k8s.io") && "v4.channel.k8s.io",
    });

    /** @param forward opens what stands for a pod's port; "forbidden" where nobody may forward ports */
    constructor(
        private readonly answers: Answers,
        private readonly forward: ((pod: string) => number) | "forbidden" = "forbidden",
    ) {
        this.server = createServer(this.certificate, (request, response) => void this.answer(request, response));
        this.server.on("upgrade", (request, socket, head) => this.upgrade(request, socket, head));
    }

    /** Starts it. */
    async start(): Promise<KubeConfig> {
        await new Promise<void>((done) => this.server.listen(0, "127.0.0.1", done));
        const { port } = this.server.address() as AddressInfo;
        const config = new KubeConfig();
        config.loadFromClusterAndUser(
            {
                name: "c",
                server: `https://127.0.0.1:${port}`,
                caData: Buffer.from(this.certificate.cert).toString("base64"),
                skipTLSVerify: false,
            },
            { name: "u", token: "deployer" },
        );
        return config;
    }

    /** Ends it. */
    stop(): void {
        this.sockets.clients.forEach((socket) => socket.terminate());
        this.server.closeAllConnections();
        this.server.close();
    }

    private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
        const { method = "", url = "" } = request;
        this.asked.push(url);
        const body = await text(request);
        if (body !== "") {
            this.bodies.push(body);
        }
        const answer = this.answers[`${method} ${url.replace(/\?.*/, "")}`] ?? json({ kind: "Status", code: 404 }, 404);
        answer(response);
    }

    private upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
        this.asked.push(request.url ?? "");
        const [, name = "", port = ""] = /\/pods\/([^/]+)\/portforward\?ports=(\d+)$/.exec(request.url ?? "") ?? [];
        if (this.forward === "forbidden") {
            socket.end("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n");
            return;
        }
        const target = this.forward(name);
        this.sockets.handleUpgrade(request, socket, head, (client) => forwardPort(client, Number(port), target));
    }
}

/** What a kubelet does with a forwarded port. */
function forwardPort(client: WebSocket, port: number, target: number): void {
    const send = (channel: number, data: Buffer) => client.send(Buffer.concat([Buffer.from([channel]), data]));
    const portBytes = Buffer.alloc(2);
    portBytes.writeUInt16LE(port);
    send(0, portBytes);
    send(1, portBytes);
    const connection = connect(target, "127.0.0.1");
    connection.on("data", (data) => send(0, data));
    connection.on("error", (error) => send(1, Buffer.from(`error forwarding port ${port}: ${error.message}`)));
    connection.on("close", () => client.close());
    client.on("message", (data: Buffer) => connection.write(data.subarray(1)));
    client.on("close", () => connection.destroy());
}
