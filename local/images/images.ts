import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { INGRESS_NGINX_PACKAGES, INGRESS_NGINX_SOURCES, INGRESS_NGINX_USER, ingressNginxFiles } from "./ingressNginx";
import { CACHE, NET, PROJECT, REGISTRY, RUN } from "../machine/layout";
import { ensure, logTail } from "../machine/processes";
import { attempt, run, say, until } from "../machine/shell";
import { fingerprint, program, version } from "../toolchain/tools";

/** An image that is built here, under the name that a chart or the program asks for. */
interface Image {
    /** Name with tag. */
    readonly name: string;
    /** Programs: where they come from and where they lie in the image. */
    readonly programs?: readonly { readonly tool: string; readonly name: string; readonly path: string }[];
    /** Debian's packages that the root file system holds; without, the image is empty but for the programs. */
    readonly packages?: readonly string[];
    /** Files that no package and no tool brings: an archive of them, and the project's files that they are made from. */
    readonly files?: { readonly archive: () => Promise<string>; readonly sources: readonly string[] };
    /** Entry point. */
    readonly entrypoint: readonly string[];
    /** Environment. */
    readonly env?: readonly string[];
    /** User and group, as numbers; default 65532:65532, nobody's. */
    readonly user?: string;
    /** Signal that ends it. */
    readonly stopSignal?: string;
}

const CERT_MANAGER = version("cert-manager");
const DEBIAN_NGINX = "1.22.1";
/** The release that the Go module's version, which is only a date and a commit, stands for. */
const INGRESS_NGINX = "v1.11.0";

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
        name: `registry.k8s.io/ingress-nginx/controller:${INGRESS_NGINX}`,
        programs: [
            { tool: "ingress-nginx", name: "nginx", path: "/nginx-ingress-controller" },
            { tool: "ingress-nginx", name: "waitshutdown", path: "/wait-shutdown" },
        ],
        packages: INGRESS_NGINX_PACKAGES,
        files: { archive: ingressNginxFiles, sources: INGRESS_NGINX_SOURCES },
        user: INGRESS_NGINX_USER,
        // The chart's arguments begin with the program.
        entrypoint: ["dumb-init", "--"],
        env: ["NGINX_BINARY=/usr/sbin/nginx"],
    },
    ...["controller", "speaker"].map((name) => ({
        name: `quay.io/metallb/${name}:${version("metallb")}`,
        programs: [{ tool: "metallb", name, path: `/${name}` }],
        entrypoint: [`/${name}`],
        // The speaker needs a raw socket for ARP.
        user: name === "speaker" ? "0:0" : undefined,
    })),
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

/** Builds what is not in the registry yet, of the programs that are there, and puts it into the registry. */
export async function ensureImages(): Promise<void> {
    mkdirSync(STAMPS, { recursive: true });
    const there = ({ programs = [] }: Image) => programs.every(({ tool, name }) => existsSync(program(tool, name)));
    for (const image of IMAGES.filter(there)) {
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
        if (image.files !== undefined) {
            await buildah("add", container, await image.files.archive(), "/");
        }
        for (const { tool, name, path } of image.programs ?? []) {
            await buildah("copy", "--chmod", "755", container, program(tool, name), path);
        }
        await buildah(
            "config",
            ...["--user", image.user ?? "65532:65532", "--env", "PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"],
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
    const sources = [
        ...(image.programs ?? []).map(({ tool }) => fingerprint(tool)),
        ...(image.files?.sources ?? []).flatMap((source) => contents(join(PROJECT, source))),
    ];
    return createHash("sha256")
        .update(JSON.stringify([image, sources]))
        .digest("hex")
        .slice(0, 16);
}

/** The text of a file, or of all files in a folder. */
function contents(path: string): string[] {
    return statSync(path).isFile()
        ? [readFileSync(path, "utf8")]
        : readdirSync(path).flatMap((name) => contents(join(path, name)));
}

/** containerd's configuration of registries: all of them are the site's mirror. */
export function registryHosts(): string {
    return `server = "http://${NET.registry}:5000"

[host."http://${NET.registry}:5000"]
  capabilities = ["pull", "resolve"]
`;
}
