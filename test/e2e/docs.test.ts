import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { parse, stringify } from "yaml";
import { kubectl } from "../../local/cluster/kubectl";
import { HPC, PROJECT } from "../../local/machine/layout";
import { attempt, run } from "../../local/machine/shell";
import { Environment, writeSettings } from "../../local/stacks/environments";
import { environment } from "../../local/stacks/pulumi";
import { Block, blocksOf, commandsOf } from "../unit/support/pages";
import { inSteps, make, Steps, TABLE } from "./support";

/** The guides that the local cluster has an environment for, and its name there. */
const GUIDES: Readonly<Record<string, Environment>> = { kind: "dev", metallb: "metallb", cloud: "cloud" };
/** Begins the blocks for a login node. */
const ON_HPC_SIDE = "# on the HPC side\n";
/** What the guides say of InterLink's API server, which has no TLS here: the settings of the local cluster say that instead. */
const WITHOUT_TLS = /^pulumi config set --path interlink-kube-api:interlink\.tls\.ca <interlink-ca\.crt$/;

/** What the guides in docs/environments say, word for word, in a clone; but the values of the settings are the local cluster's. */
describe("the guides", () => {
    for (const [guide, name] of Object.entries(GUIDES)) {
        const folder = mkdtempSync(join(tmpdir(), `interlink-guide-${guide}-`));
        const clone = join(folder, "clone");
        after(() => rmSync(folder, { recursive: true }));
        inSteps(`for ${guide}`, {
            [`${guide}: a cluster with an HPC side, and without the program`]: async () => {
                await make("up", `ENV=${name}`);
                // The Job of the checks has the name of the guide's.
                await kubectl("delete", "job/helloworld", "--wait");
                await make("destroy", `ENV=${name}`);
                await run(["git", "clone", "--quiet", PROJECT, clone]);
                return "make up, make destroy";
            },
            ...stepsOf(guide, name, folder, clone),
        });
    }
});

/** A step for each block of a guide. */
function stepsOf(guide: string, name: Environment, folder: string, clone: string): Steps {
    const exports: string[] = [];
    const env = {
        ...environment(name),
        HOME: folder,
        PULUMI_HOME: join(folder, "pulumi"),
        // The machine's own registry, and what was fetched from it.
        NPM_CONFIG_USERCONFIG: join(homedir(), ".npmrc"),
        NPM_CONFIG_CACHE: join(homedir(), ".npm"),
    };
    // The guide sets its own.
    for (const own of ["PULUMI_BACKEND_URL", "PULUMI_CONFIG_PASSPHRASE", "PULUMI_STACK"]) {
        Reflect.deleteProperty(env, own);
    }
    const steps = blocksOf(`docs/environments/${guide}.md`).flatMap((block): [string, () => Promise<string>][] => {
        if (isSettings(block)) {
            return [[`${guide}: the settings file is written`, () => settingsOf(block, name, clone)]];
        }
        if (block.language !== "sh") {
            return [];
        }
        const commands = commandsOf(block.text).filter((command) => !WITHOUT_TLS.test(command));
        const step = async () => {
            const script = ["set -euo pipefail", ...exports, ...commands].join("\n");
            const netns = block.text.startsWith(ON_HPC_SIDE) ? HPC : undefined;
            const { status, stdout, stderr } = await attempt(["bash", "-c", script], {
                cwd: clone,
                env,
                netns,
                echo: true,
            });
            assert.equal(status, 0, stdout + stderr);
            exports.push(...commands.filter((command) => command.startsWith("export ")));
            return seen(commands, stdout);
        };
        return [[`${guide}: ${commands[0]}${commands.length > 1 ? " and what follows" : ""}`, step]];
    });
    return Object.fromEntries(steps);
}

function isSettings({ language, text }: Block): boolean {
    return language === "yaml" && text.startsWith("config:\n");
}

/** Writes the guide's settings with the local cluster's over them. */
async function settingsOf({ text }: Block, name: Environment, clone: string): Promise<string> {
    const local = join(clone, "..", "local.yaml");
    await writeSettings(name, local);
    const { config } = parse(readFileSync(local, "utf8")) as { readonly config: Readonly<Record<string, object>> };
    const guide = parse(text) as { readonly config: Readonly<Record<string, unknown>> };
    // The charts are built beside the original.
    const charts = join(PROJECT, "local", "images", "charts");
    const mirror = { ...config["interlink-kube-api:mirror"], charts };
    const merged = { ...guide.config, ...config, "interlink-kube-api:mirror": mirror };
    writeFileSync(join(clone, "Pulumi.mine.yaml"), stringify({ config: merged }));
    return `${Object.keys(guide.config).length} settings, and the local cluster's`;
}

/** What a block's commands showed, in a few words; what they must show is asserted. */
function seen(commands: readonly string[], printed: string): string {
    const expected = [
        { command: /^npm run --silent up$/, shows: /^[ +]+apiServerUrl *: "(https:[^"]+)"/m },
        { command: /^npm run --silent doctor -- --stack mine$/, shows: /^(No link is broken\.)$/m },
        { command: /^sh check\.sh /, shows: /^ok +token +(.*)$/m },
        { command: /^kubectl logs job\/helloworld$/, shows: TABLE },
        { command: /^pulumi destroy --yes$/, shows: /^ +- (\d+ deleted)$/m },
    ].filter(({ command }) => commands.some((given) => command.test(given)));
    return expected
        .map(({ shows }) => {
            assert.match(printed, shows);
            return shows.exec(printed)?.[1] ?? "the Job's table";
        })
        .concat(expected.length === 0 ? ["ended well"] : [])
        .join("; ");
}
