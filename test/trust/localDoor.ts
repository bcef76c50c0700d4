import assert from "node:assert/strict";
import { ChildProcess, spawn } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { IncomingMessage } from "node:http";
import { createServer, Server } from "node:https";
import { AddressInfo, connect, createServer as createTcpServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import { DEFAULT_LIMITS } from "../../components/nginxApiProxy";
import { API_PATHS } from "../../components/nginxApiProxy/deployment";
import { nginxConfiguration } from "../../components/nginxApiProxy/configuration";
import { Admit, GATE_TOKEN_DIRECTORY, gateScript, NODE_NAME, POD_NAME } from "../../components/nginxApiProxy/gate";
import { Limits } from "../../components/nginxApiProxy/limits";
import { certificateFor } from "../unit/support/fakeCluster";

/** What came to the fake API server through the door. */
export interface Passed {
    /** Target of the request line. */
    readonly url: string;
    /** Names and values of the headers, one after the other. */
    readonly headers: readonly string[];
}

/** Users by their tokens, as TokenReviews name them; a token may have a suffix behind a hyphen. */
const USERS: Readonly<Record<string, { readonly username: string; readonly extra?: object }>> = {
    job: { username: "system:serviceaccount:default:job", extra: { [NODE_NAME]: ["virtual"], [POD_NAME]: ["job-1"] } },
    pod: { username: "system:serviceaccount:default:pod", extra: { [NODE_NAME]: ["worker"] } },
    account: { username: "system:serviceaccount:default:account" },
    admin: { username: "kubernetes-admin" },
};
const GROUP = "/apis/authentication.k8s.io/v1";
/** Stands for a door's own folder, which may lie in /tmp. */
const FOLDER = "/folder";
const OWN_TOKEN = "the-proxys-own";
/** Long enough for an nginx to start on a busy machine, in milliseconds. */
const PATIENCE_MS = 30_000;
/** By when nginx has written what it keeps back, in milliseconds. */
const LOGGED_MS = 1500;

/** How a door differs from the program's own. */
export interface DoorArgs {
    /** Whose requests are passed on. */
    readonly admit: Admit["type"];
    /**
     * How much a client may take.
     * @default DEFAULT_LIMITS
     */
    readonly limits?: Limits;
    /**
     * Whether the API server's certificate is of a CA that nginx does not know.
     * @default false
     */
    readonly foreign?: boolean;
    /**
     * Breaks the configuration, which has to be another one then.
     * @default none
     */
    readonly broken?: ((configuration: string) => string) | undefined;
}

/** A real nginx on loopback with the proxy's configuration, before a fake API server: a door without a cluster. */
export class LocalDoor {
    /** What came through. */
    readonly passed: Passed[] = [];
    /** Tokens that the API server was asked about, in order. */
    readonly reviews: string[] = [];
    /** Whether the API server answers TokenReviews. */
    reviewing = true;
    /** Port of loopback for clients. */
    port = 0;
    private readonly folder = mkdtempSync(join(tmpdir(), "interlink-door-"));
    private readonly api: Server;
    private nginx: ChildProcess | undefined;

    constructor(private readonly args: DoorArgs) {
        const names = "DNS:kubernetes.default.svc,IP:127.0.0.1";
        const certificate = certificateFor(names);
        mkdirSync(join(this.folder, "gate"));
        writeFileSync(join(this.folder, "tls.crt"), certificate.cert);
        writeFileSync(join(this.folder, "tls.key"), certificate.key);
        writeFileSync(join(this.folder, "gate.js"), this.inFolder(gateScript(["virtual", "other"])));
        chmodSync(this.folder, 0o755);
        this.renewOwnToken(OWN_TOKEN);
        this.api = createServer(args.foreign ? certificateFor(names) : certificate, (request, response) => {
            void this.answer(request).then(([status, body]) => {
                response.writeHead(status, { "audit-id": "a" }).end(JSON.stringify(body));
            });
        });
        // Without a listener, an upgrade is a request like any other.
        this.api.on("upgrade", (request: IncomingMessage, socket) => {
            socket.on("error", () => socket.destroy());
            this.passed.push({ url: request.url ?? "", headers: request.rawHeaders });
            const accepted = userOf(request) !== undefined && request.url?.startsWith("/api/v1/echo");
            const status = accepted ? "101 Switching Protocols" : "403 Forbidden";
            socket.write(`HTTP/1.1 ${status}\r\nAudit-Id: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n`);
            void (accepted ? socket.pipe(socket) : socket.end());
        });
    }

    /** Starts both; they answer when it returns. */
    async start(): Promise<void> {
        await new Promise<void>((done) => this.api.listen(0, "127.0.0.1", done));
        this.port = await freePort();
        writeFileSync(join(this.folder, "nginx.conf"), this.configuration());
        const user = process.getuid?.() === 0 ? " user root;" : "";
        const args = ["-e", "/dev/null", "-c", join(this.folder, "nginx.conf"), "-g", `daemon off;${user}`];
        this.nginx = spawn("nginx", args, { stdio: "ignore" });
        const deadline = Date.now() + PATIENCE_MS;
        while (!(await listens(this.port))) {
            if (Date.now() > deadline) {
                throw new Error(`nginx does not start with ${this.folder}/nginx.conf.`);
            }
            await sleep(20);
        }
    }

    /** Ends both. */
    async stop(): Promise<void> {
        if (this.nginx?.exitCode === null) {
            const ended = new Promise((done) => this.nginx?.once("exit", done));
            this.nginx.kill("SIGTERM");
            await ended;
        }
        this.api.closeAllConnections();
        this.api.close();
        rmSync(this.folder, { recursive: true });
    }

    /** Does what kubelet does with the proxy's own token, which has to begin as the first one. */
    renewOwnToken(token: string): void {
        writeFileSync(join(this.folder, "gate", "token"), token);
    }

    /** The names of all verdicts that nginx keeps, and all that stands in their files. */
    kept(): string {
        return readdirSync(join(this.folder, "gate-verdicts"))
            .map((name) => readFileSync(join(this.folder, "gate-verdicts", name), "latin1"))
            .join("\n");
    }

    /** What stands in the access log, whose lines nginx keeps back for a second. */
    async logged(): Promise<string> {
        await sleep(LOGGED_MS);
        return readFileSync(join(this.folder, "access.log"), "utf8");
    }

    /** The proxy's configuration with ports and folders of this machine, and without its other servers. */
    private configuration(): string {
        const { admit, limits = DEFAULT_LIMITS, broken } = this.args;
        const whole = nginxConfiguration({
            port: 60443,
            clients: "outside",
            redirect: { from: 6080, to: 60443 },
            healthPort: 8081,
            paths: API_PATHS,
            readTimeoutSeconds: 60,
            maxBodySize: "0",
            certificateDirectory: FOLDER,
            apiServerCaFile: join(FOLDER, "tls.crt"),
            shutdownSeconds: 1,
            limits,
            metrics: false,
            admit,
            configurationDirectory: FOLDER,
        });
        const text = broken?.(whole) ?? whole;
        assert.equal(text === whole, broken === undefined, "nothing was broken");
        return this.inFolder(text)
            .replace(/^ +listen \[::\].*\n/gm, "")
            .replace("listen 60443", `listen 127.0.0.1:${this.port}`)
            .replace(/listen (6080|8081)/g, (_, name: string) => `listen unix:${this.folder}/${name}.sock`)
            .replace("access_log /dev/stdout", `access_log ${this.folder}/access.log`)
            .replace("kubernetes.default.svc:443", `127.0.0.1:${(this.api.address() as AddressInfo).port}`);
    }

    private inFolder(text: string): string {
        return text
            .replaceAll("/tmp/", `${this.folder}/`)
            .replaceAll(GATE_TOKEN_DIRECTORY, join(this.folder, "gate"))
            .replaceAll(FOLDER, this.folder);
    }

    /** What the API server says, as far as hostile requests and verdicts depend on it. */
    private async answer(request: IncomingMessage): Promise<[number, unknown]> {
        const { url = "", method, headers } = request;
        // Clients that break off are among those that come.
        const body = await text(request).catch(() => "");
        if (url === `${GROUP}/tokenreviews` && headers.authorization?.startsWith(`Bearer ${OWN_TOKEN}`)) {
            const { spec } = JSON.parse(body) as { readonly spec: { readonly token: string } };
            this.reviews.push(spec.token);
            const user = userOfToken(spec.token);
            return this.reviewing ? [201, { spec, status: user ? { authenticated: true, user } : {} }] : [500, {}];
        }
        this.passed.push({ url, headers: request.rawHeaders });
        const user = userOf(request);
        if (headers.authorization !== undefined && user === undefined) {
            return [401, {}];
        }
        if (Object.keys(headers).some((name) => name.startsWith("impersonate-"))) {
            return [403, {}];
        }
        if (url.startsWith(`${GROUP}/selfsubjectreviews`)) {
            return user ? [201, { status: { userInfo: user } }] : [403, {}];
        }
        if (/^\/(version|api|healthz)?(\?.*)?$/.test(url)) {
            return [method === "GET" ? 200 : 405, {}];
        }
        return url.startsWith("/metrics") ? [200, "# HELP"] : [user ? 404 : 403, {}];
    }
}

function userOf({ headers }: IncomingMessage) {
    return userOfToken(/^bearer (\S+)/i.exec(headers.authorization ?? "")?.[1] ?? "");
}

function userOfToken(token: string) {
    return USERS[token.split("-")[0] ?? ""];
}

/** A port of loopback that nobody has. */
async function freePort(): Promise<number> {
    const server = createTcpServer();
    await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
    const { port } = server.address() as AddressInfo;
    await new Promise((done) => server.close(done));
    return port;
}

function listens(port: number): Promise<boolean> {
    return new Promise((resolve) => {
        const socket = connect(port, "127.0.0.1", () => {
            socket.destroy();
            resolve(true);
        });
        socket.on("error", () => resolve(false));
    });
}
