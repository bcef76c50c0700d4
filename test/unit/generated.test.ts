import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { GENERATED } from "./support/generated";

describe("generated files are up to date, else `npm run generate` writes them", () => {
    for (const [path, text] of Object.entries(GENERATED)) {
        // Pulumi's analyser reads the types of all packages.
        it(path, async () => {
            assert.equal(readFileSync(path, "utf8"), await text());
        }).timeout(120_000);
    }
});
