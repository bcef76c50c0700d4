import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { stringify } from "yaml";
import program from "../../index";
import { CLOUD } from "./support/badSettings";
import { find, input, record } from "./support/mocks";
import { kubeconfigOf, Servers, withEnvironment } from "./support/servers";

describe("the program, in a preview", () => {
    const servers = new Servers();
    const folder = mkdtempSync(join(tmpdir(), "interlink-program-"));
    const asked: string[] = [];

    before(async () => {
        const { port, ca } = await servers.api((path) => {
            asked.push(path);
            return path === "/version" ? { body: { major: "1", minor: "37", gitVersion: "v1.37.2" } } : undefined;
        });
        const content = kubeconfigOf({ server: `https://127.0.0.1:${port}`, "certificate-authority-data": ca });
        const files = [join(folder, "contexts"), join(folder, "users")];
        writeFileSync(files[0] ?? "", stringify({ ...content, users: [] }));
        writeFileSync(files[1] ?? "", stringify({ users: [{ name: "u", user: { token: "t0ken" } }] }));
        await record(true);
        const settings = Object.entries(CLOUD).map(([key, value]) => [
            `interlink-kube-api:${key}`,
            typeof value === "string" ? value : JSON.stringify(value),
        ]);
        pulumi.runtime.setAllConfig(Object.fromEntries(settings) as Record<string, string>);
        await withEnvironment({ KUBECONFIG: files.join(":") }, () => pulumi.runtime.runInPulumiStack(program));
    });
    after(() => {
        pulumi.runtime.setAllConfig({});
        servers.close();
        rmSync(folder, { recursive: true });
    });

    it("gives the provider all files of $KUBECONFIG as one, as a secret", () => {
        const { kubeconfig } = find("kubernetes").inputs;
        assert.ok(pulumi.runtime.isRpcSecret(kubeconfig));
        assert.match(String(pulumi.runtime.unwrapRpcSecret(kubeconfig)), /"t0ken"/);
    });

    it("has ConfigMaps and Secrets patched in place, which else are deleted before they change", () => {
        const { enableConfigMapMutable, enableSecretMutable } = find("kubernetes").inputs;
        assert.deepEqual([enableConfigMapMutable, enableSecretMutable], ["true", "true"]);
    });

    it("looks at the cluster before anything is made, and marks what it makes", () => {
        assert.ok(asked.includes("/api/v1/namespaces/ingress-nginx-internal"));
        for (const name of ["namespace", "interlink-namespace", "interlink-node"]) {
            const annotations = input(name, "metadata", "annotations") as Record<string, string>;
            assert.equal(annotations["interlink-kube-api/stack"], "interlink-kube-api/test", name);
        }
    });
});
