import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";

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
});
