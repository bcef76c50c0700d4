import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statfsSync, statSync } from "node:fs";
import { basename, delimiter, join, posix } from "node:path";
import { parse } from "yaml";
import { CACHE, PROJECT } from "../machine/layout";
import { attempt, run, UserError } from "../machine/shell";
import { Patch, patchModule, sourceOf } from "./modules";

type Use = "pulumi" | "cluster" | "node" | "controller" | "other kubernetes";

/** A set of programs that one Go module builds; tools.yaml tells of its fields. */
interface Tool {
    readonly name: string;
    readonly module: string;
    readonly folder?: string;
    readonly programs: string;
    readonly seconds: number;
    readonly use?: Use;
    readonly onPath?: { readonly command: readonly string[]; readonly prints: string };
    readonly plugin?: string;
    readonly patch?: Patch;
    readonly ldflags?: string;
}

const FILE = readFileSync(join(PROJECT, "local", "toolchain", "tools.yaml"), "utf8");
const TOOLS = Object.entries(parse(FILE) as Record<string, Omit<Tool, "name">>).map(([name, tool]): Tool => ({
    name,
    ...tool,
}));

/** Names of the tools that are there for something; tools.yaml tells for what. */
export function toolsFor(...uses: Use[]): string[] {
    return TOOLS.filter(({ use }) => use !== undefined && uses.includes(use)).map(({ name }) => name);
}

/** What the builds need on a machine where nothing was built: modules, build cache, programs, images. */
const BUILD_GIB = 28;
/** With Go's usual GOGC a quarter of the compiler's time goes into freeing memory that the machine has left. */
const GARBAGE = { GOGC: "400", GOMEMLIMIT: "4GiB" };

/** The environment in which Pulumi's programs and ours are found. */
export function toolPath(): string {
    return [
        join(PROJECT, "node_modules", ".bin"),
        join(PROJECT, "local", "toolchain", "bin"),
        ...TOOLS.filter((tool) => existsSync(directory(tool))).map(directory),
        process.env.PATH ?? "",
    ].join(delimiter);
}

/** Path of a program that a tool has built. */
export function program(tool: string, name: string): string {
    return join(directory(find(tool)), name);
}

/** A version of the tool, with its `v`, as its go.mod names it. */
export function version(tool: string): string {
    const found = find(tool);
    const goMod = readFileSync(join(moduleDirectory(found), "go.mod"), "utf8");
    const match = new RegExp(`^(?:require )?\\s*${found.module.replaceAll(".", "\\.")} (v\\S+)`, "m").exec(goMod);
    return match?.[1] ?? "v0.0.0";
}

/** What identifies a tool's build: its sources and checksums. */
export function fingerprint(tool: string): string {
    return basename(directory(find(tool)));
}

/** Folder of a Go module's source that a tool is built from. */
export function moduleSource(tool: string): Promise<string> {
    return sourceOf(find(tool).module, moduleDirectory(find(tool)));
}

/** Brings every tool that is named, from PATH or built. What was brought stays when a later one fails. */
export async function ensureTools(names: readonly string[]): Promise<void> {
    const missing: Tool[] = [];
    for (const tool of names.map(find).filter((tool) => !existsSync(directory(tool)))) {
        if (await onPath(tool)) {
            console.log(`${tool.name}: the one on PATH`);
        } else {
            missing.push(tool);
        }
    }
    if (missing.length === 0) {
        return;
    }
    mkdirSync(CACHE, { recursive: true });
    checkDisk(missing);
    const left = new Set(missing);
    // Two at a time, since linking takes one core; one after the other within a module, where the second has less to do.
    const queue = [...Map.groupBy(missing, moduleDirectory).values()];
    const worker = async () => {
        for (let tools = queue.shift(); tools !== undefined; tools = queue.shift()) {
            for (const tool of tools) {
                const minutes = Math.ceil(seconds([...left]) / 60);
                console.log(
                    `${tool.name} ${version(tool.name)} (${missing.indexOf(tool) + 1} of ${missing.length}): building from its ` +
                        `Go module; about ${tool.seconds} s on 2 cores; at most ${minutes} min for all`,
                );
                await build(tool);
                left.delete(tool);
            }
        }
    };
    await Promise.all([worker(), worker()]);
}

function seconds(tools: readonly Tool[]): number {
    return tools.reduce((sum, tool) => sum + tool.seconds, 0);
}

