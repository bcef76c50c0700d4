/**
 * An InterLink plugin: a pod is a Slurm job that runs its containers with podman. All that it knows is in Slurm and in the jobs'
 * folders, so that it may be restarted at any time. Its four calls are InterLink's plugin API.
 */
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createServer, IncomingMessage, ServerResponse } from "node:http";
import { dirname, join } from "node:path";
import { text } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import { PLUGIN_PORT } from "../machine/layout";
import { until, UserError } from "../machine/shell";
import { Container, containerFolder, CreateRequest, Pod, toJob } from "./job";
import { FOLDER, slurm } from "./slurm";

/** Body of /getLogs; what is not asked for is 0, false, or the year 1. */
interface LogRequest {
    readonly PodUID: string;
    readonly ContainerName: string;
    readonly Opts: Readonly<
        Record<"Tail" | "Bytes" | "SinceSeconds", number> &
            Record<"Timestamps" | "Follow", boolean> & { SinceTime: string }
    >;
}

/** A job as squeue shows it. */
type QueuedJob = Readonly<Record<"id" | "state" | "reason", string>>;
/** How a container ended that has no exit code of its own. */
type End = Readonly<{ exitCode: number; reason: string; message: string }>;
/** Jobs by their pods' UIDs, and when they were asked for. */
interface Queue {
    readonly at: number;
    readonly jobs: Promise<ReadonlyMap<string, QueuedJob>>;
}

const PODS = join(FOLDER, "pods");
const ENDED = /^(BOOT_FAIL|CANCELLED|COMPLETED|DEADLINE|FAILED|NODE_FAIL|OUT_OF_MEMORY|PREEMPTED|TIMEOUT)$/;
/** How long squeue's answer is used: InterLink asks for each pod on its own. */
const QUEUE_MILLISECONDS = 500;

let lastQueue: Queue | undefined;

// Tokens lie below: root alone may look in, while the files are for any user of a container.
mkdirSync(PODS, { recursive: true, mode: 0o700 });
createServer((request, response) => {
    answer(request, response).catch((error: unknown) => {
        console.error(`${request.url}: ${sentence(error)}`);
        response.writeHead(500).end(sentence(error));
    });
}).listen(PLUGIN_PORT, "127.0.0.1");

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = JSON.parse((await text(request)) || "[]") as unknown;
    switch (request.url ?? "") {
        case "/create":
            return void response.end(JSON.stringify(await create(body as CreateRequest)));
        case "/delete":
            return void response.end(JSON.stringify(await remove(body as Pod)));
        case "/status":
            return void response.end(JSON.stringify(await status(body as readonly Pod[])));
        case "/getLogs":
            for await (const part of logs(body as LogRequest)) {
                if (response.closed) return;
                response.write(part);
            }
            return void response.end();
        default:
            throw new UserError(`${request.url}: there is no such call; see InterLink's plugin API.`);
    }
}

async function create(request: CreateRequest): Promise<unknown> {
    const PodUID = request.pod.metadata.uid;
    const folder = join(PODS, PodUID);
    const before = read(join(folder, "job"));
    if (before !== undefined) {
        return { PodUID, PodJID: before };
    }
    try {
        const { files, shared } = toJob(request, folder);
        for (const path of shared) {
            mkdirSync(join(folder, path), { recursive: true });
            // mkdir's mode would lose what the umask takes.
            chmodSync(join(folder, path), 0o777);
        }
        for (const [path, { content, mode }] of files) {
            mkdirSync(join(folder, dirname(path)), { recursive: true });
            writeFileSync(join(folder, path), content, { mode });
        }
        const said = await slurm("sbatch", join(folder, "job.sh"));
        const PodJID = /^Submitted batch job (\d+)\n$/.exec(said)?.[1];
        if (PodJID === undefined) {
            throw new UserError(`sbatch: it answered "${said.trim()}" and named no job; see ${folder}.`);
        }
        writeFileSync(join(folder, "job"), PodJID);
        lastQueue = undefined;
        return { PodUID, PodJID };
    } catch (error) {
        // InterLink's virtual kubelet drops this answer; the pod's status, for which it asks next, is where a user sees why.
        rmSync(folder, { recursive: true, force: true });
        mkdirSync(folder);
        writeFileSync(join(folder, "refused"), sentence(error));
        throw error;
    }
}

async function remove({ metadata }: Pod): Promise<unknown> {
    const folder = join(PODS, metadata.uid);
    const find = async () => (await queue().jobs).get(metadata.uid);
    const job = existsSync(join(folder, "refused")) ? undefined : await find();
    if (job !== undefined && !ENDED.test(job.state)) {
        await slurm("scancel", "--quiet", job.id);
        await until(`the end of Slurm's job ${job.id}`, 20, async () =>
            ENDED.test((await find())?.state ?? "COMPLETED"),
        );
    }
    rmSync(folder, { recursive: true, force: true });
    return [];
}

/** The states of pods; without pods it is InterLink's ping, and fails where Slurm does not answer. */
async function status(pods: readonly Pod[]): Promise<unknown> {
    if (pods.length === 0) {
        await slurm("sinfo", "--noheader");
        return [];
    }
    const { at, jobs } = queue();
    const known = await jobs.catch(() => undefined);
    return pods.flatMap((pod) => podStatus(pod, known, at));
}

