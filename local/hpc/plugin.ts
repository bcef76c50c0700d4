/**
 * A small InterLink plugin: it runs each container of a pod with podman on the network of the HPC side, with the
 * environment and the projected volumes that InterLink hands over. Its four calls are InterLink's plugin API.
 */
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { createServer, IncomingMessage } from "node:http";
import { dirname, join } from "node:path";
import { PLUGIN_PORT, REGISTRY, STATE } from "../machine/layout";
import { attempt } from "../machine/shell";

/** The parts of Kubernetes' Container that are used. */
interface Container {
    readonly name: string;
    readonly image: string;
    readonly command?: readonly string[];
    readonly args?: readonly string[];
    readonly tty?: boolean;
    readonly env?: readonly { readonly name: string; readonly value?: string }[];
    readonly volumeMounts?: readonly { readonly name: string; readonly mountPath: string }[];
    readonly resources?: { readonly limits?: { readonly cpu?: string; readonly memory?: string } };
}

/** The parts of Kubernetes' Pod that are used. */
interface Pod {
    readonly metadata: { readonly name: string; readonly namespace: string; readonly uid: string };
    readonly spec: { readonly containers: readonly Container[] };
}

/** Body of /create. */
interface CreateRequest {
    readonly pod: Pod;
    readonly container: readonly {
        readonly name: string;
        readonly projectedvolumemaps: readonly VolumeData[] | null;
    }[];
}

/** A projected volume: file names and contents. */
interface VolumeData {
    readonly metadata: { readonly name: string };
    readonly data?: Readonly<Record<string, string>>;
}

/** Body of /getLogs. */
interface LogRequest {
    readonly PodUID: string;
    readonly ContainerName: string;
    readonly Opts: { readonly Tail: number; readonly Timestamps: boolean };
}

/** What `podman inspect` says of a container's state. */
interface PodmanState {
    readonly Running: boolean;
    readonly Status: string;
    readonly ExitCode: number;
    readonly StartedAt: string;
    readonly FinishedAt: string;
}

const FILES = join(STATE, "hpc", "pods");
/** podman, with its storage among our state. */
const PODMAN = ["podman", "--root", join(STATE, "hpc", "containers"), "--runroot", join(STATE, "hpc", "run")];
/** The error of a container that could not be started, by its name. */
const failures = new Map<string, string>();

/** podman's settings, for machines without systemd, CAP_SYS_RESOURCE (no limit is raised) and a single kind of cgroups. */
const CONTAINERS_CONF = join(STATE, "hpc", "containers.conf");
writeFileSync(
    CONTAINERS_CONF,
    `[containers]
default_ulimits = []

[engine]
cgroup_manager = "cgroupfs"
events_logger = "file"
runtime = "runc"
`,
);
process.env.CONTAINERS_CONF = CONTAINERS_CONF;

const CALLS: Readonly<Record<string, (body: unknown) => Promise<unknown>>> = {
    "/create": (body) => create(body as CreateRequest),
    "/delete": (body) => remove(body as Pod),
    "/status": (body) => status(body as readonly Pod[] | null),
    "/getLogs": (body) => logs(body as LogRequest),
};

createServer((request, response) => {
    void answer(request).then(
        (result) => {
            response.writeHead(200);
            response.end(typeof result === "string" ? result : JSON.stringify(result));
        },
        (error: unknown) => {
            console.error(`${request.url}: ${String(error)}`);
            response.writeHead(500);
            response.end(String(error));
        },
    );
}).listen(PLUGIN_PORT, "127.0.0.1");

async function answer(request: IncomingMessage): Promise<unknown> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) {
        chunks.push(chunk as Buffer);
    }
    const call = CALLS[request.url ?? ""];
    if (call === undefined) {
        throw new Error("no such call");
    }
    return call(JSON.parse(Buffer.concat(chunks).toString() || "null"));
}

