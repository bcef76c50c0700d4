import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

const PROJECT = join(__dirname, "..", "..", "..");

/** What a program imports; the marked lines are those that the compiler has to refuse. */
const PROGRAM = `
import * as pulumi from "@pulumi/pulumi";
import { ApiAccess, ApiAccessArgs, NginxApiProxy, readOutputs } from "interlink-kube-api";

const args: ApiAccessArgs = {
    environment: "kind",
    address: "10.1.2.3",
    interlink: { address: "https://10.9.9.9", port: 3000 },
};
// @ts-expect-error: a port is a number.
const wrong: ApiAccessArgs = { ...args, interlink: { address: "https://10.9.9.9", port: "3000" } };
// @ts-expect-error: there is no such setting.
const unknown: ApiAccessArgs = { ...args, colour: "red" };

function port({ apiServerPort }: ApiAccess): pulumi.Output<number> {
    return apiServerPort;
}

void [wrong, unknown, port];
console.log([ApiAccess, NginxApiProxy, readOutputs].map(({ name }) => name).join(" "));
`;

describe("the npm package", () => {
    const folder = mkdtempSync(join(tmpdir(), "interlink-npm-"));
    const installed = join(folder, "node_modules", "interlink-kube-api");
    let files: string[] = [];

    before(function () {
        this.timeout(600_000);
        const packed = execFileSync("npm", ["pack", "--json", "--pack-destination", folder], {
            cwd: PROJECT,
            encoding: "utf8",
            stdio: ["ignore", "pipe", "ignore"],
        });
        // What prepack prints comes before.
        const [{ filename, files: packedFiles }] = JSON.parse(packed.slice(packed.indexOf("[\n"))) as [
            { filename: string; files: { path: string }[] },
        ];
        files = packedFiles.map(({ path }) => path);
        mkdirSync(installed, { recursive: true });
        execFileSync("tar", ["-xzf", join(folder, filename), "-C", installed, "--strip-components=1"]);
        const { dependencies } = JSON.parse(readFileSync(join(installed, "package.json"), "utf8")) as {
            dependencies: Record<string, string>;
        };
        for (const name of [...Object.keys(dependencies), "@types/node"]) {
            const link = join(folder, "node_modules", name);
            mkdirSync(dirname(link), { recursive: true });
            symlinkSync(join(PROJECT, "node_modules", name), link);
        }
        writeFileSync(join(folder, "program.ts"), PROGRAM);
        writeFileSync(
            join(folder, "tsconfig.json"),
            JSON.stringify({
                compilerOptions: {
                    strict: true,
                    target: "es2024",
                    module: "nodenext",
                    types: ["node"],
                    skipLibCheck: true,
                },
                files: ["program.ts"],
            }),
        );
    });
    after(() => rmSync(folder, { recursive: true }));

    it("holds what is built, and neither sources nor tests", () => {
        assert.ok(
            files.includes("dist/package/index.js") && files.includes("dist/package/index.d.ts"),
            files.join("\n"),
        );
        const others = files.filter((file) => !/^(dist\/.*\.(js|d\.ts)|package\.json|README\.md|LICENSE)$/.test(file));
        // npm adds what package.json calls main: what runs the sources as Pulumi's package.
        assert.deepEqual(others, ["package/plugin.ts"]);
        assert.deepEqual(
            files.filter((file) => /^dist\/(test|local|bench|doctor|policy|examples)\//.test(file)),
            [],
        );
    });

    it("is imported by another program, which is type-checked and runs", function () {
        this.timeout(600_000);
        const options = { cwd: folder, encoding: "utf8" } as const;
        execFileSync(join(PROJECT, "node_modules", ".bin", "tsc"), ["--project", "."], options);
        const printed = execFileSync(process.execPath, ["program.js"], options);
        assert.equal(printed, "ApiAccess NginxApiProxy readOutputs\n");
    });
});
