import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, statfsSync, writeFileSync } from "node:fs";
import { basename, delimiter, join } from "node:path";
import { Archive, download } from "./download";
import { CACHE, PROJECT } from "../machine/layout";
import { attempt, run, say, UserError } from "../machine/shell";

/** A set of programs that one Go module builds; the module's go.mod names the version, its go.sum the checksums. */
interface Tool {
    /** Its name. */
    readonly name: string;
    /** Folder of the module under local/toolchain/go that it is built in; default its name. */
    readonly folder?: string;
    /** Go packages; each gives a program named like its last element. */
    readonly packages: readonly string[];
    /** Module whose version is the tool's. */
    readonly module: string;
    /** Seconds that the build took on 2 cores, until this machine has a time of its own. */
    readonly seconds: number;
    /** Programs that do the same when they are on PATH, and what their version must be. */
    readonly onPath?: { readonly command: readonly string[]; readonly version: RegExp };
    /** The official archive with the programs. */
    readonly download?: Archive;
    /** Linker flags beyond those of every tool. */
    readonly ldflags?: (version: string) => string;
}

const K8S = "k8s.io/component-base/version";
/** The versions of Pulumi's official downloads: those of the npm packages in package.json. */
const PACKAGES = (
    JSON.parse(readFileSync(join(PROJECT, "package.json"), "utf8")) as { dependencies: Record<string, string> }
).dependencies;

/** An official component or provider plugin of Pulumi. */
function plugin(name: string): Archive {
    const version = PACKAGES[`@pulumi/${name}`] ?? "";
    return {
        url: `https://get.pulumi.com/releases/plugins/pulumi-resource-${name}-v${version}-linux-amd64.tar.gz`,
        checksums: `https://github.com/pulumi/pulumi-${name}/releases/download/v${version}/pulumi-${name}_${version}_checksums.txt`,
    };
}

const PULUMI_VERSION = PACKAGES["@pulumi/pulumi"] ?? "";
const PULUMI_DOWNLOAD: Archive = {
    url: `https://get.pulumi.com/releases/sdk/pulumi-v${PULUMI_VERSION}-linux-x64.tar.gz`,
    checksums: `https://github.com/pulumi/pulumi/releases/download/v${PULUMI_VERSION}/pulumi-${PULUMI_VERSION}-checksums.txt`,
};

