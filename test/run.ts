/** Runs every check of the project and ends with one line that counts them: `N passed, N failed`. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";

/** What mocha's JSON reporter says at least. */
interface Report {
    readonly stats: { readonly passes: number; readonly failures: number };
    readonly tests: readonly { readonly fullTitle: string; readonly err: { readonly message?: string } }[];
}

const PROJECT = join(__dirname, "..");
const PATH = `${join(PROJECT, "node_modules", ".bin")}${delimiter}${process.env.PATH ?? ""}`;
const folder = mkdtempSync(join(tmpdir(), "interlink-test-"));
let passed = 0;
let failed = 0;

function start(command: readonly string[]): boolean {
    const [file, ...args] = command as [string, ...string[]];
    console.log(`== ${command.join(" ")}`);
    return spawnSync(file, args, { cwd: PROJECT, stdio: "inherit", env: { ...process.env, PATH } }).status === 0;
}

/** One check that passes or fails as a whole. */
function check(command: readonly string[]): void {
    if (start(command)) {
        passed += 1;
    } else {
        failed += 1;
    }
}

/** A mocha run, counted test by test; one that ends without a report has failed. */
function suite(name: string, configuration: string): void {
    const file = join(folder, `${name}.json`);
    const succeeded = start([
        "mocha",
        "--config",
        configuration,
        "--reporter",
        "json",
        "--reporter-option",
        `output=${file}`,
    ]);
    try {
        const { stats, tests } = JSON.parse(readFileSync(file, "utf8")) as Report;
        for (const { fullTitle, err } of tests) {
            console.log(
                `${err.message === undefined ? "ok     " : "FAILED "} ${fullTitle}${err.message ? `\n${err.message}` : ""}`,
            );
        }
        passed += stats.passes;
        failed += stats.failures + (succeeded || stats.failures > 0 ? 0 : 1);
    } catch (error) {
        console.log(`FAILED  ${name}: no report: ${String(error)}`);
        failed += 1;
    }
}

check(["npm", "run", "--silent", "lint"]);
check(["npm", "run", "--silent", "typecheck"]);
suite("unit", ".mocharc.yaml");
suite("e2e", "test/e2e/.mocharc.yaml");
rmSync(folder, { recursive: true });
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
