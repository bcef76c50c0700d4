import assert from "node:assert/strict";
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer as createHttpServer, IncomingMessage } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { getCACertificates } from "node:tls";
import { CoreV1Api } from "@kubernetes/client-node";
import { tunnelTo } from "../../../checks/tunnel";
import { apiServer } from "../../../settings/apiServer";
import { KubeconfigContent } from "../../../settings/kubeconfig";
import { ADDRESS, kubeconfigOf, NAME, Servers, withEnvironment } from "../support/servers";

const NO_PROXIES = { HTTPS_PROXY: undefined, https_proxy: undefined, NO_PROXY: undefined, no_proxy: undefined };
const found = (content: KubeconfigContent) => ({ content, called: "/k", key: "KUBECONFIG" });
const api = (content: KubeconfigContent, context?: string) => apiServer(found(content), context);

describe("the API server", () => {
    const servers = new Servers();
    const folder = mkdtempSync(join(tmpdir(), "interlink-api-"));
    const authorizations: (string | undefined)[] = [];
    let port: number;
    let ca: string;

    before(async () => {
        ({ port, ca } = await servers.api((_, request: IncomingMessage) => {
            authorizations.push(request.headers.authorization);
            return { body: { accept: request.headers.accept } };
        }));
    });
    beforeEach(() => void authorizations.splice(0));
    after(() => {
        servers.close();
        rmSync(folder, { recursive: true });
    });

    const cluster = (more: object = {}, host = "127.0.0.1") => ({
        server: `https://${host}:${port}`,
        "certificate-authority-data": ca,
        ...more,
    });
    /** Asks and streams as the checks at the end of an update do; what answers is no pod. */
    const check = async (content: KubeconfigContent) => {
        const config = api(content).client();
        await config.makeApiClient(CoreV1Api).readNode({ name: "n" });
        await assert.rejects(tunnelTo(config, { namespace: "n", pod: "p", port: 1 }), { status: 200 });
    };
    const status = async (content: KubeconfigContent) => (await api(content).get("/version")).status;

    it("is asked with its CA and the user's token", async () => {
        assert.equal(await status(kubeconfigOf(cluster(), { token: "t" })), 200);
        assert.deepEqual(authorizations, ["Bearer t"]);
    });

    it("is asked with its CA where there is no user", async () => {
        assert.equal(await status({ ...kubeconfigOf(cluster()), users: [] }), 200);
    });

    it("without its CA, or with another name, is refused, unless that is asked for", async () => {
        await assert.rejects(status(kubeconfigOf({ server: `https://127.0.0.1:${port}` })), /self-signed certificate/);
        await assert.rejects(status(kubeconfigOf(cluster({}, "localhost"))), /Hostname\/IP does not match/);
        const insecure = { server: `https://localhost:${port}`, "insecure-skip-tls-verify": true };
        assert.equal(await status(kubeconfigOf(insecure)), 200);
    });

    it("is verified without its CA by the roots of the machine, as the provider does", () => {
        const roots = (more: object) => {
            const content = kubeconfigOf({ server: `https://127.0.0.1:${port}`, ...more });
            return Buffer.from(api(content).client().getCurrentCluster()?.caData ?? "", "base64").toString();
        };
        const machine = roots({});
        for (const root of [...getCACertificates("default"), ...getCACertificates("system")]) {
            assert.ok(machine.includes(root), root);
        }
        assert.equal(roots({ "certificate-authority-data": ca }), Buffer.from(ca, "base64").toString());
        assert.equal(roots({ "insecure-skip-tls-verify": true }), "");
    });

    it("may have another name in its certificate, by tls-server-name", async () => {
        assert.equal(await status(kubeconfigOf(cluster({ "tls-server-name": NAME }, "localhost"))), 200);
        await assert.rejects(status(kubeconfigOf(cluster({ "tls-server-name": "other" }))), /does not match/);
    });

    it("may lie below a path", async () => {
        const paths: string[] = [];
        const below = await servers.api((path) => {
            paths.push(path);
            return {};
        });
        const server = `https://127.0.0.1:${below.port}/k8s/clusters/c/`;
        await api(kubeconfigOf({ server, "certificate-authority-data": below.ca })).get("/version");
        assert.deepEqual(paths, ["/k8s/clusters/c/version"]);
    });

    it("may speak plain HTTP, as kubectl proxy does", async () => {
        const plain = await servers.listen(createHttpServer((_, response) => response.end("{}")));
        assert.equal(await status(kubeconfigOf({ server: `http://127.0.0.1:${plain}` })), 200);
    });

    it("is asked as whom the user acts, with that one's groups", async () => {
        const seen: (readonly (readonly string[] | undefined)[])[] = [];
        const { port: other, ca: own } = await servers.api((_, { headersDistinct }: IncomingMessage) => {
            const keys = ["user", "uid", "group", "extra-site%2freason"];
            seen.push(keys.map((key) => headersDistinct[`impersonate-${key}`]));
            return {};
        });
        const user = { as: "admin", "as-uid": "7", "as-groups": ["a", "b"], "as-user-extra": { "site/reason": ["c"] } };
        const server = { server: `https://127.0.0.1:${other}`, "certificate-authority-data": own };
        assert.equal(await status(kubeconfigOf(server, user)), 200);
        await check(kubeconfigOf(server, user));
        assert.deepEqual(seen, Array(3).fill([["admin"], ["7"], ["a", "b"], ["c"]]));
    });

    it("takes a token of a file, which wins", async () => {
        const tokenFile = join(folder, "token");
        writeFileSync(tokenFile, "from-file\n");
        await status(kubeconfigOf(cluster(), { tokenFile, token: "t" }));
        assert.deepEqual(authorizations, ["Bearer from-file"]);
    });

    describe("with a command for credentials", () => {
        const command = join(folder, "login");
        const calls = join(folder, "calls");
        const write = (script: string) => {
            writeFileSync(command, `#!/bin/sh\necho "$KUBERNETES_EXEC_INFO" >> ${calls}\n${script}\n`);
            chmodSync(command, 0o755);
        };
        const exec = { apiVersion: "client.authentication.k8s.io/v1", command, provideClusterInfo: true };

        it("runs it once, and tells it the cluster", async () => {
            write(`echo '{"status": {"token": "from-command"}}'`);
            const { get } = api(kubeconfigOf(cluster(), { exec }));
            await Promise.all([get("/version"), get("/api")]);
            await get("/version");
            assert.deepEqual(authorizations, Array(3).fill("Bearer from-command"));
            assert.deepEqual(JSON.parse(readFileSync(calls, "utf8")), {
                kind: "ExecCredential",
                apiVersion: exec.apiVersion,
                spec: { interactive: false, cluster: cluster() },
            });
        });

        it("runs one of a cloud's, whose kubeconfig has null for what it does not say", async () => {
            write(`echo '{"kind": "ExecCredential", "status": {"token": "of-the-cloud"}}'`);
            const cloud = { apiVersion: "client.authentication.k8s.io/v1beta1", command, args: null, env: null };
            const user = { exec: { ...cloud, interactiveMode: "IfAvailable", installHint: "apt install login" } };
            assert.equal(await status(kubeconfigOf(cluster(), user)), 200);
            assert.deepEqual(authorizations, ["Bearer of-the-cloud"]);
        });

        it("tells why it fails, or that there is none", async () => {
            write("echo token expired >&2; exit 1");
            await assert.rejects(status(kubeconfigOf(cluster(), { exec })), /token expired/);
            const missing = { ...exec, command: "/nowhere/login" };
            await assert.rejects(status(kubeconfigOf(cluster(), { exec: missing })), /spawn \/nowhere\/login ENOENT/);
        });
    });

    for (const kind of ["http", "socks5"] as const) {
        const proxyOf = (asked: string[]) => (kind === "http" ? servers.httpProxy(asked) : servers.socksProxy(asked));

        it(`is asked through a ${kind} proxy of the kubeconfig, which finds its name`, async () => {
            const asked: string[] = [];
            const url = await proxyOf(asked);
            const content = kubeconfigOf(cluster({ "proxy-url": url }, NAME), { token: "t" });
            assert.equal(await status(content), 200);
            assert.deepEqual(asked, [`${NAME}:${port}`]);
            assert.deepEqual(authorizations, ["Bearer t"]);
            assert.equal(api(content).proxy, url);
        });

        it(`is verified through a ${kind} proxy`, async () => {
            const url = await proxyOf([]);
            const server = `https://${NAME}:${port}`;
            await assert.rejects(status(kubeconfigOf({ server, "proxy-url": url })), /self-signed certificate/);
            const named = cluster({ "proxy-url": url, "tls-server-name": NAME }, "elsewhere.test");
            assert.equal(await status(kubeconfigOf(named)), 200);
            const other = cluster({ "proxy-url": url }, "elsewhere.test");
            await assert.rejects(status(kubeconfigOf(other)), /does not match/);
        });

        for (const [host, wrong] of [
            ["127.0.0.1", "127.0.0.2"],
            [`[${ADDRESS}]`, "[fd00::2]"],
        ] as const) {
            it(`is asked and verified by the address ${host} through a ${kind} proxy`, async () => {
                const asked: string[] = [];
                const more = { "proxy-url": await proxyOf(asked) };
                assert.equal(await status(kubeconfigOf(cluster(more, host))), 200);
                assert.deepEqual(asked, [`${host}:${port}`]);
                await assert.rejects(status(kubeconfigOf(cluster(more, wrong))), /is not in the cert's list/);
            });

            it(`is asked by the checks, too, by the address ${host} through a ${kind} proxy`, async () => {
                const asked: string[] = [];
                const more = { "proxy-url": await proxyOf(asked) };
                await check(kubeconfigOf(cluster(more, host), { token: "t" }));
                assert.deepEqual(asked, Array(2).fill(`${host}:${port}`));
                assert.deepEqual(authorizations, Array(2).fill("Bearer t"));
                await assert.rejects(check(kubeconfigOf(cluster(more, wrong))), /is not in the cert's list/);
                await check(kubeconfigOf(cluster({ ...more, "tls-server-name": NAME }, wrong)));
            });
        }

        it(`is asked through a ${kind} proxy of the environment, unless it is excepted`, async () => {
            const asked: string[] = [];
            const content = kubeconfigOf(cluster({}, NAME));
            const HTTPS_PROXY = await proxyOf(asked);
            await withEnvironment({ ...NO_PROXIES, HTTPS_PROXY }, async () => assert.equal(await status(content), 200));
            assert.deepEqual(asked, [`${NAME}:${port}`]);
            await withEnvironment({ ...NO_PROXIES, HTTPS_PROXY, NO_PROXY: NAME }, () =>
                assert.rejects(status(content), /ENOTFOUND|EAI_AGAIN/),
            );
        });
    }

    it("names a proxy that does not answer, without its password", async () => {
        const content = kubeconfigOf(cluster({ "proxy-url": "http://user:secret@127.0.0.1:1" }));
        await assert.rejects(status(content), /ECONNREFUSED 127\.0\.0\.1:1/);
        assert.equal(api(content).proxy, "http://127.0.0.1:1");
    });

    it("may answer with metadata alone", async () => {
        const { body } = await api(kubeconfigOf(cluster())).get("/", "metadata");
        assert.match(
            (body as { accept: string }).accept,
            /^application\/json;as=PartialObjectMetadata;g=meta\.k8s\.io;v=v1,/,
        );
    });

    it("is that of the context that is named, which must be there", () => {
        const content = {
            "current-context": "x",
            contexts: [
                { name: "x", context: { cluster: "a" } },
                { name: "y", context: { cluster: "b" } },
            ],
            clusters: [
                { name: "a", cluster: { server: "https://a:6443" } },
                { name: "b", cluster: { server: "https://b:6443" } },
            ],
            users: [],
        };
        assert.equal(api(content).origin, "https://a:6443");
        assert.equal(api(content, "y").origin, "https://b:6443");
        assert.throws(() => api(content, "z"), {
            message: 'interlink-kube-api:context: "z" is not allowed; give one of /k: x, y.',
        });
        assert.throws(() => api({ ...content, contexts: [] }, "z"), {
            message: 'interlink-kube-api:context: "z" is not allowed; give one of /k, which has none.',
        });
    });

    it("is that of a context which somebody has to name where the kubeconfig has no current one", () => {
        const content = kubeconfigOf({ server: "https://a:6443" });
        assert.throws(() => api({ ...content, "current-context": "" }), {
            message: "KUBECONFIG: /k has no current context; set interlink-kube-api:context to one of: x.",
        });
        assert.throws(() => api({ ...content, "current-context": "gone" }), {
            message:
                "KUBECONFIG: /k has no context gone, which shall be its current one; set interlink-kube-api:context to one of: x.",
        });
        assert.equal(api({ ...content, "current-context": "gone" }, "x").origin, "https://a:6443");
    });

    it("must be named by the context, with a URL", () => {
        const empty = { contexts: [], clusters: [], users: [] };
        const message = "KUBECONFIG: the current context of /k names no server; give a kubeconfig that does.";
        assert.throws(() => api(empty), { message });
        for (const server of ["a.b", "localhost:6443", "ftp://a.b"]) {
            assert.throws(() => api(kubeconfigOf({ server })), { message });
        }
        assert.throws(() => api(kubeconfigOf({}), "x"), /the context x of \/k names no server/);
    });
});
