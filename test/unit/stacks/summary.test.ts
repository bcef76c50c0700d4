import assert from "node:assert/strict";
import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { parse } from "yaml";
import { parseSettings } from "../../../settings/read";
import { deploy } from "../../../stacks";
import { summaryOf } from "../../../stacks/summary";
import { CLOUD, EXTERNAL, KIND, METALLB } from "../support/badSettings";
import { isSecret, record, valueOf } from "../support/mocks";

/** The summary of a stack that is up, or of its preview. */
async function summary(given: Readonly<Record<string, unknown>>, lifetime = 3153600000, preview = false) {
    await record(preview);
    const settings = parseSettings(given);
    const unknown = pulumi.unknown as unknown as string;
    const outputs = {
        ...deploy(settings, { opts: { provider: new k8s.Provider("kubernetes", {}) } }),
        tokenLifetimeSeconds: pulumi.output(preview ? (pulumi.unknown as unknown as number) : lifetime),
        kubeconfig: pulumi.secret("the-token"),
        // The stand-in for the cluster knows everything at once.
        ...(preview && { ingressClassName: pulumi.output(unknown), interlinkNodeNames: pulumi.output([unknown]) }),
    };
    const text = summaryOf(outputs, settings, "mine");
    assert.equal(await isSecret(text), false);
    return parse(await valueOf(text)) as Record<string, unknown>;
}

const NEXT = [
    "npm run --silent doctor -- --stack mine asks every link from here",
    "npm run --silent doctor -- --stack mine --script > check.sh makes the script that asks from the HPC side",
];

describe("the summary", () => {
    for (const good of [KIND, CLOUD, METALLB]) {
        it(`of ${good.environment} says what people have to know, in order`, async () => {
            const told = await summary({ ...good, controller: "traefik" });
            assert.deepEqual(Object.entries(told), [
                ["Kubernetes API", "https://10.1.2.3:60443"],
                ["Address", "10.1.2.3, TCP port 60443"],
                ["Way in", "class nginx-internal"],
                ["Admitted", "every request, as the API server decides"],
                ["Certificate", "lives for 2160h, and is renewed by itself"],
                ["CA ends", "2126-11-01"],
                ["Virtual nodes", "interlink-slurm-node"],
                ["Job's token", "lives for 36500 days"],
                ["Next", NEXT],
            ]);
        });
    }

    it("of external says nothing of what somebody else decides", async () => {
        const sites = { north: KIND.interlink, south: KIND.interlink };
        assert.deepEqual(await summary({ ...EXTERNAL, interlink: undefined, sites }, 0), {
            "Kubernetes API": "https://10.1.2.3:6443",
            Address: "10.1.2.3, TCP port 6443",
            "Way in": "somebody else's",
            "CA ends": "2126-11-01",
            "Virtual nodes": "interlink-north, interlink-south",
            "Job's token": "of unknown lifetime",
            Next: NEXT,
        });
    });

    it("says whom the proxy admits, and of a kubeconfig for a service account", async () => {
        const told = await summary({ ...KIND, admit: "tokens", kubeconfigFor: "workflows/runner" }, 86400);
        assert.equal(told["Way in"], "the proxy itself");
        assert.equal(told.Admitted, "requests with a token");
        assert.equal(told["Job's token"], "lives for 24 hours");
        assert.deepEqual(told.Next, [
            ...NEXT,
            "pulumi stack output kubeconfig --show-secrets > kubeconfig is for workflows/runner, for a day",
        ]);
    });

    it("has one end for each CA of a rotation", async () => {
        const ca = { generation: 2, rotation: "prepare" };
        assert.equal((await summary({ ...KIND, ca }))["CA ends"], "2126-11-01, 2126-11-01");
    });

    it("of a preview says what the settings tell, and what the update will", async () => {
        const told = await summary({ ...KIND, controller: "traefik", uniqueNames: true }, undefined, true);
        assert.equal(told["Kubernetes API"], "https://10.1.2.3:60443");
        assert.equal(told["Job's token"], "known after the update");
        assert.equal(told["Virtual nodes"], "interlink-slurm-node-…");
        assert.equal(told["Way in"], "class nginx-internal-…");
        assert.equal((await summary(KIND, undefined, true))["Virtual nodes"], "interlink-slurm-node");
    });
});
