import { ChildProcess, spawn } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { IncomingMessage, ServerResponse } from "node:http";
import { createServer, Server } from "node:https";
import { AddressInfo, connect, createServer as createTcpServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import { nginxConfiguration } from "../../components/nginxApiProxy/configuration";
import { Admit, GATE_TOKEN_DIRECTORY, gateScript } from "../../components/nginxApiProxy/gate";
import { certificateFor } from "../unit/support/fakeCluster";

/** The user of a token, as a TokenReview has it. */
export interface User {
    readonly username: string;
    readonly extra?: Readonly<Record<string, readonly string[]>>;
}

/** What came to the fake API server from clients. */
export interface Request {
    readonly url: string;
    readonly method: string;
    /** Names and values, one after the other. */
    readonly headers: readonly string[];
}

const REVIEWS = "/apis/authentication.k8s.io/v1/tokenreviews";
/** The proxy's own token. */
const OWN_TOKEN = "the-proxys-own";

/** A real nginx with the proxy's configuration for clients outside, on loopback, before a fake API server. */
export class LocalDoor {
    readonly requests: Request[] = [];
    /** Tokens of the TokenReviews, in order. */
    readonly reviews: string[] = [];
    /** What the API server makes of TokenReviews. */
    reviewing: "works" | "fails" | "garbage" = "works";
    port = 0;
    private readonly folder = mkdtempSync(join(tmpdir(), "interlink-door-"));
    private readonly api: Server;
    private nginx: ChildProcess | undefined;

    constructor(
        private readonly admit: Admit["type"],
        private readonly nodeNames: readonly string[],
        private readonly users: Readonly<Record<string, User>>,
    ) {
        const certificate = certificateFor("DNS:kubernetes.default.svc,IP:127.0.0.1");
        for (const name of ["tls", "conf", "gate"]) {
            mkdirSync(join(this.folder, name));
        }
        writeFileSync(join(this.folder, "tls", "tls.crt"), certificate.cert);
        writeFileSync(join(this.folder, "tls", "tls.key"), certificate.key);
        this.renewOwnToken(OWN_TOKEN);
        chmodSync(this.folder, 0o755);
        this.api = createServer(certificate, (request, response) => void this.answer(request, response));
        this.api.on("upgrade", (request: IncomingMessage, socket) => {
            socket.on("error", () => socket.destroy());
            this.record(request);
            const [status, more] = this.userOf(request) === undefined ? [401, ""] : upgradeOf(request.url ?? "");
            socket.write(`HTTP/1.1 ${status} x\r\nAudit-Id: a\r\n${more}\r\n`);
            if (status === 101) {
                socket.pipe(socket);
            } else {
                socket.end();
            }
        });
    }

    /** What kubelet does. */
    renewOwnToken(token: string): void {
        writeFileSync(join(this.folder, "gate", "token"), token);
    }

    async start(): Promise<void> {
        await new Promise<void>((done) => this.api.listen(0, "127.0.0.1", done));
        this.port = await freePort();
        const directory = join(this.folder, "conf");
        const inFolder = (text: string) =>
            text.replaceAll("/tmp/", `${this.folder}/`).replaceAll(GATE_TOKEN_DIRECTORY, join(this.folder, "gate"));
        const configuration = inFolder(
            nginxConfiguration({
                port: 60443,
                redirect: { from: 6080, to: 60443 },
                healthPort: 8081,
                paths: [
                    "/api",
                    "/apis",
                    "/openapi",
                    "/version",
                    "/healthz",
                    "/livez",
                    "/readyz",
                    "/.well-known",
                    "/openid",
                ],
                readTimeoutSeconds: 60,
                maxBodySize: "0",
                certificateDirectory: join("/tmp", "tls"),
                apiServerCaFile: join("/tmp", "tls", "tls.crt"),
                shutdownSeconds: 1,
                admit: this.admit,
                configurationDirectory: "/tmp/conf",
            }),
        )
            .replace(/^ +listen (\[::\]:\d+|6080|8081).*\n/gm, "")
            .replace("listen 60443", `listen 127.0.0.1:${this.port}`)
            .replace("kubernetes.default.svc:443", `127.0.0.1:${(this.api.address() as AddressInfo).port}`)
            // A server without a port would take port 80.
            .replace(/ {4}server \{\n {8}return 308[^}]*\}\n/, "")
            .replace(/ {4}server \{\n {8}access_log off;\n\n {8}location = \/healthz[^]*$/, "}\n");
        writeFileSync(join(directory, "nginx.conf"), configuration);
        writeFileSync(join(directory, "gate.js"), inFolder(gateScript(this.nodeNames)));
        const user = process.getuid?.() === 0 ? "user root;" : "";
        this.nginx = spawn(
            "nginx",
            ["-e", "/dev/stderr", "-c", join(directory, "nginx.conf"), "-g", `daemon off; ${user}`],
            {
                stdio: [
                    "ignore",
                    process.env.DOOR_LOG ? "inherit" : "ignore",
                    process.env.DOOR_LOG ? "inherit" : "ignore",
                ],
            },
        );
        while (!(await answers(this.port))) {
            await sleep(20);
        }
    }

    /** All files that nginx has kept, in one text. */
    kept(): string {
        const files = readdirSync(this.folder, { recursive: true, withFileTypes: true });
        return files
            .filter((file) => file.isFile() && !/token|tls\.|\.conf|\.js$/.test(file.name))
            .map((file) => readFileSync(join(file.parentPath, file.name), "latin1"))
            .join("\n");
    }

    async stop(): Promise<void> {
        const ended = new Promise((done) => this.nginx?.once("exit", done));
        this.nginx?.kill("SIGTERM");
        await ended;
        this.api.closeAllConnections();
        this.api.close();
        rmSync(this.folder, { recursive: true });
    }

    private record({ url = "", method = "", rawHeaders }: IncomingMessage): void {
        this.requests.push({ url, method, headers: rawHeaders });
    }

    private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
        const body = await text(request).catch(() => "");
        const json = (status: number, value: unknown) =>
            response
                .writeHead(status, { "content-type": "application/json", "audit-id": "a" })
                .end(JSON.stringify(value));
        const token = /^bearer (\S+)/i.exec(request.headers.authorization ?? "")?.[1] ?? "";
        if (request.url === REVIEWS && request.method === "POST" && token.startsWith(OWN_TOKEN)) {
            const { spec } = JSON.parse(body) as { spec: { token: string } };
            this.reviews.push(spec.token);
            if (this.reviewing !== "works") {
                return void (this.reviewing === "fails" ? json(500, {}) : response.writeHead(201).end("<html>"));
            }
            const user = this.users[spec.token];
            return void json(201, { spec, status: user ? { authenticated: true, user } : { error: "no" } });
        }
        this.record(request);
        const user = this.userOf(request);
        if (Object.keys(request.headers).some((name) => name.startsWith("impersonate-"))) {
            return void json(403, { kind: "Status", code: 403 });
        }
        if (request.url?.startsWith("/apis/authentication.k8s.io/v1/selfsubjectreviews")) {
            return void (user
                ? json(201, { status: { userInfo: { username: user.username } } })
                : json(401, { kind: "Status", code: 401 }));
        }
        if (/^\/(version|api|healthz)?(\?.*)?$/.test(request.url ?? "")) {
            return void json(request.method === "GET" ? 200 : 405, { gitVersion: "v1" });
        }
        if (/exec/.test(request.url ?? "") || /api\/v1/.test(request.url ?? "")) {
            return void json(user ? 403 : 401, {});
        }
        return void (request.url === "/metrics" ? response.end("# HELP\n") : json(404, {}));
    }

    private userOf({ headers }: IncomingMessage): User | undefined {
        return this.users[/^bearer (\S+)/i.exec(headers.authorization ?? "")?.[1] ?? ""];
    }
}

/** How the fake API server answers who asks for another protocol. */
function upgradeOf(url: string): [number, string] {
    if (url.startsWith("/version")) {
        return [200, "Content-Length: 0\r\n"];
    }
    return url.endsWith("/exec")
        ? [101, "Connection: Upgrade\r\nUpgrade: websocket\r\n"]
        : [403, "Content-Length: 0\r\n"];
}

/** A port of loopback that nobody has. */
async function freePort(): Promise<number> {
    const server = createTcpServer();
    await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
    const { port } = server.address() as AddressInfo;
    await new Promise((done) => server.close(done));
    return port;
}

function answers(port: number): Promise<boolean> {
    return new Promise((resolve) => {
        const socket = connect(port, "127.0.0.1", () => resolve(true) ?? socket.destroy());
        socket.on("error", () => resolve(false));
    });
}
