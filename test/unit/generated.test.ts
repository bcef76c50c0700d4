import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { GENERATED } from "./support/generated";

describe("generated files are up to date, else `npm run generate` writes them", () => {
    for (const [path, text] of Object.entries(GENERATED)) {
        it(path, async () => {
            assert.equal(readFileSync(path, "utf8"), await text());
        });
    }
});
