import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { mock } from "node:test";
import * as pulumi from "@pulumi/pulumi";
import { stringify } from "yaml";
import { reachCluster } from "../../../settings/reach";
import { kubeconfigOf, Servers, withEnvironment } from "../support/servers";
import { isSecret, record, valueOf } from "../support/mocks";

const SETTING = "interlink-kube-api:kubeconfig";
const clusterIdentifier = "interlink-kube-api/test";

describe("the cluster", () => {
    const folder = mkdtempSync(join(tmpdir(), "interlink-reach-"));
    const path = join(folder, "kubeconfig");
    const servers = new Servers();
    const write = (content: object) => writeFileSync(path, stringify(content));
    const cluster = ({ port, ca }: { port: number; ca: string }) => ({
        server: `https://127.0.0.1:${port}`,
        "certificate-authority-data": ca,
    });

    beforeEach(() => record());
    afterEach(() => mock.restoreAll());
    after(() => {
        servers.close();
        rmSync(folder, { recursive: true });
    });

    it("that answers is given to the provider, by the path", async () => {
        write(kubeconfigOf(cluster(await servers.api())));
        const { providerArgs, api } = await reachCluster(path, undefined);
        assert.deepEqual(providerArgs, { clusterIdentifier, kubeconfig: path });
        assert.equal((await api?.get("/version"))?.status, 200);
    });

    it("is given to the provider with the context", async () => {
        write({ ...kubeconfigOf(cluster(await servers.api())), "current-context": "other" });
        const { providerArgs } = await reachCluster(path, "x");
        assert.deepEqual(providerArgs, { clusterIdentifier, kubeconfig: path, context: "x" });
        await assert.rejects(reachCluster(path, "y"), {
            message: `interlink-kube-api:context: "y" is not allowed; give one of ${path}: x.`,
        });
    });

    it("of a text is given to the provider as a secret", async () => {
        const content = kubeconfigOf(cluster(await servers.api()), { token: "t" });
        const { kubeconfig } = (await reachCluster(stringify(content), undefined)).providerArgs;
        assert.equal(await isSecret(pulumi.output(kubeconfig)), true);
        assert.deepEqual(JSON.parse((await valueOf(pulumi.output(kubeconfig))) ?? ""), content);
    });

    it("of several files is given to the provider as one secret text", async () => {
        const content = kubeconfigOf(cluster(await servers.api()));
        const second = join(folder, "second");
        write({ ...content, users: [] });
        writeFileSync(second, stringify({ users: [{ name: "u", user: { token: "t" } }] }));
        await withEnvironment({ KUBECONFIG: `${path}:${second}` }, async () => {
            const { kubeconfig } = (await reachCluster(undefined, undefined)).providerArgs;
            assert.equal(await isSecret(pulumi.output(kubeconfig)), true);
            const told = JSON.parse((await valueOf(pulumi.output(kubeconfig))) ?? "") as typeof content;
            assert.deepEqual(told.clusters, content.clusters);
            assert.deepEqual(told.users, [{ name: "u", user: { token: "t" } }]);
        });
    });

    for (const status of [401, 403]) {
        it(`answers with HTTP ${status} too`, async () => {
            const warn = mock.method(pulumi.log, "warn", () => Promise.resolve());
            const server = await servers.api(() => ({ status }));
            write(kubeconfigOf(cluster(server)));
            assert.ok((await reachCluster(path, undefined)).api);
            assert.deepEqual(
                warn.mock.calls.map(({ arguments: [message] }: { arguments: unknown[] }) => message),
                status === 403
                    ? []
                    : [
                          `${SETTING}: the server https://127.0.0.1:${server.port} of ${path} refuses the credentials (HTTP 401); renew them if the update fails.`,
                      ],
            );
        });
    }

    it("that does not answer is refused, in one sentence", async () => {
        write(kubeconfigOf({ server: "https://127.0.0.1:1" }));
        await assert.rejects(reachCluster(path, undefined), {
            name: "Error",
            message: `${SETTING}: the server https://127.0.0.1:1 of ${path} does not answer (connect ECONNREFUSED 127.0.0.1:1); give the kubeconfig of a cluster that runs.`,
        });
        const proxy = { server: "https://10.255.255.1", "proxy-url": "socks5://127.0.0.1:1" };
        write(kubeconfigOf(proxy));
        await assert.rejects(reachCluster(path, undefined), {
            message: new RegExp(
                `^${SETTING}: the server https://10.255.255.1 of ${path} does not answer through the proxy socks5://127.0.0.1:1 \\(.*ECONNREFUSED.*\\); give`,
            ),
        });
    });

    for (const [what, part, user, why] of [
        ["a missing CA", { "certificate-authority": "/nowhere/ca.crt" }, {}, "ENOENT.*/nowhere/ca.crt'"],
        ["a missing token", {}, { tokenFile: "/nowhere/token" }, "ENOENT.*/nowhere/token'"],
        ["a missing certificate", {}, { "client-certificate": "/nowhere/tls.crt" }, "ENOENT.*/nowhere/tls.crt'"],
        ["a missing command", {}, { exec: { command: "/nowhere/login" } }, "spawn /nowhere/login ENOENT"],
        ["a command that fails", {}, { exec: { command: "false" } }, "no reason given"],
    ] as const) {
        it(`is not said to be silent where the kubeconfig names ${what}`, async () => {
            write(kubeconfigOf({ server: "https://127.0.0.1:1", ...part }, user));
            await assert.rejects(reachCluster(path, undefined), {
                message: new RegExp(
                    `^${SETTING}: ${path} names what cannot be used \\(${why}\\); give a kubeconfig whose files are there, and whose command for credentials works\\.$`,
                ),
            });
        });
    }

    it("that is silent is waited for 5 s", async () => {
        const port = await servers.listen(createServer());
        write(kubeconfigOf({ server: `https://127.0.0.1:${port}` }));
        await assert.rejects(reachCluster(path, undefined), /does not answer \(no answer within 5 s\); give/);
    });

    it("with a certificate that the kubeconfig does not know is refused", async () => {
        const { port } = await servers.api();
        write(kubeconfigOf({ server: `https://127.0.0.1:${port}` }));
        await assert.rejects(reachCluster(path, undefined), /does not answer \(self-signed certificate\); give/);
    });

    it("that is no cluster is refused", async () => {
        write(kubeconfigOf(cluster(await servers.api(() => ({ status: 503 })))));
        await assert.rejects(reachCluster(path, undefined), /does not answer as an API server does \(HTTP 503\); give/);
    });

    it("never shows a text that is wrong", async () => {
        const content = kubeconfigOf({ server: "https://127.0.0.1:1" }, { token: "very-secret" });
        await assert.rejects(reachCluster(stringify(content), undefined), {
            message: `${SETTING}: the server https://127.0.0.1:1 of the text given does not answer (connect ECONNREFUSED 127.0.0.1:1); give the kubeconfig of a cluster that runs.`,
        });
    });

    it("may be missing in a preview", async () => {
        await record(true);
        const warn = mock.method(pulumi.log, "warn", () => Promise.resolve());
        await pulumi.runtime.runInPulumiStack(async () => {
            assert.deepEqual(await reachCluster("/nowhere", undefined), {
                providerArgs: { clusterIdentifier, kubeconfig: "", renderYamlToDirectory: "preview" },
            });
        });
        assert.equal(warn.mock.callCount(), 1);
    });
});
