import { createHash } from "node:crypto";
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { CACHE, NET, PROJECT, REGISTRY, RUN } from "./layout";
import { ensure, logTail } from "./processes";
import { attempt, run, say, until } from "./shell";
import { fingerprint, moduleSource, program, version } from "./tools";

/** An image that is built here, under the name that a chart or the program asks for. */
interface Image {
    /** Name with tag. */
    readonly name: string;
    /** Programs: where they come from and where they lie in the image. */
    readonly programs?: readonly { readonly tool: string; readonly name: string; readonly path: string }[];
    /** Debian's packages that the root file system holds; without, the image is empty but for the programs. */
    readonly packages?: readonly string[];
    /** Entry point. */
    readonly entrypoint: readonly string[];
    /** Environment. */
    readonly env?: readonly string[];
    /** Signal that ends it. */
    readonly stopSignal?: string;
}

const CERT_MANAGER = version("cert-manager");
const DEBIAN_NGINX = "1.22.1";

const IMAGES: readonly Image[] = [
    {
        name: "registry.k8s.io/pause:3.10",
        programs: [{ tool: "pause", name: "pause", path: "/pause" }],
        entrypoint: ["/pause"],
    },
    {
        name: `registry.k8s.io/coredns/coredns:${version("coredns")}`,
        programs: [{ tool: "coredns", name: "coredns", path: "/coredns" }],
        entrypoint: ["/coredns"],
    },
    {
        name: `registry.k8s.io/kubectl:${version("kubernetes")}`,
        programs: [{ tool: "kubernetes", name: "kubectl", path: "/bin/kubectl" }],
        entrypoint: ["/bin/kubectl"],
    },
    ...["controller", "webhook", "cainjector", "ctl"].map((name) => ({
        name: `quay.io/jetstack/cert-manager-${name}:${CERT_MANAGER}`,
        programs: [{ tool: "cert-manager", name, path: `/app/cmd/${name}/${name}` }],
        entrypoint: [`/app/cmd/${name}/${name}`],
    })),
    {
        name: `docker.io/library/traefik:${version("traefik")}`,
        programs: [{ tool: "traefik", name: "traefik", path: "/usr/local/bin/traefik" }],
        entrypoint: ["/usr/local/bin/traefik"],
    },
    {
        name: `ghcr.io/interlink-hq/interlink/virtual-kubelet-inttw:${version("interlink").slice(1)}`,
        programs: [{ tool: "interlink", name: "virtual-kubelet", path: "/usr/local/bin/virtual-kubelet" }],
        entrypoint: ["/usr/local/bin/virtual-kubelet"],
        // This version starts its informers before it registers the one for pods; on several threads it can wait for ever.
        env: ["GOMAXPROCS=1"],
    },
    {
        name: `docker.io/nginxinc/nginx-unprivileged:${DEBIAN_NGINX}`,
        packages: ["nginx-light"],
        entrypoint: ["nginx", "-g", "daemon off;"],
        stopSignal: "SIGQUIT",
    },
];

/** Folder of the images that are known to be in the registry. */
const STAMPS = join(CACHE, "images");
const STORAGE = ["--root", join(CACHE, "buildah"), "--runroot", join(RUN, "buildah")];

/** Runs the registry: what a closed site's mirror is, on an address of this machine alone. */
export async function ensureRegistry(): Promise<void> {
    mkdirSync(RUN, { recursive: true });
    const configuration = join(RUN, "registry.yaml");
    writeFileSync(
        configuration,
        `version: 0.1
log: { level: warn }
storage: { filesystem: { rootdirectory: ${join(CACHE, "registry")} }, delete: { enabled: true } }
http: { addr: "${REGISTRY}" }
`,
    );
    ensure({ name: "registry", command: ["docker-registry", "serve", configuration] });
    await until(
        `the registry on ${REGISTRY}`,
        15,
        async () => (await attempt(["curl", "-sf", `http://${REGISTRY}/v2/`])).status === 0,
        () => logTail("registry"),
    );
}

