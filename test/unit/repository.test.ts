import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";

const PROJECT = join(__dirname, "..", "..");

function read(path: string): string {
    return readFileSync(join(PROJECT, path), "utf8");
}

describe("the repository", () => {
    it("says by make help what every target does", () => {
        const targets = /^\.PHONY: (.+)$/m.exec(read("Makefile"))?.[1]?.split(" ");
        const help = execFileSync("make", ["--silent", "help"], { cwd: PROJECT, encoding: "utf8" });
        assert.deepEqual(
            help
                .trim()
                .split("\n")
                .map((line) => /^(\S+) +\S/.exec(line)?.[1]),
            targets,
        );
    });

    it("takes every action by its commit, with the tag beside it", () => {
        const files = globSync(".github/{workflows,actions/*}/*.yaml", { cwd: PROJECT });
        const uses = files.flatMap((file) =>
            Array.from(read(file).matchAll(/uses: (.+)/g), ([, action = ""]) => action),
        );
        const theirs = uses.filter((action) => !action.startsWith("./"));
        assert.ok(theirs.length > 0);
        assert.deepEqual(
            theirs.filter((action) => !/^[\w-]+\/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/.test(action)),
            [],
        );
    });

    it("audits the packages of every lock file", () => {
        const folder = mkdtempSync(join(tmpdir(), "interlink-audit-"));
        try {
            // What stands for npm finds nothing.
            const npm = `#!/bin/sh\npwd >>"${folder}/asked"\necho '{"vulnerabilities": {}}'\n`;
            writeFileSync(join(folder, "npm"), npm, { mode: 0o755 });
            const { scripts } = JSON.parse(read("package.json")) as { readonly scripts: { readonly audit: string } };
            const env = { PATH: [folder, join(PROJECT, "node_modules", ".bin"), process.env.PATH].join(delimiter) };
            execFileSync("sh", ["-c", scripts.audit], { cwd: PROJECT, env, stdio: "pipe" });
            const exclude = (name: string) => name === "node_modules";
            const locks = globSync("**/package-lock.json", { cwd: PROJECT, exclude });
            assert.deepEqual(
                readFileSync(join(folder, "asked"), "utf8").trim().split("\n").sort(),
                locks.map((lock) => dirname(join(PROJECT, lock))).sort(),
            );
        } finally {
            rmSync(folder, { recursive: true });
        }
    });
});
