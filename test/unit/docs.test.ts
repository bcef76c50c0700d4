import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, statSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { parse } from "yaml";
import { examination } from "../../doctor";
import { doctor } from "../../doctor/command";
import { Outputs } from "../../doctor/script";
import { configuredSettings, parseSettings } from "../../settings/read";
import { images } from "../../versions";
import { KIND, METALLB } from "./support/badSettings";
import { CA_PEM } from "./support/mocks";
import { Block, blocksOf, commandsOf, PAGES, proseOf, textOf, wordsOf } from "./support/pages";

const PROJECT = join(__dirname, "..", "..");
const NAME = "interlink-kube-api";
const GUIDES = ["kind", "cloud", "metallb", "external"] as const;
/** What a command shows that is a secret of the reader's, or is found by another command. */
const PLACEHOLDER = /…|\$/;

const ofLanguage = (language: string) =>
    PAGES.flatMap((page) =>
        blocksOf(page)
            .filter((block) => block.language === language)
            .map(({ text }) => ({ page, text })),
    );
const SHELL = ofLanguage("sh");
const { scripts, dependencies } = JSON.parse(readFileSync(join(PROJECT, "package.json"), "utf8")) as {
    readonly scripts: Readonly<Record<string, string>>;
    readonly dependencies: Readonly<Record<string, string>>;
};
const TARGETS = /^\.PHONY: (.+)$/m.exec(textOf("Makefile"))?.[1]?.split(" ") ?? [];

/** The anchors of a page's headings, as GitHub makes them. */
function anchorsOf(page: string): string[] {
    return Array.from(proseOf(page).matchAll(/^#+ (.+)$/gm), ([, heading = ""]) =>
        heading
            .toLowerCase()
            .replace(/[^\p{L}\p{N}\s_-]/gu, "")
            .replaceAll(" ", "-"),
    );
}

/** Where the links of a page lead within the project: a path from its root, and an anchor. */
function linksOf(page: string): { readonly path: string; readonly anchor: string | undefined }[] {
    return Array.from(proseOf(page).matchAll(/\]\(([^)\s]+)\)/g), ([, target = ""]) => target)
        .filter((target) => !/^[a-z]+:/.test(target))
        .map((target) => {
            const [path = "", anchor] = target.split("#");
            return { path: path === "" ? page : normalize(join(dirname(page), path)), anchor };
        });
}

/** The settings of a block, those of a file or a part of one, as Pulumi hands them over. */
function settingsIn(text: string): Record<string, string> {
    const block = parse(text) as Readonly<Record<string, unknown>>;
    const { config = block } = block as { readonly config?: Readonly<Record<string, unknown>> };
    return Object.fromEntries(Object.entries(config).map(([key, value]) => [key, handedOver(value)]));
}

const handedOver = (value: unknown) => (typeof value === "string" ? value : JSON.stringify(value));

/** Good settings, as Pulumi hands them over. */
function usual(settings: Readonly<Record<string, unknown>>): Record<string, string> {
    return Object.fromEntries(Object.entries(settings).map(([key, value]) => [`${NAME}:${key}`, handedOver(value)]));
}

/** The settings after a command `pulumi config set` or `rm`; undefined for any other command. */
function configured(settings: Readonly<Record<string, string>>, command: string): Record<string, string> | undefined {
    const words = wordsOf(command);
    const [program, config, verb] = words;
    if (program !== "pulumi" || config !== "config" || (verb !== "set" && verb !== "rm")) {
        return undefined;
    }
    const [given = "", ...values] = words.slice(3).filter((word) => !word.startsWith("--"));
    const [top = "", ...inner] = words.includes("--path") ? given.split(".") : [given];
    const key = top.includes(":") ? top : `${NAME}:${top}`;
    const value = values[0]?.startsWith("<") ? CA_PEM.trim() : values[0];
    if (inner.length === 0) {
        const others = Object.entries(settings).filter(([other]) => other !== key);
        return Object.fromEntries(verb === "rm" ? others : [...others, [key, value ?? ""]]);
    }
    const changed = JSON.parse(settings[key] ?? "{}") as Record<string, unknown>;
    const last = inner.pop() ?? "";
    const owner = inner.reduce<Record<string, unknown>>(
        (object, part) => (object[part] ??= {}) as Record<string, unknown>,
        changed,
    );
    // By a path, Pulumi keeps numbers and truths as such.
    owner[last] = verb === "rm" ? undefined : /^(true|false|\d+)$/.test(value ?? "") ? JSON.parse(value ?? "") : value;
    return { ...settings, [key]: JSON.stringify(changed) };
}