async function build(tool: Tool): Promise<void> {
    if ((await attempt(["go", "version"])).status !== 0) {
        throw new UserError(`PATH: no go was found, and ${tool.name} has to be built; install Go 1.26 or later.`);
    }
    const cwd = moduleDirectory(tool);
    const target = `${directory(tool)}.part`;
    const copy = `${directory(tool)}.patch`;
    rmSync(target, { recursive: true, force: true });
    mkdirSync(target, { recursive: true });
    const ldflags = `-s -w ${fill(tool.ldflags ?? "", version(tool.name))}`.trim();
    const packages = tool.programs
        .split(" ")
        .map((path) => (path.startsWith("./") ? path : posix.join(tool.module, path)));
    const modFile = tool.patch === undefined ? [] : ["-modfile", await patchModule(tool.patch, cwd, copy)];
    // An interrupted build leaves what it compiled in Go's build cache and goes on from there.
    await run(
        [
            ...["go", "build", "-trimpath", "-buildvcs=false", "-ldflags", ldflags, ...modFile],
            ...["-o", `${target}/`, ...packages],
        ],
        { cwd, env: { CGO_ENABLED: "0", GOFLAGS: "-mod=readonly", GOTOOLCHAIN: "local", ...GARBAGE } },
    );
    rmSync(copy, { recursive: true, force: true });
    renameSync(target, directory(tool));
}

/** Linker flags with the version in its parts. */
function fill(flags: string, version: string): string {
    const plain = version.slice(1);
    const [major = "", minor = ""] = plain.split(".");
    const parts: Readonly<Record<string, string>> = { version, plain, major, minor };
    return flags.replaceAll(/\$\{(\w+)\}/g, (_, name: string) => parts[name] ?? "");
}

/** Whether PATH has a tool's programs, or a Pulumi there gets them: the official plugin of the SDK's version. */
async function onPath({ onPath, plugin }: Tool): Promise<boolean> {
    const succeeds = async (command: readonly string[], prints: string) => {
        const { status, stdout } = await attempt(command);
        return status === 0 && new RegExp(prints).test(stdout);
    };
    if (onPath !== undefined) {
        return succeeds(onPath.command, onPath.prints);
    }
    if (plugin === undefined) {
        return false;
    }
    const { dependencies } = JSON.parse(readFileSync(join(PROJECT, "package.json"), "utf8")) as {
        dependencies: Record<string, string>;
    };
    return (
        (await succeeds(["which", `pulumi-resource-${plugin}`], ".")) ||
        (await succeeds(
            ["pulumi", "plugin", "install", "resource", plugin, dependencies[`@pulumi/${plugin}`] ?? ""],
            "",
        ))
    );
}

/** Makes sure that what is missing of the tools finds place: as much of the whole as it takes of the time. */
function checkDisk(missing: readonly Tool[]): void {
    const needed = Math.ceil((BUILD_GIB * seconds(missing)) / seconds(TOOLS));
    const { bavail, bsize } = statfsSync(CACHE);
    const gib = Math.floor((bavail * bsize) / 2 ** 30);
    if (gib < needed) {
        throw new UserError(
            `${CACHE}: ${gib} GiB are free, and the builds need ${needed} GiB; free some, or set XDG_CACHE_HOME.`,
        );
    }
}

function find(name: string): Tool {
    const tool = TOOLS.find((candidate) => candidate.name === name);
    if (tool === undefined) {
        throw new Error(`no such tool: ${name}`);
    }
    return tool;
}

/** Folder of the Go module that a tool is built in. */
function moduleDirectory(tool: Tool): string {
    return join(PROJECT, "local", "toolchain", "go", tool.folder ?? tool.name);
}

/** Folder of a tool's programs: another one for other sources, so that clones of different versions share a cache. */
function directory(tool: Tool): string {
    const hash = createHash("sha256");
    const folder = moduleDirectory(tool);
    for (const file of readdirSync(folder, { encoding: "utf8", recursive: true }).sort()) {
        // Of the tools that are built in one module, each has a folder.
        const others = TOOLS.some(({ name }) => name !== tool.name && file.startsWith(`${name}/`));
        if (!others && statSync(join(folder, file)).isFile()) {
            hash.update(readFileSync(join(folder, file)));
        }
    }
    return join(CACHE, "tools", `${tool.name}-${hash.digest("hex").slice(0, 12)}`);
}
