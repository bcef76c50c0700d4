/**
 * Clients that no load generator knows, run on the HPC side: watches, and jobs that start together. The task is the first
 * argument, as JSON, and the tokens the variable TOKENS; each line of the output is JSON, the last one the result. Whether
 * certificates verify is not what is measured, and the guide's do not: nobody's is verified.
 */
import { IncomingMessage } from "node:http";
import { Agent, request } from "node:https";
import { setTimeout as sleep } from "node:timers/promises";
import { Events, Jobs } from "./data";
import { median, percentile } from "./numbers";

/** What is to be done. */
export interface Task {
    /** Which clients. */
    readonly kind: "events" | "silence" | "jobs";
    /** URL of the way. */
    readonly url: string;
    /** URL of the API server, on which objects are changed. */
    readonly direct: string;
    /** Path of the namespace that the clients may read and change, such as /api/v1/namespaces/x. */
    readonly namespace: string;
    /** Name of the ConfigMap, which exists, whose events are watched. */
    readonly configMap: string;
    /** How many events, watches or jobs. */
    readonly count: number;
    /** For how long watches are silent, in seconds. */
    readonly seconds: number;
}

/** What the clients of silent watches say at their end. */
export interface Silence {
    /** Watches that ended before. */
    readonly lost: number;
    /** Watches that received the event at the end. */
    readonly received: number;
}

const TIMEOUT_MS = 30_000;
/** Watches that are opened at a time: the API server's own queues are not what is measured. */
const OPENING = 50;
/** Without one that opens, until no more of them are asked for, in milliseconds: some ways keep events back. */
const OPENING_MS = 30_000;
/** The same for the first event of one. */
const FIRST_EVENT_MS = 10_000;

const TOKENS = (process.env.TOKENS ?? "").split(" ");
let turn = 0;

type Answer = Promise<{ readonly response: IncomingMessage; readonly close: () => void }>;

/** Sends a request and returns when the answer's header is there; throws where it is no good one. */
function send(url: string, agent: Agent, method = "GET", body?: object): Answer {
    return new Promise((resolve, reject) => {
        const sent = request(
            url,
            {
                agent,
                method,
                rejectUnauthorized: false,
                headers: {
                    authorization: `Bearer ${TOKENS[turn++ % TOKENS.length]}`,
                    ...(body === undefined ? {} : { "content-type": "application/merge-patch+json" }),
                },
            },
            (response) => {
                clearTimeout(timer);
                if ((response.statusCode ?? 500) > 399) {
                    reject(new Error(`${url}: ${response.statusCode}`));
                    response.resume();
                } else {
                    resolve({ response, close: () => sent.destroy() });
                }
            },
        );
        const timer = setTimeout(() => sent.destroy(new Error(`${url}: no answer`)), TIMEOUT_MS);
        // Also after the answer has begun: a watch that is cut says so here.
        sent.on("error", reject);
        sent.end(body === undefined ? undefined : JSON.stringify(body));
    });
}

/** Reads an answer to its end. */
async function all(answer: Answer): Promise<void> {
    for await (const chunk of (await answer).response) void chunk;
}

/** Waits for the first piece of an answer, which is a watch's first event: the object as it is. */
async function firstOf(answer: Answer): Answer {
    const { response, close } = await answer;
    response.on("error", () => undefined);
    const timer = setTimeout(close, FIRST_EVENT_MS);
    await new Promise((resolve, reject) => {
        response.once("data", resolve);
        response.once("close", () => reject(new Error("it ended without an event")));
    });
    clearTimeout(timer);
    return { response, close };
}

const oneShot = () => new Agent({ keepAlive: false });
const watchOf = ({ url, namespace, configMap }: Task) =>
    `${url}${namespace}/configmaps?watch=1&timeoutSeconds=3600&fieldSelector=metadata.name%3D${configMap}`;
const change = ({ direct, namespace, configMap }: Task, agent: Agent, value: string) =>
    all(send(`${direct}${namespace}/configmaps/${configMap}`, agent, "PATCH", { data: { value } }));

async function events(task: Task): Promise<Events> {
    const firsts: number[] = [];
    for (let i = 0; i < 20; i++) {
        const start = performance.now();
        (await firstOf(send(watchOf(task), oneShot()))).close();
        firsts.push(performance.now() - start);
    }
    const { response, close } = await send(watchOf(task), oneShot());
    const seen = new Map<string, number>();
    let line = "";
    response.on("error", () => undefined);
    response.on("data", (chunk: Buffer) => {
        const lines = (line + chunk.toString()).split("\n");
        line = lines.pop() ?? "";
        for (const text of lines) {
            const { object } = JSON.parse(text) as { object: { data?: { value?: string } } };
            seen.set(object.data?.value ?? "", performance.now());
        }
    });
    const direct = new Agent({ keepAlive: true });
    const started = new Map<string, number>();
    for (let i = 0; i < task.count; i++) {
        const value = `${process.pid}-${i}`;
        started.set(value, performance.now());
        await change(task, direct, value);
        await sleep(20);
    }
    await sleep(1000);
    close();
    direct.destroy();
    const times = [...started].map(([value, start]) => (seen.get(value) ?? Infinity) - start);
    return { first: median(firsts), p50: percentile(times, 0.5), p99: percentile(times, 0.99) };
}

async function silence(task: Task): Promise<Silence> {
    let lost = 0;
    let received = 0;
    let ended = false;
    let opened = performance.now();
    const closes: (() => void)[] = [];
    const open = async () => {
        const { response, close } = await firstOf(send(watchOf(task), oneShot()));
        closes.push(close);
        opened = performance.now();
        response.once("data", () => received++);
        response.once("close", () => (lost += ended ? 0 : 1));
    };
    let left = task.count;
    await Promise.all(
        Array.from({ length: OPENING }, async () => {
            while (left-- > 0 && performance.now() < opened + OPENING_MS) await open().catch(() => undefined);
        }),
    );
    console.log(JSON.stringify({ open: closes.length }));
    await sleep(task.seconds * 1000);
    const result = { lost };
    await change(task, oneShot(), String(process.pid));
    for (let i = 0; i < 100 && received < closes.length - lost; i++) await sleep(100);
    ended = true;
    closes.forEach((close) => close());
    return { ...result, received };
}

async function jobs(task: Task): Promise<Jobs> {
    const start = performance.now();
    let errors = 0;
    const job = async () => {
        const agent = new Agent({ keepAlive: true, maxSockets: 1 });
        const requests = ["/api", "/apis", `${task.namespace}/pods`].map(
            (path) => () => all(send(task.url + path, agent)),
        );
        for (const each of [...requests, async () => (await firstOf(send(watchOf(task), agent))).close()]) {
            await each().catch(() => errors++);
        }
        agent.destroy();
    };
    await Promise.all(Array.from({ length: task.count }, job));
    return { jobs: task.count, seconds: (performance.now() - start) / 1000, errors };
}

async function main(): Promise<void> {
    const task = JSON.parse(process.argv[2] ?? "") as Task;
    console.log(JSON.stringify(await { events, silence, jobs }[task.kind](task)));
    process.exit();
}

main().catch((error: unknown) => {
    console.error(error);
    process.exit(1);
});
