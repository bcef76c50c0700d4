import assert from "node:assert/strict";
import { execFile, execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { outsideScript, Outputs } from "../../../doctor/script";
import { Certificate } from "../support/fakeCluster";
import { apiServer, Authority, FakeSite, Handler, refusal, TOKEN } from "../support/fakeSite";

/** A fault: what is changed in a healthy site, the first broken link, and what the script says. */
interface Fault {
    readonly outputs?: Partial<Outputs>;
    readonly certificate?: Certificate;
    readonly handler?: Handler;
    readonly token?: string;
    readonly env?: Readonly<Record<string, string>>;
    readonly link: string;
    readonly says: RegExp;
}

describe("the script for the HPC side", () => {
    const folder = mkdtempSync(join(tmpdir(), "interlink-outside-"));
    const tokenFile = join(folder, "token");
    const authority = new Authority("our-ca");
    const good = authority.issue("IP:127.0.0.1");
    const stranger = new Authority("another-ca");
    let site: FakeSite;

    beforeEach(() => {
        site = new FakeSite(authority.ca);
        writeFileSync(tokenFile, `${TOKEN}\n`);
    });
    afterEach(() => site.close());
    after(() => {
        [authority, stranger].forEach((one) => one.remove());
        rmSync(folder, { recursive: true });
    });

    /** What the script prints, and its exit status. */
    async function run(options: readonly string[], { outputs, certificate = good, env }: Partial<Fault> = {}) {
        await site.listen(certificate);
        const script = outsideScript({ ...site.expected(), ...outputs });
        return new Promise<{ status: number; text: string }>((resolve) => {
            const child = execFile(
                "sh",
                ["-s", "--", ...options],
                { env: { PATH: process.env.PATH, ...env } },
                (_, out, err) => {
                    assert.ok(!(out + err).includes(TOKEN));
                    resolve({ status: child.exitCode ?? -1, text: out + err });
                },
            );
            child.stdin?.end(script);
        });
    }

    it("finds nothing broken in a healthy site, and shows what the token may", async () => {
        const { status, text } = await run(["-t", tokenFile, "-w", "1"]);
        const rows = text.split("\n").filter(Boolean);
        assert.deepEqual(
            rows.filter((row) => row.startsWith("ok")).map((row) => row.split(/ +/)[1]),
            ["name", "route", "TLS", "API", "token", "RBAC", "watch"],
            text,
        );
        assert.match(text, /^ok +token +system:serviceaccount:default:default$/m);
        assert.match(text, /^ +selfsubjectrulesreviews +authorization\.k8s\.io +create$/m);
        assert.match(text, /^ +pods +get,list,watch$/m);
        assert.match(text, /^ok +watch +silent for 1 s$/m);
        assert.equal(status, 0);
    });

    it("asks as far as it can without a token", async () => {
        const { status, text } = await run(["-w", "1"]);
        assert.match(text, /^ok +API +Kubernetes v1\.37\.2\nunseen +token +no file was given/m);
        assert.equal(status, 0);
    });

    const page =
        (status: number): Handler =>
        (_, response) =>
            void response.writeHead(status).end("an error page");
    const watching = (handler: Handler): Handler => {
        return (request, response) => (request.url?.includes("watch=1") ? handler : apiServer())(request, response);
    };
    const FAULTS: Readonly<Record<string, Fault>> = {
        "a name that is not known": {
            outputs: { apiServerHost: "api.invalid", apiServerUrl: "https://api.invalid:60443" },
            link: "name",
            says: /api\.invalid is not known here\.\nAsk for the name in this network's DNS/,
        },
        "a port that is closed": {
            outputs: { apiServerPort: 1, apiServerUrl: "https://127.0.0.1:1" },
            link: "route",
            says: /port 1 refuses connections.*\n.*Ask the firewall's people for: TCP from .* to 127\.0\.0\.1, port 1,/,
        },
        "another CA": {
            certificate: stranger.issue("IP:127.0.0.1"),
            link: "TLS",
            says: /the CA does not verify the certificate, issuer.*another-ca .*\n.*TLS is inspected on the way/,
        },
        "a certificate that has expired": {
            certificate: authority.issue("IP:127.0.0.1", [-9, -1]),
            link: "TLS",
            says: /the certificate has expired, on /,
        },
        "a certificate for another address": {
            certificate: authority.issue("IP:127.0.0.2"),
            link: "TLS",
            says: /the certificate is not for 127\.0\.0\.1/,
        },
        "a proxy without an API server": { handler: page(502), link: "API", says: /HTTP 502 \(an error page\)/ },
        "a controller without a route": { handler: page(404), link: "API", says: /HTTP 404 \(an error page\)/ },
        "another server": { handler: page(200), link: "API", says: /HTTP 200, but it is no API server/ },
        "a page that refuses": { handler: page(403), link: "API", says: /HTTP 403, but not from the API server/ },
        "a token file that is empty": {
            token: "",
            link: "token",
            says: /is empty, or cannot be read\.\n.*ExportPodData/,
        },
        "a token that is refused": { token: "old", link: "token", says: /refuses it \(HTTP 401\)\.\nIt has ended/ },
        "rules that are not told": {
            handler: (request, response) =>
                (request.url?.includes("rulesreviews") ? refusal(403) : () => apiServer()(request, response))(response),
            link: "RBAC",
            says: /HTTP 403/,
        },
        "a watch that is cut": {
            handler: watching((_, response) => {
                response.writeHead(200).flushHeaders();
                setTimeout(() => response.socket?.destroy(), 100);
            }),
            link: "watch",
            says: /it was cut after 0 s of silence, of 1: /,
        },
        "a watch whose end never comes": {
            handler: watching((_, response) => response.writeHead(200).flushHeaders()),
            link: "watch",
            says: /silent for 1 s, and its end never came\.\nSomething on the way forgets silent connections\. Ask the firewall/,
        },
    };

    for (const [what, { outputs, certificate, handler, token, link, says }] of Object.entries(FAULTS)) {
        it(`names the link of ${what}: ${link}`, async () => {
            site.handler = handler ?? site.handler;
            if (token !== undefined) {
                writeFileSync(tokenFile, token);
            }
            const { status, text } = await run(["-t", tokenFile, "-w", "1"], { outputs, certificate });
            assert.equal(/^The first broken link is (\w+): /m.exec(text)?.[1], link, text);
            assert.match(text, says);
            assert.equal(status, 1);
        });
    }

    it("says that a token, here by the environment, may watch nothing, and that a proxy is set", async () => {
        site.handler = apiServer(["get"]);
        const env = { TOKEN_FILE: tokenFile, HTTPS_PROXY: "http://10.0.0.1:3128" };
        const { status, text } = await run(["-w", "1"], { env });
        assert.match(text, /^unseen +proxy +HTTPS_PROXY is set/m);
        assert.match(text, /^unseen +watch +the token may watch nothing/m);
        assert.equal(status, 0);
    });

    it("refuses what is no time", async () => {
        const { status, text } = await run(["-w", "soon"]);
        assert.match(text, /^usage: /);
        assert.equal(status, 2);
    });

    it("has at most 200 lines, of which a shell takes every one", () => {
        const script = outsideScript(site.expected());
        assert.ok(script.split("\n").length <= 200 + authority.ca.split("\n").length);
        assert.doesNotMatch(script, /'@\w+@'/);
        execFileSync("sh", ["-n"], { input: script });
    });
});
