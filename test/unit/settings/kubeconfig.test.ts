import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { stringify } from "yaml";
import { providerArgs } from "../../../settings/kubeconfig";
import { record } from "../support/mocks";

describe("the kubeconfig", () => {
    const folder = mkdtempSync(join(tmpdir(), "interlink-kubeconfig-"));
    const path = join(folder, "kubeconfig");
    const server = createServer();

    before((done) => void server.listen(0, "127.0.0.1", done));
    after(() => {
        server.close();
        rmSync(folder, { recursive: true });
    });

    function write(url: string): void {
        const clusters = [{ name: "c", cluster: { server: url } }];
        const contexts = [{ name: "x", context: { cluster: "c" } }];
        writeFileSync(path, stringify({ "current-context": "x", contexts, clusters }));
    }

    it("of a server that answers is given to the provider", async () => {
        await record();
        write(`https://127.0.0.1:${(server.address() as AddressInfo).port}`);
        assert.deepEqual(await providerArgs(path), {
            clusterIdentifier: "interlink-kube-api/test",
            kubeconfig: path,
        });
    });

    it("of a server that does not is refused, in one sentence", async () => {
        await record();
        write("https://127.0.0.1:1");
        await assert.rejects(providerArgs(path), {
            message: `interlink-kube-api:kubeconfig: the server https://127.0.0.1:1 of ${path} does not answer (connect ECONNREFUSED 127.0.0.1:1); give the kubeconfig of a cluster that runs.`,
        });
    });

    it("that is missing, or names no server, is refused", async () => {
        await record();
        await assert.rejects(providerArgs("/nowhere"), {
            message: "interlink-kube-api:kubeconfig: there is no file /nowhere; give the path of a kubeconfig.",
        });
        writeFileSync(path, "");
        await assert.rejects(providerArgs(path), {
            message: `interlink-kube-api:kubeconfig: the current context of ${path} names no server; give a kubeconfig that does.`,
        });
    });

    it("may be missing in a preview", async () => {
        await record(true);
        await pulumi.runtime.runInPulumiStack(async () => {
            assert.deepEqual(await providerArgs("/nowhere"), {
                clusterIdentifier: "interlink-kube-api/test",
                kubeconfig: "",
                renderYamlToDirectory: "preview",
            });
        });
    });
});
