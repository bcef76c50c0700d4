/**
 * Runs the checks of the project, or one of the suites with a command of its own, and ends with one line that counts them:
 * `N passed, N failed`. Such a suite's last run is written to docs/.
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";

/** What mocha's JSON reporter says at least. */
interface Report {
    readonly stats: { readonly passes: number; readonly failures: number };
    readonly tests: readonly {
        readonly title: string;
        readonly fullTitle: string;
        readonly duration?: number;
        readonly err: { readonly message?: string };
    }[];
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
function suite(name: string, ...options: string[]): Report["tests"] {
    const file = join(folder, `${name}.json`);
    const succeeded = start(["mocha", ...options, "--reporter", "json", "--reporter-option", `output=${file}`]);
    try {
        const { stats, tests } = JSON.parse(readFileSync(file, "utf8")) as Report;
        for (const { fullTitle, err } of tests) {
            console.log(
                `${err.message === undefined ? "ok     " : "FAILED "} ${fullTitle}${err.message ? `\n${err.message}` : ""}`,
            );
        }
        passed += stats.passes;
        failed += stats.failures + (succeeded || stats.failures > 0 ? 0 : 1);
        return tests;
    } catch (error) {
        console.log(`FAILED  ${name}: no report: ${String(error)}`);
        failed += 1;
        return [];
    }
}

/** mocha's arguments for suites on the local cluster: in this order, up to the first failure, the builds' time included. */
function endToEnd(...names: string[]): string[] {
    const options = ["--no-config", "--require", "ts-node/register", "--timeout", "5400000", "--bail"];
    return [...options, ...names.map((name) => `test/e2e/${name}.test.ts`)];
}

/** Runs a suite that `make test` leaves out, and writes what was seen. */
function suiteOfItsOwn(name: string): void {
    // The sites' clusters do not stand on one another.
    const sites = name === "sites";
    const tests = suite(name, ...endToEnd(name).filter((option) => !sites || option !== "--bail"));
    const rows = tests.map(({ title, fullTitle, duration = 0, err }) => {
        const result = err.message === undefined ? "passed" : "failed";
        return `| ${sites ? fullTitle : title} | ${result} | ${Math.round(duration / 1000)} |`;
    });
    const head = `# The last \`make test-${name}\`\n\nWritten by that command.\n\n| test | result | seconds |`;
    writeFileSync(join(PROJECT, "docs", `${name}.md`), `${head}\n| --- | --- | --- |\n${rows.join("\n")}\n`);
    check(["prettier", "--write", `docs/${name}.md`]);
}

const [, , own] = process.argv;
if (own === undefined) {
    check(["npm", "run", "--silent", "lint"]);
    check(["npm", "run", "--silent", "typecheck"]);
    suite("unit");
    // Each suite takes the cluster as the one before it leaves it, or makes it anew.
    suite("e2e", ...endToEnd("cluster", "local", "environments"));
} else {
    suiteOfItsOwn(own);
}
rmSync(folder, { recursive: true });
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
