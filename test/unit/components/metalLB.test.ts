import assert from "node:assert/strict";
import { MetalLB, MetalLBArgs } from "../../../components/metalLB";
import { find, input, record, registered, settled } from "../support/mocks";

describe("MetalLB", () => {
    beforeEach(() => record());

    const args: MetalLBArgs = {
        release: { install: true, namespace: "metallb-system", version: "0.1.2" },
        poolName: "pool",
        addresses: ["10.1.2.3-10.1.2.9"],
        kubectlImage: "kubectl:1",
    };

    it("runs in a privileged namespace and announces its pool", async () => {
        await settled(new MetalLB("metallb", args));
        const labels = input("metallb-namespace", "metadata", "labels") as Record<string, string>;
        assert.equal(labels["pod-security.kubernetes.io/enforce"], "privileged");
        assert.deepEqual(input("metallb-pool", "spec"), { addresses: args.addresses, autoAssign: false });
        assert.deepEqual(input("metallb-l2-advertisement", "spec"), { ipAddressPools: ["pool"] });
        const pool = JSON.parse(input("metallb-webhook-pool", "data", "pool.json") as string) as unknown;
        assert.deepEqual(pool, find("metallb-pool").inputs);
    });

    it("serves a class of its own where it is given one, whatever the other values say", async () => {
        const release = { ...args.release, values: { loadBalancerClass: "other", speaker: { ignoreExcludeLB: true } } };
        await settled(new MetalLB("metallb", { ...args, release, loadBalancerClass: "site.example/lb" }));
        assert.equal(input("metallb-chart", "values", "loadBalancerClass"), "site.example/lb");
        assert.equal(input("metallb-chart", "values", "speaker", "ignoreExcludeLB"), true);
    });

    it("shows what the webhook said when it took no pool", async () => {
        await settled(new MetalLB("metallb", args));
        const container = ["spec", "template", "spec", "containers", 0, "terminationMessagePolicy"] as const;
        assert.equal(input("metallb-webhook", ...container), "FallbackToLogsOnError");
    });

    it("asks the webhook for a pool that may be there already, as when its pods change", async () => {
        await settled(new MetalLB("metallb", args));
        const command = input("metallb-webhook", "spec", "template", "spec", "containers", 0, "command") as string[];
        assert.equal(command[1], "apply");
        assert.ok(command.includes("--dry-run=server"));
        const [rule] = input("metallb-webhook-role", "rules") as { verbs: string[] }[];
        assert.deepEqual(rule?.verbs, ["create", "get", "patch"]);
    });

    it("takes the cluster's MetalLB", async () => {
        await settled(new MetalLB("metallb", { ...args, release: { install: false, namespace: "lb" } }));
        assert.ok(!registered().some((entry) => /Namespace|Chart/.test(entry)));
        assert.equal(input("metallb-pool", "metadata", "namespace"), "lb");
        // Its webhook refuses a pool at once; a Job in between would take minutes to say so.
        assert.ok(!registered().some((entry) => entry.includes(":Job ")));
    });

    it("refuses a range that is none", () => {
        assert.throws(() => new MetalLB("metallb", { ...args, addresses: ["10.1.2.9-10.1.2.3"] }), {
            message:
                'addresses.0: "10.1.2.9-10.1.2.3" is not allowed; give a network as CIDR, such as 10.1.2.0/28, or a range, such as 10.1.2.3-10.1.2.9.',
        });
    });
});
