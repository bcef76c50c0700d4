import assert from "node:assert/strict";
import { restartedAt } from "../../../checks";
import { Answers, FakeCluster, json } from "../support/fakeCluster";

describe("the look for the virtual node", () => {
    const DEPLOYMENT = "GET /apis/apps/v1/namespaces/interlink/deployments/node-node";
    const NODE = "GET /api/v1/nodes/node";
    const deployment = (annotations?: object) => json({ spec: { template: { metadata: { annotations } } } });
    const healed = { "interlink-kube-api/restarted": "2026-01-01T00:00:00.000Z" };

    async function look(answers: Answers): Promise<string | undefined> {
        const fake = new FakeCluster(answers);
        try {
            return await restartedAt(await fake.start(), "node", "interlink");
        } finally {
            fake.stop();
        }
    }

    it("changes nothing where the node is there, whoever made it", async () => {
        const node = json({ metadata: { name: "node" } });
        assert.equal(await look({ [DEPLOYMENT]: deployment(), [NODE]: node }), undefined);
        assert.equal(await look({ [DEPLOYMENT]: deployment(healed), [NODE]: node }), "2026-01-01T00:00:00.000Z");
    });

    it("changes nothing before the first update", async () => {
        assert.equal(await look({}), undefined);
    });

    it("has the virtual kubelet start anew, each time that the node is lost", async () => {
        for (const annotations of [undefined, healed]) {
            const before = new Date().toISOString();
            const time = await look({ [DEPLOYMENT]: deployment(annotations) });
            assert.ok(time !== undefined && time >= before, time);
        }
    });

    it("fails where it may not look", async () => {
        const forbidden = json({ kind: "Status", code: 403 }, 403);
        await assert.rejects(look({ [DEPLOYMENT]: forbidden }), {
            message: /could not be asked \(HTTP 403\); give a kubeconfig whose user may get nodes and deployments\.$/,
        });
    });
});