/** The state of a pod; none before its job is submitted. */
function podStatus({ metadata, spec }: Pod, known: ReadonlyMap<string, QueuedJob> | undefined, at: number): unknown[] {
    const { uid: UID, name, namespace, annotations } = metadata;
    const folder = join(PODS, UID);
    const job = known?.get(UID);
    const refused = read(join(folder, "refused"));
    const submitted = modified(join(folder, "job"));
    // InterLink's virtual kubelet of 2025 writes a pod's first state last, and for good, where its end comes at once.
    const soon = submitted !== undefined && Date.now() - submitted.getTime() < 1000;
    if (soon || (job ?? refused ?? submitted ?? annotations?.JobID) === undefined) {
        return [];
    }
    const why = job && job.reason !== "None" ? `: ${job.reason}` : "";
    // 137 is the exit code of SIGKILL.
    let end: End | undefined;
    if (refused !== undefined) {
        end = { exitCode: 128, reason: "SubmitFailed", message: refused };
    } else if (job !== undefined && ENDED.test(job.state)) {
        end = { exitCode: 137, reason: job.state, message: `Slurm's job ${job.id} ended as ${job.state}${why}.` };
    } else if (known !== undefined && job === undefined && Number(submitted ?? 0) < at) {
        end = { exitCode: 137, reason: "NoJob", message: "Slurm does not know the pod's job any more." };
    }
    const waiting =
        job?.state === "PENDING"
            ? { reason: "SlurmPending", message: `Slurm's job ${job.id} waits${why}.` }
            : { reason: "ContainerCreating" };
    const states = (containers: readonly Container[] = []) =>
        containers.map((container) => {
            const state = containerState(join(folder, containerFolder(container.name)), end) ?? { waiting };
            const image = { image: container.image, imageID: container.image };
            return { name: container.name, ...image, restartCount: 0, ready: "running" in state, state };
        });
    const JID = job?.id ?? read(join(folder, "job"));
    return [
        { name, namespace, UID, JID, containers: states(spec.containers), initContainers: states(spec.initContainers) },
    ];
}

/** The state of a container that has started or ended. */
function containerState(folder: string, end: End | undefined): object | undefined {
    const startedAt = modified(join(folder, "started"));
    const finishedAt = modified(join(folder, "exit"));
    if (finishedAt !== undefined) {
        const exitCode = Number(read(join(folder, "exit")));
        if (startedAt === undefined) {
            const message = read(join(folder, "error"))?.trim().split("\n").at(-1);
            return { terminated: { exitCode, reason: "StartError", message, startedAt: finishedAt, finishedAt } };
        }
        return { terminated: { exitCode, reason: exitCode === 0 ? "Completed" : "Error", startedAt, finishedAt } };
    }
    if (end !== undefined) {
        return { terminated: { ...end, startedAt, finishedAt: new Date() } };
    }
    return startedAt && { running: { startedAt } };
}

/** The output of a container, from the log that podman writes: a time, a stream, F or P for a full line or a part, and the text. */
async function* logs({ PodUID, ContainerName, Opts }: LogRequest): AsyncGenerator<string> {
    const folder = join(PODS, PodUID, containerFolder(ContainerName));
    const since = Math.max(Date.parse(Opts.SinceTime), Opts.SinceSeconds && Date.now() - Opts.SinceSeconds * 1000);
    for (let offset = 0, more = true; more;) {
        const job = Opts.Follow ? (await queue().jobs.catch(() => undefined))?.get(PodUID) : undefined;
        more = job !== undefined && !ENDED.test(job.state) && !existsSync(join(folder, "exit"));
        const log = existsSync(join(folder, "log")) ? readFileSync(join(folder, "log")) : Buffer.alloc(0);
        const end = log.lastIndexOf("\n") + 1;
        const text = Array.from(log.toString("utf8", offset, end).matchAll(/^(\S+) \S+ ([FP]) ([^\n]*\n)/gm))
            .filter(([, time = ""]) => Date.parse(time) >= since)
            .slice(offset === 0 && Opts.Tail > 0 ? -Opts.Tail : 0)
            .map(
                ([, time, kind, line = ""]) =>
                    (Opts.Timestamps ? `${time} ` : "") + (kind === "F" ? line : line.slice(0, -1)),
            )
            .join("");
        yield Opts.Bytes > 0 ? Buffer.from(text).toString("utf8", 0, Opts.Bytes) : text;
        offset = end;
        if (more) {
            await sleep(QUEUE_MILLISECONDS);
        }
    }
}

/** The jobs in Slurm; those that ended stay for MinJobAge. One squeue serves all that ask at about the same time. */
function queue(): Queue {
    if (lastQueue === undefined || Date.now() - lastQueue.at > QUEUE_MILLISECONDS) {
        lastQueue = { at: Date.now(), jobs: readQueue() };
    }
    return lastQueue;
}

async function readQueue(): Promise<Map<string, QueuedJob>> {
    const queued = await slurm("squeue", "--me", "--noheader", "--states=all", "--format=%k|%i|%T|%r");
    const jobs = queued.matchAll(/^(.*)\|(.*)\|(.*)\|(.*)$/gm);
    return new Map(Array.from(jobs, ([, uid = "", id = "", state = "", reason = ""]) => [uid, { id, state, reason }]));
}

function sentence(error: unknown): string {
    return error instanceof Error ? error.message : String(error);
}

function read(file: string): string | undefined {
    return existsSync(file) ? readFileSync(file, "utf8") : undefined;
}

function modified(file: string): Date | undefined {
    return statSync(file, { throwIfNoEntry: false })?.mtime;
}
