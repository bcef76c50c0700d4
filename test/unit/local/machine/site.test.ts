import assert from "node:assert/strict";
import { merge } from "../../../../local/machine/site";

describe("merge", () => {
    it("merges objects to any depth and appends lists", () => {
        const base = { networking: { ipFamily: "ipv4", proxy: "nftables" }, patches: ["ours"] };
        const patch = { networking: { ipFamily: "dual" }, patches: ["the site's"], more: true };
        assert.deepEqual(merge(base, patch), {
            networking: { ipFamily: "dual", proxy: "nftables" },
            patches: ["ours", "the site's"],
            more: true,
        });
    });

    it("leaves what the patch does not name, and replaces what is of another kind", () => {
        assert.deepEqual(merge({ a: 1, b: ["x"] }, undefined), { a: 1, b: ["x"] });
        assert.deepEqual(merge({ a: 1, b: ["x"] }, { b: null }), { a: 1, b: null });
    });
});