const TOOLS: readonly Tool[] = [
    {
        name: "pulumi",
        packages: ["github.com/pulumi/pulumi/pkg/v3/cmd/pulumi"],
        module: "github.com/pulumi/pulumi/pkg/v3",
        seconds: 205,
        onPath: { command: ["pulumi", "version"], version: /^v3\.(2[1-9]\d|[3-9]\d\d)\./ },
        download: PULUMI_DOWNLOAD,
        ldflags: (version) => `-X github.com/pulumi/pulumi/sdk/v3/go/common/version.Version=${version}`,
    },
    {
        name: "pulumi-language-nodejs",
        packages: ["github.com/pulumi/pulumi/sdk/v3/nodejs/cmd/pulumi-language-nodejs"],
        module: "github.com/pulumi/pulumi/sdk/v3",
        seconds: 20,
        onPath: { command: ["which", "pulumi-language-nodejs"], version: /./ },
        download: PULUMI_DOWNLOAD,
    },
    {
        name: "pulumi-resource-kubernetes",
        folder: "pulumi",
        packages: ["./pulumi-resource-kubernetes"],
        module: "github.com/pulumi/pulumi-kubernetes/provider/v4",
        seconds: 400,
        onPath: { command: ["which", "pulumi-resource-kubernetes"], version: /./ },
        download: plugin("kubernetes"),
    },
    {
        name: "pulumi-resource-kubernetes-cert-manager",
        folder: "pulumi",
        packages: ["./pulumi-resource-kubernetes-cert-manager"],
        module: "github.com/pulumi/pulumi-go-helmbase",
        seconds: 200,
        onPath: { command: ["which", "pulumi-resource-kubernetes-cert-manager"], version: /./ },
        download: plugin("kubernetes-cert-manager"),
    },
    {
        name: "pulumi-resource-random",
        folder: "pulumi",
        packages: ["./pulumi-resource-random"],
        module: "github.com/pulumi/pulumi/sdk/v3",
        seconds: 5,
        onPath: { command: ["which", "pulumi-resource-random"], version: /./ },
        download: plugin("random"),
    },
    {
        name: "kubernetes",
        packages: [
            "kubectl",
            "kubeadm",
            "kubelet",
            "kube-apiserver",
            "kube-controller-manager",
            "kube-scheduler",
            "kube-proxy",
        ].map((command) => `k8s.io/kubernetes/cmd/${command}`),
        module: "k8s.io/kubernetes",
        seconds: 460,
        ldflags: (version) => {
            const [major, minor] = version.slice(1).split(".");
            return `-X ${K8S}.gitVersion=${version} -X ${K8S}.gitMajor=${major} -X ${K8S}.gitMinor=${minor} -X k8s.io/client-go/pkg/version.gitVersion=${version}`;
        },
    },
    { name: "etcd", packages: ["go.etcd.io/etcd/server/v3"], module: "go.etcd.io/etcd/server/v3", seconds: 30 },
    {
        name: "containerd",
        packages: ["containerd", "containerd-shim-runc-v2", "ctr"].map(
            (command) => `github.com/containerd/containerd/v2/cmd/${command}`,
        ),
        module: "github.com/containerd/containerd/v2",
        seconds: 80,
    },
    { name: "coredns", packages: ["github.com/coredns/coredns"], module: "github.com/coredns/coredns", seconds: 180 },
    {
        name: "cert-manager",
        packages: ["cainjector", "controller", "ctl", "webhook"].map(
            (command) => `github.com/cert-manager/cert-manager/cmd/${command}`,
        ),
        module: "github.com/cert-manager/cert-manager",
        seconds: 200,
    },
    {
        name: "interlink",
        packages: ["interlink", "virtual-kubelet"].map((command) => `github.com/interlink-hq/interlink/cmd/${command}`),
        module: "github.com/interlink-hq/interlink",
        seconds: 170,
    },
    {
        name: "traefik",
        packages: ["github.com/traefik/traefik/v3/cmd/traefik"],
        module: "github.com/traefik/traefik/v3",
        seconds: 300,
        ldflags: (version) => `-X github.com/traefik/traefik/v3/pkg/version.Version=${version.slice(1)}`,
    },
    {
        name: "ingress-nginx",
        packages: ["nginx", "waitshutdown"].map((command) => `k8s.io/ingress-nginx/cmd/${command}`),
        module: "k8s.io/ingress-nginx",
        seconds: 140,
        ldflags: (version) => `-X k8s.io/ingress-nginx/version.RELEASE=${version}`,
    },
    {
        name: "metallb",
        packages: ["controller", "speaker"].map((program) => `go.universe.tf/metallb/${program}`),
        module: "go.universe.tf/metallb",
        seconds: 30,
    },
    { name: "kind", packages: ["sigs.k8s.io/kind"], module: "sigs.k8s.io/kind", seconds: 15 },
    { name: "pause", packages: ["."], module: "interlink-kube-api/local/pause", seconds: 2 },
];

/** The tools with which Pulumi runs. */
export const PULUMI_TOOLS = TOOLS.map(({ name }) => name).filter((name) => name.startsWith("pulumi"));
/** The tools that every environment needs. */
export const COMMON_TOOLS = TOOLS.map(({ name }) => name).filter(
    (name) => !["ingress-nginx", "kind", "metallb"].includes(name),
);

const DURATIONS = join(CACHE, "seconds.json");
/** What the builds need on a machine where nothing was built: modules, build cache, programs, images. */
const BUILD_GIB = 24;

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
    const { module } = find(tool);
    const match = new RegExp(`^(?:require )?\\s*${module.replaceAll(".", "\\.")} (v\\S+)`, "m").exec(goMod(tool));
    return match?.[1] ?? "v0.0.0";
}

/** What identifies a tool's build: its sources and checksums. */
export function fingerprint(tool: string): string {
    return basename(directory(find(tool)));
}

/** Folder of a Go module's source that a tool is built from. */
export async function moduleSource(tool: string): Promise<string> {
    const cwd = moduleDirectory(find(tool));
    await run(["go", "mod", "download", find(tool).module], { cwd });
    return (await run(["go", "list", "-m", "-f", "{{.Dir}}", find(tool).module], { cwd })).trim();
}

/**
 * Brings every tool that is named: from PATH, from an earlier build, from the official download, or built from its Go module.
 * What was brought stays when a later one fails.
 */
