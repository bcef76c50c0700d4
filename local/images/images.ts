import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { parse } from "yaml";
import { CACHE, PROJECT, REGISTRY, RUN } from "../machine/layout";
import { podmanEnvironment } from "../machine/podman";
import { ensure, logTail } from "../machine/processes";
import { attempt, run, until } from "../machine/shell";
import { template } from "../machine/template";
import { fingerprint, program, toolsFor, version } from "../toolchain/tools";
import { ingressNginxFiles } from "./ingressNginx";
import { kindNodeFiles } from "./kindNode";

/** An image that is built here; images.yaml tells of its fields. */
interface Image {
    readonly name: string;
    readonly programs?: Readonly<Record<string, string>>;
    readonly packages?: string;
    readonly hooks?: readonly string[];
    readonly files?: keyof typeof FILES;
    readonly user?: string;
    readonly entrypoint?: readonly string[];
    readonly env?: readonly string[];
    readonly stopSignal?: string;
    readonly local?: true;
}

/** Sets of files that images hold: an archive of them, and the project's files that they are made from. */
const FILES = {
    kindNode: { archive: kindNodeFiles, sources: ["local/images/kindNode.ts"] },
    ingressNginx: {
        archive: ingressNginxFiles,
        sources: ["local/images/ingress-nginx/lua", "local/images/ingressNginx.ts"],
    },
} as const;

const FILE = readFileSync(join(PROJECT, "local", "images", "images.yaml"), "utf8");
/** By their names; of those that two versions of Kubernetes have with one name, the default's. */
const IMAGES = new Map(
    [...toolsFor("other kubernetes"), "kubernetes"].flatMap(imagesOf).map((image) => [image.name, image]),
);

/** kind's node image with the Kubernetes of a tool, as it is built where the official one cannot be pulled. */
export function kindNodeImage(kubernetes = "kubernetes"): string {
    return `localhost/kindest/node:${version(kubernetes)}`;
}

/** Folder of the images that are known to be in the registry. */
const STAMPS = join(CACHE, "images");

/** Runs the registry: what a closed site's mirror is, on an address of this machine alone. */
export async function ensureRegistry(): Promise<void> {
    mkdirSync(RUN, { recursive: true });
    const configuration = join(RUN, "registry.yaml");
    writeFileSync(configuration, template("images/registry.yaml", { cache: CACHE, address: REGISTRY }));
    ensure({ name: "registry", command: ["docker-registry", "serve", configuration] });
    await until(
        `the registry on ${REGISTRY}`,
        15,
        async () => (await attempt(["curl", "-sf", `http://${REGISTRY}/v2/`])).status === 0,
        () => logTail("registry"),
    );
}

/** Builds what is not in the registry yet, of the programs that are there, and puts it into the registry. */
export async function ensureImages(): Promise<void> {
    mkdirSync(STAMPS, { recursive: true });
    const there = ({ programs = {} }: Image) => Object.values(programs).every((source) => existsSync(pathOf(source)));
    const isStored = async ({ name }: Image) =>
        (await attempt(["podman", "image", "exists", name], { env: podmanEnvironment() })).status === 0;
    for (const image of [...IMAGES.values()].filter(there)) {
        const stamp = join(STAMPS, stampOf(image));
        if (!existsSync(stamp) || (image.local && !(await isStored(image)))) {
            console.log(`image ${image.name}: building`);
            await buildImage(image);
            writeFileSync(stamp, image.name);
        }
    }
}

/** The images with the Kubernetes of a tool. */
function imagesOf(kubernetes: string): Image[] {
    const text = FILE.replaceAll("${kubernetes}", `\${${kubernetes}}`).replaceAll(" kubernetes/", ` ${kubernetes}/`);
    return Object.entries(parse(text) as Record<string, Omit<Image, "name">>).map(([name, image]) => ({
        name: name.replace(/\$\{(.+)\}/, (_, tool: string) => version(tool).slice(1)),
        ...image,
    }));
}

/** Path of a program, which is given as tool/program. */
function pathOf(source: string): string {
    return program(dirname(source), basename(source));
}

async function buildImage(image: Image): Promise<void> {
    const env = podmanEnvironment();
    const buildah = (...args: string[]) => run(["buildah", ...args], { env });
    const container = (await buildah("from", "scratch")).trim();
    try {
        if (image.packages !== undefined) {
            await buildah("add", container, await rootFileSystem(image.packages, image.hooks ?? []), "/");
        }
        if (image.files !== undefined) {
            await buildah("add", container, await FILES[image.files].archive(image.name), "/");
        }
        for (const [path, source] of Object.entries(image.programs ?? {})) {
            await buildah("copy", "--chmod", "755", container, pathOf(source), path);
        }
        await buildah(
            "config",
            ...["--user", image.user ?? "65532:65532", "--env", "PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"],
            ...["--entrypoint", JSON.stringify(image.entrypoint ?? Object.keys(image.programs ?? {}).slice(0, 1))],
            ...["--stop-signal", image.stopSignal ?? "SIGTERM"],
            ...(image.env ?? []).flatMap((variable) => ["--env", variable]),
            container,
        );
        if (image.local) {
            await buildah("commit", container, image.name);
            return;
        }
        // Without its registry: the mirror holds the images of all.
        const target = `docker://${REGISTRY}/${image.name.slice(image.name.indexOf("/") + 1)}`;
        const id = (await buildah("commit", "--disable-compression", container)).trim();
        await buildah("push", "--tls-verify=false", id, target);
        await buildah("rmi", "-f", id);
    } finally {
        await attempt(["buildah", "rm", container], { env });
    }
}

/** A Debian root file system with packages, as an archive; kept, since it takes a minute. */
async function rootFileSystem(packages: string, hooks: readonly string[]): Promise<string> {
    const file = join(CACHE, `debian-${digest([packages, hooks])}.tar`);
    if (!existsSync(file)) {
        const options = [
            `--include=${packages.replaceAll(" ", ",")}`,
            ...hooks.map((hook) => `--customize-hook=${hook}`),
        ];
        await run(["mmdebstrap", "--variant=minbase", ...options, "bookworm", `${file}.part.tar`]);
        await run(["mv", `${file}.part.tar`, file]);
    }
    return file;
}

function stampOf(image: Image): string {
    const sources = [
        ...Object.values(image.programs ?? {}).map((source) => fingerprint(dirname(source))),
        ...(image.files ? FILES[image.files].sources : []).flatMap((source) => contents(join(PROJECT, source))),
    ];
    return digest([image, sources]);
}

function digest(value: unknown): string {
    return createHash("sha256").update(JSON.stringify(value)).digest("hex").slice(0, 16);
}

/** The text of a file, or of all files in a folder. */
function contents(path: string): string[] {
    return statSync(path).isFile()
        ? [readFileSync(path, "utf8")]
        : readdirSync(path).flatMap((name) => contents(join(path, name)));
}
