import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { stringify } from "yaml";
import { findKubeconfig } from "../../../settings/kubeconfig";
import { kubeconfigOf, withEnvironment } from "../support/servers";

const SETTING = "interlink-kube-api:kubeconfig";

describe("the kubeconfig", () => {
    const folder = mkdtempSync(join(tmpdir(), "interlink-kubeconfig-"));
    const [first, second] = [join(folder, "first"), join(folder, "second")];
    const server = (name: string) => kubeconfigOf({ server: `https://${name}:6443` }, { token: name });
    /** The environment of a machine without a cluster. */
    const bare = { HOME: folder, KUBECONFIG: undefined, KUBERNETES_SERVICE_HOST: undefined };
    const home = join(folder, ".kube");

    beforeEach(() => {
        writeFileSync(first, stringify(server("first")));
        writeFileSync(second, stringify({ ...server("second"), "current-context": "other" }));
    });
    afterEach(() => rmSync(home, { recursive: true, force: true }));
    after(() => rmSync(folder, { recursive: true }));

    it("is the setting's file, which the provider may read by itself", () => {
        const { path, content, key } = findKubeconfig(first);
        assert.equal(path, first);
        assert.equal(key, SETTING);
        assert.equal(content.clusters[0]?.cluster?.server, "https://first:6443");
    });

    it("may lie in the home directory, by ~", async () => {
        await withEnvironment(bare, () => assert.equal(findKubeconfig("~/first").path, first));
    });

    it("is $KUBECONFIG's, where nothing is set, and ~/.kube/config's where that is empty too", async () => {
        mkdirSync(home);
        writeFileSync(join(home, "config"), stringify(server("usual")));
        await withEnvironment({ ...bare, KUBECONFIG: first }, () =>
            assert.equal(findKubeconfig(undefined).path, first),
        );
        for (const KUBECONFIG of ["", undefined, ":"]) {
            await withEnvironment({ ...bare, KUBECONFIG }, () =>
                assert.equal(findKubeconfig(undefined).path, join(home, "config")),
            );
        }
    });

    it("of several files is what kubectl makes of them: the first one wins, those that are missing are left out", async () => {
        const third = join(folder, "third");
        writeFileSync(
            third,
            stringify({
                contexts: [{ name: "y", context: { cluster: "d", user: "u" } }],
                clusters: [{ name: "d", cluster: { server: "https://third" } }],
                users: null,
            }),
        );
        const files = [third, "/nowhere", second, first];
        await withEnvironment({ ...bare, KUBECONFIG: files.join(":") }, () => {
            const { content, path, called } = findKubeconfig(undefined);
            assert.equal(path, undefined);
            assert.equal(called, files.join(":"));
            assert.equal(content["current-context"], "other");
            assert.deepEqual(
                content.contexts.map(({ name }) => name),
                ["y", "x"],
            );
            assert.deepEqual(
                content.clusters.map(({ cluster }) => cluster?.server),
                ["https://third", "https://second:6443"],
            );
            assert.deepEqual(content.users, [{ name: "u", user: { token: "second" } }]);
        });
    });

    it("with paths that count from its own folder is given with absolute ones, since the provider would not find them", () => {
        const user = {
            "client-certificate": "c.crt",
            "client-key": "/k",
            tokenFile: "t",
            exec: { command: "./login" },
        };
        const content = kubeconfigOf({ server: "https://a", "certificate-authority": "pki/ca.crt" }, user);
        writeFileSync(first, stringify(content));
        const found = findKubeconfig(first);
        assert.equal(found.path, undefined);
        assert.equal(found.content.clusters[0]?.cluster?.["certificate-authority"], join(folder, "pki/ca.crt"));
        assert.deepEqual(found.content.users[0]?.user, {
            "client-certificate": join(folder, "c.crt"),
            "client-key": "/k",
            tokenFile: join(folder, "t"),
            exec: { command: join(folder, "login") },
        });
        writeFileSync(first, stringify(kubeconfigOf({ server: "https://a" }, { exec: { command: "aws" } })));
        assert.equal(findKubeconfig(first).path, first);
    });

    for (const [form, text] of [
        ["YAML", stringify(server("text"))],
        ["JSON", JSON.stringify(server("text"))],
    ] as const) {
        it(`may be a text of ${form}`, () => {
            const { content, path, called } = findKubeconfig(text);
            assert.equal(path, undefined);
            assert.equal(called, "the text given");
            assert.equal(content.clusters[0]?.cluster?.server, "https://text:6443");
        });
    }

    it("is the pod's service account, where there is no file", async () => {
        const account = join(folder, "account");
        mkdirSync(account);
        const pod = { ...bare, KUBERNETES_SERVICE_HOST: "fd00::1", KUBERNETES_SERVICE_PORT: "443" };
        await withEnvironment(pod, () => assert.throws(() => findKubeconfig(undefined, account), /there is no file/));
        writeFileSync(join(account, "token"), "t");
        await withEnvironment(pod, () => {
            const { content, path } = findKubeconfig(undefined, account);
            assert.equal(path, undefined);
            assert.deepEqual(content.clusters[0]?.cluster, {
                server: "https://[fd00::1]:443",
                "certificate-authority": join(account, "ca.crt"),
            });
            assert.deepEqual(content.users[0]?.user, { tokenFile: join(account, "token") });
        });
        await withEnvironment(bare, () => assert.throws(() => findKubeconfig(undefined, account), /there is no file/));
        // As for kubectl: files that are missing or empty say nothing.
        const empty = join(folder, "empty");
        writeFileSync(empty, stringify({ ...server("empty"), contexts: null, clusters: null, users: null }));
        for (const KUBECONFIG of ["/nowhere", `/nowhere:${empty}`, "/dev/null"]) {
            await withEnvironment({ ...pod, KUBECONFIG }, () =>
                assert.equal(findKubeconfig(undefined, account).called, "the pod's service account"),
            );
        }
        await withEnvironment({ ...pod, KUBECONFIG: `${empty}:${first}` }, () =>
            assert.equal(findKubeconfig(undefined, account).content.clusters[0]?.cluster?.server, "https://first:6443"),
        );
        mkdirSync(home);
        writeFileSync(join(home, "config"), stringify(server("usual")));
        await withEnvironment(pod, () => assert.equal(findKubeconfig(undefined, account).path, join(home, "config")));
    });

    it("that is missing is refused, in one sentence", async () => {
        assert.throws(() => findKubeconfig("/nowhere"), {
            message: `${SETTING}: there is no file /nowhere; give the path of a kubeconfig.`,
        });
        await withEnvironment({ ...bare, KUBECONFIG: "/a:/b" }, () =>
            assert.throws(() => findKubeconfig(undefined), {
                message: "KUBECONFIG: there is no file /a:/b; give the path of a kubeconfig.",
            }),
        );
        await withEnvironment(bare, () =>
            assert.throws(() => findKubeconfig(undefined), {
                message: `KUBECONFIG: there is no file ${join(home, "config")}; give the path of a kubeconfig.`,
            }),
        );
        assert.throws(() => findKubeconfig(folder), /EISDIR.*give the path of a kubeconfig\.$/);
    });

    for (const [what, content] of [
        ["another tool's, whose contexts are no list", { context: "a", contexts: { a: { endpoints: [] } } }],
        ["with an entry that is none", { ...server("a"), users: [null] }],
        ["with a text where clusters belong", { clusters: "a" }],
    ] as const) {
        it(`${what} is refused`, () => {
            writeFileSync(first, stringify(content));
            assert.throws(() => findKubeconfig(first), {
                message: `${SETTING}: ${first} is not the YAML of a kubeconfig; give a kubeconfig.`,
            });
        });
    }

    it("that is wrong is never printed", () => {
        const secret = "c2VjcmV0".repeat(40);
        assert.throws(() => findKubeconfig(secret), {
            message: `${SETTING}: the value, of 320 characters, is neither the path of a file nor the text of a kubeconfig; give one of them.`,
        });
        assert.throws(() => findKubeconfig(`{"token": "${secret}`), {
            message: `${SETTING}: the text given is not the YAML of a kubeconfig, see line 1; give a kubeconfig.`,
        });
        assert.throws(() => findKubeconfig(`${secret}\n${secret}\n`), {
            message: `${SETTING}: the text given is not the YAML of a kubeconfig; give a kubeconfig.`,
        });
    });
});