describe("the pages", () => {
    for (const page of PAGES) {
        it(`${page}: every link leads to a file, and to a heading of it`, () => {
            for (const { path, anchor } of linksOf(page)) {
                assert.ok(existsSync(join(PROJECT, path)), `there is no ${path}`);
                const readme = join(path, "README.md");
                const target = statSync(join(PROJECT, path)).isDirectory() ? readme : path;
                if (anchor !== undefined) {
                    assert.ok(anchorsOf(target).includes(anchor), `${target} has no heading #${anchor}`);
                }
            }
        });
    }

    it("are each linked from another one, but for reports that a suite has written", () => {
        const linked = new Set(
            PAGES.flatMap((page) => linksOf(page).flatMap(({ path }) => (path === page ? [] : path))),
        );
        const pages = PAGES.filter((page) => page.startsWith("docs/"));
        assert.ok(pages.length > 20);
        assert.deepEqual(
            pages.filter((page) => !linked.has(page) && !textOf(page).startsWith("# The last `make ")),
            [],
        );
    });

    it("have a README that is short", () => {
        assert.ok(textOf("README.md").trimEnd().split("\n").length <= 200);
    });

    it("name the images of versions.ts by their tags, wherever they name one", () => {
        // Some of the wrong settings are wrong images.
        const pages = PAGES.filter((page) => page !== "docs/configuration-errors.md");
        const mentioned = [...pages, "examples/job.yaml"].flatMap((page) =>
            Object.values(images).flatMap((image) => {
                const [name = "", tag = ""] = image.replace(/@.*/, "").split(/:(?=[^/]*$)/);
                const escaped = name.replaceAll(/[.]/g, "\\.");
                return Array.from(textOf(page).matchAll(new RegExp(`${escaped}:([\\w.-]*\\w)`, "g")), ([, found]) => ({
                    page,
                    found: `${name}:${found}`,
                    wanted: `${name}:${tag}`,
                }));
            }),
        );
        assert.ok(mentioned.length > 5);
        assert.deepEqual(
            mentioned.filter(({ found, wanted }) => found !== wanted),
            [],
        );
    });
});

describe("the commands in the pages", () => {
    const commands = SHELL.flatMap(({ page, text }) => commandsOf(text).map((command) => ({ page, command })));
    const inline = PAGES.flatMap((page) =>
        Array.from(proseOf(page).matchAll(/`((?:make|npm) [^`]+)`/g), ([, command = ""]) => ({ page, command })),
    );
    // The changelog tells of commands that are no longer there.
    const all = [...commands, ...inline].filter(({ page }) => page !== "CHANGELOG.md");

    it("are shell that a shell can read", () => {
        assert.ok(SHELL.length > 30);
        // Of a fault the shell tells the line's text.
        const input = SHELL.map(({ page, text }) => `# ${page}\n${text}`).join("");
        assert.doesNotThrow(() => execFileSync("bash", ["-n"], { input, stdio: "pipe" }));
    });

    it("make targets that the Makefile has", () => {
        const made = all.filter(({ command }) => /^make\s/.test(command));
        assert.ok(made.length > 20);
        for (const { page, command } of made) {
            const targets = wordsOf(command).slice(1);
            const unknown = targets.filter((word) => /^[a-z][a-z-]*$/.test(word) && !TARGETS.includes(word));
            assert.deepEqual(unknown, [], `${page}: ${command}`);
        }
    });

    it("run scripts that package.json has", () => {
        const run = all.flatMap(({ page, command }) =>
            Array.from(command.matchAll(/\bnpm run (?:--silent )?([\w:-]+)/g), ([, script = ""]) => ({ page, script })),
        );
        assert.ok(run.length > 20);
        assert.deepEqual(
            run.filter(({ script }) => !(script in scripts)),
            [],
        );
    });

    it("give the doctor options that it has", async () => {
        let usage = "";
        await doctor(["--help"], { write: (text) => (usage += text) });
        const asked = all.filter(({ command }) => /\bnpm run (--silent )?doctor\b/.test(command));
        assert.ok(asked.length > 5);
        for (const { page, command } of asked) {
            const [, options = ""] = command.split(" -- ");
            for (const [option] of options.matchAll(/--[\w-]+/g)) {
                assert.ok(usage.includes(`  ${option}`), `${page}: ${command}`);
            }
        }
    });

    it("name files of the project that are there", () => {
        const named = commands.flatMap(({ page, command }) =>
            wordsOf(command)
                .map((word) => word.replace(/^[<>]+/, ""))
                .filter((word) => /^(Pulumi\.(?!mine\.)|(components|docs|examples|local|monitoring|test)\/)/.test(word))
                .map((path) => ({ page, path })),
        );
        assert.ok(named.length > 5);
        assert.deepEqual(
            named.filter(
                ({ page, path }) => ![".", dirname(page)].some((from) => existsSync(join(PROJECT, from, path))),
            ),
            [],
        );
    });

    it("install the plugins of the packages that are used", () => {
        const installed = commands.map(({ command }) => wordsOf(command)).filter((words) => words[1] === "plugin");
        assert.deepEqual(
            Object.fromEntries(installed.map(([, , , , plugin, version]) => [`@pulumi/${plugin}`, version])),
            Object.fromEntries(
                ["kubernetes", "kubernetes-cert-manager", "random"].map((plugin) => [
                    `@pulumi/${plugin}`,
                    dependencies[`@pulumi/${plugin}`],
                ]),
            ),
        );
    });
});