/** Builds what is not in the registry yet, and puts it there. */
export async function ensureImages(): Promise<void> {
    mkdirSync(STAMPS, { recursive: true });
    for (const image of IMAGES) {
        const stamp = join(STAMPS, stampOf(image));
        if (!existsSync(stamp)) {
            say(`image ${image.name}: building`);
            await buildImage(image);
            writeFileSync(stamp, image.name);
        }
    }
}

async function buildImage(image: Image): Promise<void> {
    const buildah = (...args: string[]) => run(["buildah", ...STORAGE, ...args]);
    const container = (await buildah("from", "scratch")).trim();
    try {
        if (image.packages !== undefined) {
            await buildah("add", container, await rootFileSystem(image.packages), "/");
        }
        for (const { tool, name, path } of image.programs ?? []) {
            await buildah("copy", "--chmod", "755", container, program(tool, name), path);
        }
        await buildah(
            "config",
            ...["--user", "65532:65532", "--env", "PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"],
            ...["--entrypoint", JSON.stringify(image.entrypoint), "--stop-signal", image.stopSignal ?? "SIGTERM"],
            ...(image.env ?? []).flatMap((variable) => ["--env", variable]),
            container,
        );
        const target = `docker://${REGISTRY}/${repository(image.name)}`;
        const id = (await buildah("commit", "--disable-compression", container)).trim();
        await buildah("push", "--tls-verify=false", id, target);
        await buildah("rmi", "-f", id);
    } finally {
        await attempt(["buildah", ...STORAGE, "rm", container]);
    }
}

/** A Debian root file system with packages, as an archive; kept, since it takes a minute. */
async function rootFileSystem(packages: readonly string[]): Promise<string> {
    const file = join(CACHE, `debian-${packages.join("-")}.tar`);
    if (!existsSync(file)) {
        const include = `--include=${packages.join(",")}`;
        await run(["mmdebstrap", "--variant=minbase", include, "bookworm", `${file}.part.tar`]);
        await run(["mv", `${file}.part.tar`, file]);
    }
    return file;
}

/** The name without its registry: the mirror holds the images of all registries. */
function repository(name: string): string {
    return name.slice(name.indexOf("/") + 1);
}

function stampOf(image: Image): string {
    const sources = (image.programs ?? []).map(({ tool }) => fingerprint(tool));
    return createHash("sha256")
        .update(JSON.stringify([image, sources]))
        .digest("hex")
        .slice(0, 16);
}

/**
 * Lays cert-manager's chart, which its Go module holds in parts, where Pulumi.dev.yaml expects it: the chart, its version,
 * and the custom resource definitions as templates.
 */
export async function ensureCertManagerChart(): Promise<void> {
    const target = join(PROJECT, "local", "charts", "cert-manager");
    if (existsSync(join(target, "Chart.yaml"))) {
        return;
    }
    const source = join(await moduleSource("cert-manager"), "deploy");
    const part = `${target}.part`;
    rmSync(part, { recursive: true, force: true });
    cpSync(join(source, "charts", "cert-manager"), part, { recursive: true });
    // Files of the module cache are read-only.
    await run(["chmod", "-R", "u+w", part]);
    for (const file of readdirSync(join(source, "crds")).filter((name) => name.endsWith(".yaml"))) {
        cpSync(join(source, "crds", file), join(part, "templates", file));
    }
    const chart = readFileSync(join(part, "Chart.template.yaml"), "utf8")
        .replaceAll(/^(version|appVersion): .*$/gm, `$1: ${CERT_MANAGER}`)
        .replaceAll("{{IS_PRERELEASE}}", "false");
    writeFileSync(join(part, "Chart.yaml"), chart);
    rmSync(target, { recursive: true, force: true });
    await run(["mv", part, target]);
}

/** containerd's configuration of registries: all of them are the site's mirror. */
export function registryHosts(): string {
    return `server = "http://${NET.registry}:5000"

[host."http://${NET.registry}:5000"]
  capabilities = ["pull", "resolve"]
`;
}
