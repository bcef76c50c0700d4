import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";

const PROJECT = join(__dirname, "..", "..");

/** Imports that the rules refuse; of a circle's, one. */
const REFUSED = [
    ["versions.ts", "components/parts/ports.ts"],
    ["components/parts/ports.ts", "components/metalLB/index.ts"],
    ["components/metalLB/index.ts", "components/selfSignedCA/index.ts"],
    ["components/selfSignedCA/index.ts", "settings/read.ts"],
    ["settings/schema.ts", "stacks/kind.ts"],
    ["settings/schema.ts", "components/metalLB/pool.ts"],
    ["stacks/kind.ts", "local/machine/layout.ts"],
    ["checks/index.ts", "settings/read.ts"],
    ["stacks/kind.ts", "package/apiAccess.ts"],
    ["package/apiAccess.ts", "checks/index.ts"],
    ["stacks/kind.ts", "checks/index.ts"],
    ["checks/index.ts", "doctor/chain.ts"],
    ["doctor/chain.ts", "components/metalLB/index.ts"],
    ["doctor/chain.ts", "local/stacks/pulumi.ts"],
    ["local/verify/verify.ts", "doctor/chain.ts"],
    ["index.ts", "test/unit/support/mocks.ts"],
    ["outputs.ts", "stacks/kind.ts"],
    ["examples/argo/index.ts", "stacks/outputs.ts"],
    ["policy/rules.ts", "settings/read.ts"],
    ["site/pages.ts", "settings/schema.ts"],
    ["local/machine/shell.ts", "local/toolchain/tools.ts"],
    ["local/toolchain/tools.ts", "local/images/images.ts"],
    ["local/images/images.ts", "local/cluster/network.ts"],
    ["local/cluster/network.ts", "local/hpc/hpc.ts"],
    ["local/hpc/hpc.ts", "local/stacks/pulumi.ts"],
    ["local/stacks/pulumi.ts", "local/verify/verify.ts"],
    ["local/stacks/environments.ts", "components/metalLB/index.ts"],
    ["local/stacks/site/index.ts", "components/metalLB/pool.ts"],
    ["local/verify/verify.ts", "local/main.ts"],
    ["test/unit/stacks/kind.test.ts", "local/machine/layout.ts"],
    ["local/main.ts", "bench/ways.ts"],
    ["bench/deploy.ts", "components/metalLB/index.ts"],
    ["test/unit/stacks/kind.test.ts", "bench/ways.ts"],
    ["elsewhere/file.ts", "versions.ts"],
    ["stacks/compose.ts", "stacks/index.ts"],
] as const;
/** What closes the circle. */
const ALLOWED = ["stacks/index.ts", "stacks/compose.ts"] as const;

/** The imports below a folder that break the project's rules. */
async function violations(folder: string): Promise<string[]> {
    const { cruise } = await import("dependency-cruiser");
    const { default: options } = await import("dependency-cruiser/config-utl/extract-depcruise-options");
    const rules = await options(join(PROJECT, ".dependency-cruiser.mjs"));
    const { output } = await cruise(["."], { ...rules, baseDir: folder });
    assert.ok(typeof output === "object" && output.summary.totalCruised > 0);
    return output.summary.violations.map(({ from, to }) => `${from} imports ${to}`);
}

describe("the rooms", () => {
    it("import no room that may not be imported, and nothing in a circle", async () => {
        assert.deepEqual(await violations(PROJECT), []);
    });

    describe("where somebody breaks the rules", () => {
        const folder = mkdtempSync(join(tmpdir(), "interlink-rooms-"));
        let found: string[] = [];

        before(async () => {
            const all = [...REFUSED, ALLOWED];
            for (const path of new Set(all.flat())) {
                const lines = all
                    .filter(([from]) => from === path)
                    .map(([, to]) => `import type {} from "./${relative(dirname(path), to).replace(/\.ts$/, "")}";\n`);
                mkdirSync(join(folder, dirname(path)), { recursive: true });
                writeFileSync(join(folder, path), lines.join(""));
            }
            found = await violations(folder);
        });
        after(() => rmSync(folder, { recursive: true }));

        for (const [from, to] of REFUSED) {
            it(`${from} may not import ${to}`, () => {
                assert.ok(found.includes(`${from} imports ${to}`), found.join("\n"));
            });
        }
    });
});
