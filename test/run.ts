/**
 * Runs the checks of the project, or one of the suites with a command of its own, and ends with one line that counts them:
 * `N passed, N failed`. The last run of such a suite, but the website's, is written to docs/.
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { ensurePackages } from "../local/toolchain/debian";

/** What mocha's JSON reporter says at least. */
interface Report {
    readonly stats: { readonly passes: number; readonly failures: number };
    readonly tests: readonly Test[];
    readonly failures: readonly Test[];
}

/** A test or, among the failures, a hook. */
interface Test {
    readonly title: string;
    readonly fullTitle: string;
    readonly duration?: number;
    readonly err: { readonly message?: string };
}

/** The parts of trust, those beside each other that may have one cluster. */
const TRUST = ["gate", "interrupted", "survival", "faults", "watch", "door", "walls"];
/** Suites whose reports have a section for each part: their files, what the parts' titles begin with, and what chooses some of them. */
const PARTED = {
    sites: { files: ["sites"], prefix: "a site with ", choice: "SITES" },
    trust: { files: TRUST.map((name) => `trust/${name}`), prefix: "a door ", choice: "PARTS" },
} as const;
/** The steps of the sites that `make test` runs too: the quickest of their kinds. */
const QUICK_SITES =
    "(IPv6 alone|PodSecurity restricted).*(ends in the Job's table|IPv6 addresses alone|every image|without a label|lifetime of tokens)";
/** The same of trust, beside what the other suites have of it: the quickest of its parts on the cluster that `make up` makes. */
const QUICK_TRUST =
    "(on a node's ports|with faults of others|are rotated) (.make up.|rolling restart|CoreDNS|the certificate of the address)|promtool takes";
/** A browser, and a font with the characters that the pages' pictures are made of. */
const BROWSER = {
    chromium: "/usr/bin/chromium",
    "fonts-dejavu-core": "/usr/share/fonts/truetype/dejavu/DejaVuSansMono.ttf",
};
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
        const { stats, tests, failures } = JSON.parse(readFileSync(file, "utf8")) as Report;
        for (const { fullTitle, err } of tests) {
            console.log(
                `${err.message === undefined ? "ok     " : "FAILED "} ${fullTitle}${err.message ? `\n${err.message}` : ""}`,
            );
        }
        if (tests.length === 0) {
            // A hook's failure is no test's.
            console.log(`FAILED  ${name}: ${failures[0]?.err.message ?? "no test has such a name"}`);
        }
        passed += stats.passes;
        failed += stats.failures + ((succeeded && tests.length > 0) || stats.failures > 0 ? 0 : 1);
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
    return [...options, ...names.map((name) => `test/e2e/${name}{.test.ts,/*.test.ts}`)];
}

/** What was tested, how it ended and how long it took, as a table; and what was seen, where the steps say it. */
function table(tests: Report["tests"]): string {
    const rows = tests.map(({ title, duration = 0, err }) => {
        // As inSteps writes it.
        const [what = "", seen = ""] = title.split(/ → (.*)/s);
        return {
            what,
            seen,
            result: err.message === undefined ? "passed" : "failed",
            seconds: Math.round(duration / 1000),
        };
    });
    const columns = (["what", "seen", "result", "seconds"] as const).filter(
        (column) => column !== "seen" || rows.some(({ seen }) => seen !== ""),
    );
    const lines = [columns, columns.map(() => "---"), ...rows.map((row) => columns.map((column) => row[column]))];
    return lines.map((cells) => `| ${cells.join(" | ")} |\n`).join("");
}

/** Writes a report of a suite that `make test` leaves out. */
function report(name: string, text: string): void {
    const head = `# The last \`make test-${name}\`\n\nWritten by that command.\n\n`;
    writeFileSync(join(PROJECT, "docs", `${name}.md`), head + text);
    check(["prettier", "--write", `docs/${name}.md`]);
}

/** Runs a suite that `make test` leaves out, and writes what was seen. */
function suiteOfItsOwn(name: string): void {
    report(name, table(suite(name, ...endToEnd(name))));
}

/** Runs the parts of a suite that a regular expression in its variable names, or all; of some the report keeps what it says of the others. */
function partedSuite(name: keyof typeof PARTED): void {
    const { files, prefix, choice } = PARTED[name];
    const file = join(PROJECT, "docs", `${name}.md`);
    const chosen = process.env[choice] ?? "";
    const before = chosen !== "" && existsSync(file) ? readFileSync(file, "utf8").split(/^## /m).slice(1) : [];
    const sections = new Map(before.map((section) => [section.slice(0, section.indexOf("\n")), section]));
    // The parts do not stand on one another.
    const options = endToEnd(...files).filter((option) => option !== "--bail");
    const tests = suite(name, ...options, "--grep", chosen);
    const partOf = ({ fullTitle, title }: Report["tests"][number]) => fullTitle.slice(prefix.length, -title.length - 1);
    for (const [part, steps] of Map.groupBy(tests, partOf)) {
        const day = new Date().toISOString().slice(0, 10);
        sections.set(part, `${part}\n\nRun on ${day}.\n\n${table(steps)}\n`);
    }
    report(name, [...sections.values()].map((section) => `## ${section}`).join(""));
}

/** Builds the website and looks at it in Debian's browser; of this there is no report, which would be a page of it. */
async function websiteSuite(): Promise<void> {
    await ensurePackages(BROWSER);
    check(["make", "docs"]);
    suite("website", ...endToEnd("website").filter((option) => option !== "--bail"));
}

async function main(own: string | undefined): Promise<void> {
    if (own === undefined) {
        // Unit tests run curl and openssl, which a bare machine may lack.
        await ensurePackages();
        check(["npm", "run", "--silent", "lint"]);
        check(["npm", "run", "--silent", "typecheck"]);
        suite("unit");
        // Each suite takes the cluster as the one before it leaves it, or makes it anew.
        suite("cluster", ...endToEnd("cluster"));
        check(["make", "bench-check"]);
        suite("e2e", ...endToEnd("local", "environments", "trust/gate"));
        suite(
            "trust",
            ...endToEnd("trust/survival", "trust/faults", "trust/watch", "trust/door"),
            "--grep",
            QUICK_TRUST,
        );
        suite("sites", ...endToEnd("sites"), "--grep", QUICK_SITES);
        check(["make", "down"]);
    } else if (own === "website") {
        await websiteSuite();
    } else if (own in PARTED) {
        partedSuite(own as keyof typeof PARTED);
    } else {
        suiteOfItsOwn(own);
    }
    rmSync(folder, { recursive: true });
    console.log(`${passed} passed, ${failed} failed`);
    process.exitCode = failed === 0 ? 0 : 1;
}

void main(process.argv[2]);