async function create({ pod, container }: CreateRequest): Promise<unknown> {
    for (const spec of pod.spec.containers) {
        const volumes = container.find(({ name }) => name === spec.name)?.projectedvolumemaps ?? [];
        const mounts = volumes.flatMap((volume) => {
            const mount = spec.volumeMounts?.find(({ name }) => name === volume.metadata.name);
            return mount === undefined ? [] : ["--volume", `${volumeFolder(pod, volume)}:${mount.mountPath}:ro`];
        });
        const environment = (spec.env ?? []).flatMap(({ name, value }) => ["--env", `${name}=${value ?? ""}`]);
        const [entrypoint, ...command] = spec.command ?? [];
        const name = containerName(pod.metadata.uid, spec.name);
        const result = await attempt([
            ...PODMAN,
            ...["run", "--detach", "--name", name, "--network", "host"],
            ...(spec.tty ? ["--tty"] : []),
            ...environment,
            ...mounts,
            ...(entrypoint === undefined ? [] : ["--entrypoint", entrypoint]),
            ...["--tls-verify=false", mirrored(spec.image)],
            ...command,
            ...(spec.args ?? []),
        ]);
        if (result.status !== 0) {
            failures.set(name, result.stderr.trim().split("\n").at(-1) ?? "podman failed");
        }
    }
    return { PodUID: pod.metadata.uid, PodJID: pod.metadata.uid };
}

async function remove(pod: Pod): Promise<string> {
    for (const { name } of pod.spec.containers) {
        await attempt([...PODMAN, "rm", "--force", "--time", "2", containerName(pod.metadata.uid, name)]);
        failures.delete(containerName(pod.metadata.uid, name));
    }
    rmSync(join(FILES, pod.metadata.uid), { recursive: true, force: true });
    return "deleted";
}

/** The states of pods; without pods, the answer to InterLink's ping. */
async function status(pods: readonly Pod[] | null): Promise<unknown> {
    return Promise.all(
        (pods ?? []).map(async ({ metadata, spec }) => ({
            name: metadata.name,
            UID: metadata.uid,
            namespace: metadata.namespace,
            JID: metadata.uid,
            containers: await Promise.all(spec.containers.map((container) => containerStatus(metadata.uid, container))),
            initContainers: [],
        })),
    );
}

async function containerStatus(uid: string, { name, image }: Container): Promise<unknown> {
    const failure = failures.get(containerName(uid, name));
    const inspect = [...PODMAN, "inspect", "--format", "{{json .State}}", containerName(uid, name)];
    const { stdout, status: code } = await attempt(inspect);
    const state = code === 0 ? (JSON.parse(stdout) as PodmanState) : undefined;
    const common = { name, image, imageID: image, restartCount: 0 };
    if (failure !== undefined) {
        const terminated = { exitCode: 128, reason: "ContainerCannotRun", message: failure };
        return { ...common, ready: false, state: { terminated } };
    }
    if (state === undefined || (!state.Running && state.Status !== "exited")) {
        return { ...common, ready: false, state: { waiting: { reason: "ContainerCreating" } } };
    }
    const startedAt = new Date(state.StartedAt).toISOString();
    if (state.Running) {
        return { ...common, ready: true, state: { running: { startedAt } } };
    }
    const finishedAt = new Date(state.FinishedAt).toISOString();
    const reason = state.ExitCode === 0 ? "Completed" : "Error";
    return {
        ...common,
        ready: false,
        state: { terminated: { exitCode: state.ExitCode, reason, startedAt, finishedAt } },
    };
}

async function logs({ PodUID, ContainerName, Opts }: LogRequest): Promise<string> {
    const options = [
        ...(Opts.Tail > 0 ? ["--tail", String(Opts.Tail)] : []),
        ...(Opts.Timestamps ? ["--timestamps"] : []),
    ];
    const { stdout, stderr } = await attempt([...PODMAN, "logs", ...options, containerName(PodUID, ContainerName)]);
    return stdout + stderr;
}

/** Writes the files of a projected volume. The folder above is for root alone, since one of them is a token. */
function volumeFolder(pod: Pod, volume: VolumeData): string {
    mkdirSync(FILES, { recursive: true, mode: 0o700 });
    const folder = join(FILES, pod.metadata.uid, volume.metadata.name);
    for (const [file, content] of Object.entries(volume.data ?? {})) {
        mkdirSync(dirname(join(folder, file)), { recursive: true });
        writeFileSync(join(folder, file), content, { mode: 0o444 });
    }
    return folder;
}

function containerName(uid: string, container: string): string {
    return `${uid}-${container}`;
}

/** The image in the site's registry, which holds those of all registries. */
function mirrored(image: string): string {
    return `${REGISTRY}/${image.slice(image.indexOf("/") + 1)}`;
}
