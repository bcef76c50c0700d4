import assert from "node:assert/strict";
import { mock } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import * as pulumi from "@pulumi/pulumi";
import program from "../../index";
import { KIND } from "./support/badSettings";
import { record, registered } from "./support/mocks";
import { kubeconfigOf, Servers } from "./support/servers";

const NODE = {
    metadata: { name: "full" },
    status: { conditions: [{ type: "DiskPressure", status: "True", message: "it is full" }] },
};

describe("the program", () => {
    const servers = new Servers();
    const asked: string[] = [];
    let kubeconfig = "";
    before(async () => {
        const { port, ca } = await servers.api(async (path) => {
            asked.push(path);
            if (path.startsWith("/api/v1/nodes")) {
                while (!registered().includes("kubernetes:core/v1:Namespace namespace")) {
                    await sleep(5);
                }
                return { body: { items: [NODE] } };
            }
            return path === "/version" ? { body: { major: "1", minor: "37" } } : undefined;
        });
        const server = `https://127.0.0.1:${port}`;
        kubeconfig = JSON.stringify(kubeconfigOf({ server, "certificate-authority-data": ca }));
    });
    afterEach(() => {
        mock.restoreAll();
        pulumi.runtime.setAllConfig({});
    });
    after(() => servers.close());

    /** Runs a preview to its end, and returns what it warned of. */
    async function previewed(settings: object): Promise<unknown[]> {
        const warn = mock.method(pulumi.log, "warn", () => Promise.resolve());
        await record(true);
        const values = Object.entries({ ...KIND, ...settings, kubeconfig }).map(([key, value]) => [
            `interlink-kube-api:${key}`,
            typeof value === "string" ? value : JSON.stringify(value),
        ]);
        pulumi.runtime.setAllConfig(Object.fromEntries(values) as Record<string, string>);
        asked.length = 0;
        await pulumi.runtime.runInPulumiStack(program);
        return warn.mock.calls.map(({ arguments: [sentence] }) => sentence);
    }

    it("makes what it makes while it looks for troubles, and has said them when it ends", async () => {
        assert.deepEqual(await previewed({}), ["The node full has DiskPressure: it is full."]);
    });

    it("asks where pods reach the API server only for network policies", async () => {
        const slices = () => asked.filter((path) => path.includes("/endpointslices")).length;
        await previewed({});
        assert.equal(slices(), 1);
        await previewed({ networkPolicies: false });
        assert.equal(slices(), 0);
    });
});
