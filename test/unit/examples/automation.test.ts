import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { configuredSettings } from "../../../settings/read";
import { CA_PEM } from "../support/mocks";
import { certificate } from "../support/servers";

const PROJECT = join(__dirname, "..", "..", "..");
const { cert, key } = certificate();
const OUTPUTS = { apiServerUrl: "https://10.1.2.3:60443", summary: "Kubernetes API: here\n", kubeconfig: "[secret]" };
const PASSPHRASE = "get stack secrets manager: passphrase must be set";

/**
 * Pulumi's command, as far as the program asks it: notes what it is given, knows a stack when it has made it, prints a text for each
 * command, and fails at the one that is named in FAIL.
 */
const PULUMI = `#!${process.execPath}
const { appendFileSync, existsSync, writeFileSync } = require("node:fs");
const argv = process.argv.slice(2);
const path = (name) => require("node:path").join(__dirname, name);
const [first, second] = argv;
const command = ["preview", "up", "version"].includes(first) ? first : first + " " + second;
const end = (text, error) => {
    process.stdout.write(text);
    process.stderr.write(error ?? "");
    process.exitCode = error === undefined ? 0 : 255;
};
appendFileSync(path("asked"), JSON.stringify({ command, argv, cwd: process.cwd() }) + "\\n");
if (command === process.env.FAIL) {
    const printed = "Diagnostics:\\n  pulumi:pulumi:Stack (a):\\n    error: address is missing.\\n    ports are wrong.\\n";
    const diagnosed = command === "preview" || command === "up";
    end(diagnosed ? printed : "", diagnosed ? "error: preview failed\\n" : "error: ${PASSPHRASE}\\n");
} else if (command === "version") {
    end("v3.270.0\\n");
} else if (command === "stack select" && !existsSync(path("made"))) {
    end("", "error: no stack named 'mine' found\\n");
} else if (command === "stack init") {
    writeFileSync(path("made"), "");
    end("Created stack 'mine'\\n");
} else if (command === "stack output") {
    end(${JSON.stringify(JSON.stringify(OUTPUTS))});
} else if (command === "stack history") {
    end("[]");
} else {
    end(first + " it is\\n");
}
`;

/** What the stand-in was asked. */
interface Asked {
    readonly command: string;
    readonly argv: readonly string[];
    readonly cwd: string;
}