export async function ensureTools(names: readonly string[]): Promise<void> {
    const missing: Tool[] = [];
    for (const tool of names.map(find)) {
        if (existsSync(directory(tool))) {
            continue;
        }
        if (await onPath(tool)) {
            say(`${tool.name}: the one on PATH`);
            continue;
        }
        missing.push(tool);
    }
    if (missing.length === 0) {
        return;
    }
    mkdirSync(CACHE, { recursive: true });
    checkDisk(missing);
    const times = durations();
    const seconds = (tool: Tool) => times[tool.name] ?? tool.seconds;
    const left = new Set(missing);
    const bring = async (tools: readonly Tool[]) => {
        for (const tool of tools) {
            const place = `${missing.indexOf(tool) + 1} of ${missing.length}`;
            if (tool.download !== undefined && (await download(tool.download, directory(tool)))) {
                say(`${tool.name} (${place}): the official download`);
                continue;
            }
            const minutes = Math.ceil([...left].reduce((sum, next) => sum + seconds(next), 0) / 60);
            const last =
                times[tool.name] === undefined
                    ? `about ${tool.seconds} s on 2 cores`
                    : `it took ${seconds(tool)} s here last time`;
            say(
                `${tool.name} ${version(tool.name)} (${place}): building from its Go module; ${last}; at most ${minutes} min for all`,
            );
            const start = Date.now();
            await build(tool);
            times[tool.name] = Math.round((Date.now() - start) / 1000);
            writeFileSync(DURATIONS, JSON.stringify(times));
            left.delete(tool);
        }
    };
    // Two at a time, since linking takes one core; one after the other within a module, where the second has less to do.
    const queue = [...Map.groupBy(missing, moduleDirectory).values()];
    const worker = async () => {
        for (let tools = queue.shift(); tools !== undefined; tools = queue.shift()) {
            await bring(tools);
        }
    };
    await Promise.all([worker(), worker()]);
}

async function build(tool: Tool): Promise<void> {
    if ((await attempt(["go", "version"]).catch(() => undefined)) === undefined) {
        throw new UserError(`PATH: no go was found, and ${tool.name} has to be built; install Go 1.26 or later.`);
    }
    const target = `${directory(tool)}.part`;
    rmSync(target, { recursive: true, force: true });
    mkdirSync(target, { recursive: true });
    const ldflags = `-s -w ${tool.ldflags?.(version(tool.name)) ?? ""}`.trim();
    // An interrupted build leaves what it compiled in Go's build cache and goes on from there.
    await run(
        ["go", "build", "-trimpath", "-buildvcs=false", "-ldflags", ldflags, "-o", `${target}/`, ...tool.packages],
        {
            cwd: moduleDirectory(tool),
            env: { CGO_ENABLED: "0", GOFLAGS: "-mod=readonly", GOTOOLCHAIN: "local" },
        },
    );
    renameSync(target, directory(tool));
}

async function onPath(tool: Tool): Promise<boolean> {
    if (tool.onPath === undefined) {
        return false;
    }
    const result = await attempt(tool.onPath.command).catch(() => undefined);
    return result !== undefined && result.status === 0 && tool.onPath.version.test(result.stdout);
}

/** Makes sure that what is missing of the tools finds place: as much of the whole as it takes of the time. */
function checkDisk(missing: readonly Tool[]): void {
    const sum = (tools: readonly Tool[]) => tools.reduce((total, { seconds }) => total + seconds, 0);
    const needed = Math.ceil((BUILD_GIB * sum(missing)) / sum(TOOLS));
    const { bavail, bsize } = statfsSync(CACHE);
    const gib = Math.floor((bavail * bsize) / 2 ** 30);
    if (gib < needed) {
        throw new UserError(
            `${CACHE}: ${gib} GiB are free, and the builds need ${needed} GiB; free some, or set XDG_CACHE_HOME.`,
        );
    }
}

function durations(): Record<string, number> {
    return existsSync(DURATIONS) ? (JSON.parse(readFileSync(DURATIONS, "utf8")) as Record<string, number>) : {};
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

function goMod(tool: string): string {
    return readFileSync(join(moduleDirectory(find(tool)), "go.mod"), "utf8");
}

/** Folder of a tool's programs: another one for other sources, so that clones of different versions share a cache. */
function directory(tool: Tool): string {
    const hash = createHash("sha256");
    for (const file of ["go.mod", "go.sum", "main.go", join(tool.name, "main.go")]) {
        const path = join(moduleDirectory(tool), file);
        if (existsSync(path)) {
            hash.update(readFileSync(path));
        }
    }
    return join(CACHE, "tools", `${tool.name}-${hash.digest("hex").slice(0, 12)}`);
}