describe("the settings in the pages", () => {
    const blocks = ofLanguage("yaml").filter(({ text }) => text.includes(`${NAME}:`));

    it("are accepted by the program, those of a part with the fewest others", () => {
        assert.ok(blocks.length > 5);
        for (const { page, text } of blocks) {
            const settings = settingsIn(text);
            const whole = `${NAME}:environment` in settings;
            // A block with sites is instead of interlink.
            const { interlink, ...others } = KIND;
            const rest = `${NAME}:sites` in settings ? others : { ...others, interlink };
            assert.doesNotThrow(
                () => configuredSettings(whole ? settings : { ...usual(rest), ...settings }, NAME),
                `${page}:\n${text}`,
            );
        }
    });

    for (const page of PAGES) {
        const sets = blocksOf(page).some(({ text }) => /^pulumi config /m.test(text));
        if (!sets) {
            continue;
        }
        it(`${page}: each step that a command of the page sets is accepted after those before it`, () => {
            let settings = usual(KIND);
            for (const { language, text } of blocksOf(page)) {
                if (language === "yaml" && text.includes(`${NAME}:environment`)) {
                    settings = settingsIn(text);
                }
                for (const command of language === "sh" ? commandsOf(text) : []) {
                    const changed = configured(settings, command);
                    if (changed === undefined) {
                        continue;
                    }
                    accepted(changed, command);
                    settings = PLACEHOLDER.test(command) ? settings : changed;
                }
            }
        });
    }

    /** Asserts that settings are accepted or, where a value is none, that the setting exists. */
    function accepted(settings: Readonly<Record<string, string>>, command: string): void {
        try {
            configuredSettings(settings, NAME);
        } catch (error) {
            const { message } = error as Error;
            assert.ok(
                PLACEHOLDER.test(command) && !message.includes("there is no such setting"),
                `${command}: ${message}`,
            );
        }
    }
});

describe("a guide of an environment", () => {
    for (const guide of GUIDES) {
        const page = `docs/environments/${guide}.md`;
        const blocks = blocksOf(page);

        it(`${guide}: has one settings file, for the stack that its commands name`, () => {
            const files = blocks.filter(({ language, text }) => language === "yaml" && /^config:$/m.test(text));
            assert.equal(files.length, 1);
            const [file] = files as [Block];
            assert.equal(configuredSettings(settingsIn(file.text), NAME).environment, guide);
            const commands = blocks.filter(({ language }) => language === "sh").flatMap(({ text }) => commandsOf(text));
            for (const needed of ["npm ci", "pulumi stack init mine", "npm run --silent up", "sh check.sh -t token"]) {
                assert.ok(commands.includes(needed), needed);
            }
            assert.equal(commands.at(-1), "pulumi stack rm --yes mine");
        });
    }

    it("runs a Job on the virtual node that the program makes by default", () => {
        const { spec } = parse(textOf("examples/job.yaml")) as {
            readonly spec: { readonly template: { readonly spec: { readonly nodeSelector: Record<string, string> } } };
        };
        const { interlink } = parseSettings(KIND);
        assert.equal(spec.template.spec.nodeSelector["kubernetes.io/hostname"], interlink?.nodeName);
    });
});

describe("the page of what is broken", () => {
    it("tells of each link that the doctor asks, in the doctor's order", () => {
        const links = [
            KIND,
            { ...METALLB, controller: "traefik", mirror: { registry: "mirror.site.example:5000" } },
        ].map(
            (settings) =>
                examination({
                    settings: parseSettings(settings),
                    outputs: {} as Outputs,
                    stack: "mine",
                    account: { namespace: "default", name: "default" },
                    silenceSeconds: 10,
                }).names,
        );
        const [, table = ""] = textOf("docs/what-is-broken.md").split("## The links");
        const told = Array.from(table.matchAll(/^\| `([^`]+)` +\|/gm), ([, link]) => link);
        assert.deepEqual(told, links[1]);
        assert.deepEqual(
            links[0]?.filter((link) => !told.includes(link)),
            [],
        );
    });
});