describe("the example of a program that deploys a stack", function () {
    // Each run is a process that reads Pulumi's packages.
    this.timeout(120_000);
    const root = mkdtempSync(join(tmpdir(), "interlink-automation-"));
    after(() => rmSync(root, { recursive: true }));
    let runs = 0;

    /** Runs the program in a folder with a stand-in of its own. */
    function run(given: Readonly<Record<string, string>> = {}, ...words: string[]) {
        const folder = join(root, String((runs += 1)));
        mkdirSync(folder);
        for (const [name, text] of Object.entries({ "ca.crt": CA_PEM, "vk.crt": cert, "vk.key": key, asked: "" })) {
            writeFileSync(join(folder, name), text);
        }
        writeFileSync(join(folder, "pulumi"), PULUMI, { mode: 0o755 });
        const env = {
            PATH: folder,
            STACK: "mine",
            ADDRESS: "10.1.2.3",
            INTERLINK_ADDRESS: "https://10.9.9.9",
            INTERLINK_PORT: "3000",
            INTERLINK_CA: join(folder, "ca.crt"),
            INTERLINK_CERT: join(folder, "vk.crt"),
            INTERLINK_KEY: join(folder, "vk.key"),
            ...given,
        };
        const command = ["-r", "ts-node/register/transpile-only", "examples/automation/index.ts", ...words];
        const options = { cwd: PROJECT, env, encoding: "utf8" } as const;
        const { status, stdout, stderr } = spawnSync(process.execPath, command, options);
        const asked = readFileSync(join(folder, "asked"), "utf8").split("\n").slice(0, -1);
        return { status, stdout, stderr, asked: asked.map((line) => JSON.parse(line) as Asked) };
    }

    let whole: ReturnType<typeof run>;
    before(() => (whole = run()));

    it("makes the stack, sets it, shows the preview, updates it, and prints its outputs", () => {
        const { status, stdout, stderr, asked } = whole;
        assert.equal(status, 0, stderr);
        assert.equal(stdout, "preview it is\nup it is\nKubernetes API: here\napiServerUrl: https://10.1.2.3:60443\n");
        assert.deepEqual(
            asked.map(({ command }) => command).filter((command) => command !== "version"),
            [
                ...["stack select", "stack init", "config set-all", "preview", "up"],
                ...["stack output", "stack output", "stack history"],
            ],
        );
        for (const { command, argv, cwd } of asked.filter(({ command }) => command !== "version")) {
            assert.equal(cwd, PROJECT, command);
            assert.ok(argv.includes("mine"), argv.join(" "));
        }
        for (const { argv } of asked.filter(({ command }) => command === "preview" || command === "up")) {
            assert.equal(argv[argv.indexOf("--policy-pack") + 1], join(PROJECT, "policy"));
        }
    });

    it("sets settings that the program accepts, the private key alone as a secret", () => {
        const { argv } = whole.asked.find(({ command }) => command === "config set-all") as Asked;
        assert.ok(argv.includes("--path"));
        const flags = argv.flatMap((word, index) =>
            /^--(plaintext|secret)$/.test(word) ? [[word, argv[index + 1] ?? ""]] : [],
        );
        const secrets = flags.filter(([flag]) => flag === "--secret").map(([, pair = ""]) => pair.split("=")[0]);
        assert.deepEqual(secrets, ["interlink-kube-api:interlink.tls.key"]);
        const settings = handedOver(flags.map(([, pair = ""]) => pair));
        const { environment, interlink } = configuredSettings(settings, "interlink-kube-api");
        assert.equal(environment, "kind");
        assert.ok(interlink !== undefined && interlink.mode !== "in-cluster");
        assert.equal(interlink.port, 3000);
        assert.deepEqual(interlink.tls, { ca: CA_PEM, cert, key, insecure: false });
    });

    it("changes nothing with --preview", () => {
        const { status, stdout, asked } = run({}, "--preview");
        assert.deepEqual([status, stdout, asked.at(-1)?.command], [0, "preview it is\n", "preview"]);
    });

    for (const [what, given, says, last] of [
        ["a variable is not set", { ADDRESS: "" }, /^ADDRESS is not set; /, undefined],
        ["a file is not there", { INTERLINK_CA: "none" }, /^INTERLINK_CA: the file none cannot be read\.$/, undefined],
        ["Pulumi is not there", { PATH: "/nowhere" }, /^pulumi is not on PATH\.$/, undefined],
        ["the settings cannot be kept", { FAIL: "config set-all" }, new RegExp(`^${PASSPHRASE}$`), "config set-all"],
        ["the preview fails", { FAIL: "preview" }, /^address is missing\.\nports are wrong\.$/, "preview"],
        ["the update fails", { FAIL: "up" }, /^address is missing\.\nports are wrong\.$/, "up"],
    ] as const) {
        it(`ends with the cause where ${what}, and tells no secret`, () => {
            const { status, stdout, stderr, asked } = run(given);
            assert.equal(status, 1);
            assert.match(stderr.replace(/^warning: .*\n/gm, "").trimEnd(), says);
            assert.doesNotMatch(stdout + stderr, /PRIVATE KEY/);
            assert.equal(asked.at(-1)?.command, last);
        });
    }
});

/** Settings as Pulumi hands them over when they were set by their paths: it keeps numbers as such, and objects as JSON. */
function handedOver(pairs: readonly string[]): Record<string, string> {
    const settings: Record<string, unknown> = {};
    for (const pair of pairs) {
        const [, path = "", text = ""] = /^([^=]+)=([^]*)$/.exec(pair) ?? [];
        const steps = path.split(".");
        const last = steps.pop() ?? "";
        const owner = steps.reduce((object, step) => (object[step] ??= {}) as Record<string, unknown>, settings);
        owner[last] = /^\d+$/.test(text) ? Number(text) : text;
    }
    const texts = Object.entries(settings).map(([name, value]) => [
        name,
        typeof value === "string" ? value : JSON.stringify(value),
    ]);
    return Object.fromEntries(texts) as Record<string, string>;
}
