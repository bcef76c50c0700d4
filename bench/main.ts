/** `make bench` measures all ways and writes docs/performance.md; `make bench-check` compares the way that is up with its bounds. */
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { cpus, release, tmpdir, totalmem } from "node:os";
import { join } from "node:path";
import { attemptKubectl, kubectl } from "../local/cluster/kubectl";
import { PROJECT } from "../local/machine/layout";
import { run, UserError } from "../local/machine/shell";
import { settingsPath } from "../local/stacks/environments";
import { environment, outputs } from "../local/stacks/pulumi";
import { ensureCharts } from "../local/images/charts";
import { ensureImages } from "../local/images/images";
import { ensurePackages } from "../local/toolchain/debian";
import { ensureTools, toolsFor, version } from "../local/toolchain/tools";
import { Data, Load, Measured, Request } from "./data";
import { deployment } from "./deploy";
import * as measure from "./measure";
import { median, shown } from "./numbers";
import { difference, memory, podsOf } from "./parts";
import { plots, svg } from "./plots";
import { CLIENTS, COMPARED, HOLDING, innerHandshakes, met, report, targets } from "./report";
import {
    answered,
    closePorts,
    deployments,
    DIRECT,
    ended,
    makeWay,
    openPorts,
    pause,
    removeWays,
    resume,
    Running,
    Way,
    WAYS,
} from "./ways";

const PACKAGES = { haproxy: "/usr/sbin/haproxy", wrk: "/usr/bin/wrk" } as const;
const ROUNDS = 2;
const CHECK_ROUNDS = 3;
const SECONDS = 3;
/** Of lists, so that the whole run stays below half an hour. */
const LIST_SECONDS = 2;
const WARM_UP_SECONDS = 1;
/** What is compared comes twice in a round: a p99 of a few seconds varies. */
const LOADS: readonly (readonly [Request, number])[] = [
    ...[1, COMPARED, 64].flatMap((count) => [["version", count] as const, ["pods", count] as const]),
    ["version", COMPARED],
    ["connect", COMPARED],
];
const WATCHES = { many: { count: 5000, seconds: 600 }, few: { count: 1000, seconds: 75 } } as const;
const EVENTS = 100;
const JOBS = 200;
/** Ways that are asked by more and more clients; and of them the one whose proxy takes no port of the node, for more pods. */
const GROWING: readonly string[] = ["direct", "guide", "none", "traefik"];
const REPLICATED = "traefik";
const REPLICAS: readonly number[] = [1, 2, 4, 8];
/** What `make bench-check` allows: requests per second of direct, by the way; and handshakes for 1,000 requests. */
const ALLOWED = { ratio: { none: 0.4, traefik: 0.3, "ingress-nginx": 0.12 }, handshakes: 20 } as const;

/** A way that was made, or of which only the faults are known. */
type Up = measure.Target & {
    readonly way: Way;
    readonly namespace?: string | undefined;
    readonly draft: Measured;
    readonly isUp: boolean;
};

async function bench(): Promise<void> {
    await ensureTools(["helm", ...toolsFor("controller")]);
    await ensureImages();
    await ensureCharts();
    const started = Date.now();
    const folder = mkdtempSync(join(tmpdir(), "interlink-bench-"));
    let data: Data;
    try {
        await removeWays();
        await openPorts();
        const tokens = await step("objects", measure.makeObjects);
        const usual = await usualWay();
        const others = (await deployments()).map(keyOf);
        const ups = await makeWays();
        const whole = ups.filter(({ isUp }) => isUp);
        const made = (await deployments()).filter((each) => !others.includes(keyOf(each)));
        await eachRound(whole, made, tokens);
        await held(await step("all ways", () => together(whole, made)), tokens, folder);
        await step("removing the ways", removeWays);
        // What was measured before is not lost by what fails here.
        const deployed = await step("deploying", () => deployment(folder)).catch((error: unknown) => {
            measure.interruption.signal.throwIfAborted();
            console.log(`deploying: ${error instanceof Error ? error.message : String(error)}`);
            return undefined;
        });
        data = {
            day: new Date().toISOString().slice(0, 10),
            took: (Date.now() - started) / 1000,
            machine: await machine(),
            usual,
            ways: ups.map(({ draft }) => draft),
            deployment: deployed,
        };
    } finally {
        rmSync(folder, { recursive: true });
        await removeWays();
    }
    await write(data);
    const word = { true: "met", false: "NOT MET", undefined: "not measured" };
    for (const target of targets(data)) {
        const bound = `${target.least ? "at least" : "at most"} ${shown(target.bound)}`;
        console.log(
            `${word[String(met(target)) as keyof typeof word]}: ${target.what}: ${shown(target.value)}, ${bound}`,
        );
    }
}

/** Makes all ways side by side; one that cannot be made is left out, and the report says why. */
async function makeWays(): Promise<Up[]> {
    const ups: Up[] = [];
    for (const way of WAYS) {
        const { name, kind, hops, is } = way;
        const draft: Measured = {
            name,
            kind,
            hops,
            is,
            faults: [],
            loads: [],
            replicas: [],
            watches: [],
            idleCpu: {},
            idleMib: {},
        };
        let up: Up = { way, url: "", pods: new Map(), draft, isUp: false };
        await figure(draft, "the way", async () => {
            const made = await makeWay(way);
            up = { ...up, ...made, pods: await podsOf(made.namespace), isUp: true };
        });
        ups.push(up);
    }
    return ups;
}

/**
 * In turn, so that what changes on the machine meanwhile meets all ways; and each without the others' pods, which cost the API server
 * and its clients much of the machine while they wait.
 */
async function eachRound(whole: readonly Up[], made: readonly Running[], tokens: readonly string[]): Promise<void> {
    await step("none of the ways", async () => {
        await pause(made);
        await ended(made);
    });
    for (let round = 1; round <= ROUNDS; round++) {
        for (const up of whole) {
            await figure(up.draft, `requests, round ${round}`, async () => {
                const own = made.filter(({ namespace }) => namespace === up.namespace);
                try {
                    await resume(own);
                    await answered(up.url);
                    const target = { ...up, pods: await podsOf(up.namespace) };
                    if (round === 1) {
                        up.draft.idleMib = difference({}, memory(target.pods), 1024);
                        up.draft.idleCpu = await measure.idle(target.pods, 3);
                    }
                    await measure.load(target, tokens, "version", COMPARED, WARM_UP_SECONDS);
                    for (const [request, count] of LOADS) {
                        const seconds = request === "pods" ? LIST_SECONDS : SECONDS;
                        up.draft.loads.push(await measure.load(target, tokens, request, count, seconds));
                    }
                } finally {
                    await pause(own);
                }
            });
        }
    }
}

/** The ways again that were made, side by side. */
async function together(whole: readonly Up[], made: readonly Running[]): Promise<Up[]> {
    await resume(made.filter(({ namespace }) => whole.some((up) => up.namespace === namespace)));
    return Promise.all(whole.map(async (up) => ({ ...up, pods: await podsOf(up.namespace) })));
}

function keyOf({ namespace, name }: Running): string {
    return `${namespace}/${name}`;
}

/** Holds many watches on some ways and, when it is known what they cost, measures what needs no quiet machine. */
async function held(whole: readonly Up[], tokens: readonly string[], folder: string): Promise<void> {
    const holding: Promise<void>[] = [];
    try {
        const [many, few] = [true, false].map((is) => whole.filter(({ way }) => HOLDING.includes(way.name) === is));
        for (const up of [...(many ?? []), ...(few ?? []).filter(({ way }) => way.kind !== "limit")]) {
            const { count, seconds } = HOLDING.includes(up.way.name) ? WATCHES.many : WATCHES.few;
            await new Promise<void>((known) => {
                const watches = figure(up.draft, `${count} silent watches`, async () => {
                    up.draft.watches.push(await measure.watches(up, DIRECT, tokens, count, seconds, known));
                });
                // Whether it was interrupted, the next step asks.
                holding.push(watches.catch(() => undefined).then(known));
            });
        }
        await inTheirCompany(whole, tokens, folder);
    } finally {
        await Promise.all(holding);
    }
}

/** Measures what needs no quiet machine. */
async function inTheirCompany(whole: readonly Up[], tokens: readonly string[], folder: string): Promise<void> {
    for (const { draft, url } of whole) {
        await figure(draft, "events", async () => {
            draft.events = await measure.events(url, DIRECT, tokens, EVENTS);
        });
        await figure(draft, "jobs", async () => {
            draft.jobs = await measure.jobs(url, DIRECT, tokens, JOBS);
        });
        await figure(draft, "exec and cp", async () => {
            Object.assign(draft, await measure.streams(url, tokens[0], folder));
        });
    }
    for (const up of whole.filter(({ way }) => GROWING.includes(way.name))) {
        await figure(up.draft, "growth", async () => {
            for (const count of CLIENTS) {
                up.draft.loads.push(await measure.load(up, tokens, "version", count, SECONDS));
            }
            if (up.way.name === REPLICATED) {
                await replicas(up, tokens);
            }
        });
    }
}

/** Asks a way with more and more pods of the proxy behind its controller. */
async function replicas(up: Up, tokens: readonly string[]): Promise<void> {
    const proxy = ["deployment", "-n", up.namespace ?? "", "-l", "app.kubernetes.io/name=nginx-api-proxy"];
    for (const count of REPLICAS) {
        await kubectl("scale", ...proxy, `--replicas=${count}`);
        await kubectl("rollout", "status", ...proxy, "--timeout=120s");
        const load = await measure.load({ ...up, pods: await podsOf(up.namespace) }, tokens, "version", 64, SECONDS);
        up.draft.replicas.push({ count, load });
    }
    await kubectl("scale", ...proxy, "--replicas=1");
}

/** Compares the local cluster's own way with the bounds, by ratios alone. */
async function check(): Promise<void> {
    const { apiServerUrl, namespace } = await outputs("dev");
    const tokens = await measure.tokensOf("default");
    const name = await usualWay();
    const [direct, ours]: [Load[], Load[]] = [[], []];
    try {
        await openPorts();
        const targets = [
            { url: DIRECT, pods: new Map<string, string[]>(), loads: direct },
            { url: apiServerUrl, pods: await podsOf(namespace), loads: ours },
        ];
        for (let round = 1; round <= CHECK_ROUNDS; round++) {
            for (const target of targets) {
                await step(`GET /version at ${target.url}`, async () => {
                    await measure.load(target, tokens, "version", COMPARED, WARM_UP_SECONDS);
                    target.loads.push(await measure.load(target, tokens, "version", COMPARED, SECONDS));
                });
            }
        }
    } finally {
        await closePorts();
    }
    const rate = (loads: readonly Load[]) => median(loads.map(({ perSecond }) => perSecond));
    const share = rate(ours) / rate(direct);
    const handshakes = median(ours.map((load) => innerHandshakes(load) ?? NaN));
    const failed = ours.reduce((sum, load) => sum + load.failed, 0);
    console.log(`${name}: ${shown(share)} of direct, at least ${ALLOWED.ratio[name]}`);
    console.log(
        `${name}: ${shown(handshakes)} handshakes for 1,000 requests on a hop inside, at most ${ALLOWED.handshakes}`,
    );
    console.log(`${name}: ${failed} failed requests, at most 0`);
    if (!(share >= ALLOWED.ratio[name] && handshakes <= ALLOWED.handshakes && failed === 0)) {
        throw new UserError("bench-check: a ratio is far off.");
    }
}

/** The controller that the local cluster's own stack has. */
async function usualWay(): Promise<keyof typeof ALLOWED.ratio> {
    const pods = await podsOf((await outputs("dev")).namespace);
    return (["traefik", "ingress-nginx"] as const).find((name) => pods.has(name)) ?? "none";
}

/** Measures something of a way; what fails goes into the report. */
async function figure(draft: Measured, what: string, measured: () => Promise<void>): Promise<void> {
    try {
        await step(`${draft.name}: ${what}`, measured);
    } catch (error) {
        measure.interruption.signal.throwIfAborted();
        const reason = error instanceof Error ? error.message : String(error);
        console.log(`${draft.name}: ${what}: ${reason}`);
        draft.faults.push(`${what}: ${reason.trim().split("\n").at(-1)?.slice(0, 200)}`);
    }
}

/** One step, unless the run was interrupted. */
async function step<T>(what: string, action: () => Promise<T>): Promise<T> {
    measure.interruption.signal.throwIfAborted();
    const start = performance.now();
    const result = await action();
    console.log(`${what}: ${shown((performance.now() - start) / 1000)} s`);
    return result;
}

/** Writes the report, the data and the plots. */
async function write(data: Data): Promise<void> {
    const docs = join(PROJECT, "docs");
    mkdirSync(join(docs, "performance"), { recursive: true });
    const images: Record<string, string> = {};
    for (const [name, spec] of Object.entries(plots(data))) {
        images[name] = `performance/${name}.svg`;
        writeFileSync(join(docs, images[name]), await svg(spec));
    }
    const files = { "performance.md": report(data, images), "performance.json": JSON.stringify(data) };
    for (const [name, text] of Object.entries(files)) {
        writeFileSync(join(docs, name), text);
    }
    await run(["prettier", "--write", ...Object.keys(files)], { cwd: docs, env: environment("dev") });
}

/** The machine, and what runs on it. */
async function machine(): Promise<Record<string, string>> {
    const { serverVersion } = JSON.parse(await kubectl("version", "-o", "json")) as {
        serverVersion: { gitVersion: string };
    };
    return {
        processor: cpus()[0]?.model ?? "",
        cores: String(cpus().length),
        "memory, GiB": (totalmem() / 2 ** 30).toFixed(1),
        kernel: release(),
        Kubernetes: serverVersion.gitVersion,
        Traefik: version("traefik"),
        "ingress-nginx": version("ingress-nginx"),
    };
}

async function main(): Promise<void> {
    const commands: Readonly<Record<string, () => Promise<void>>> = { bench, "bench-check": check };
    const command = commands[process.argv[2] ?? ""];
    if (command === undefined || process.getuid?.() !== 0) {
        throw new UserError("bench: give bench or bench-check, as root, which network namespaces need.");
    }
    if (!existsSync(settingsPath("dev")) || (await attemptKubectl("get", "--raw", "/readyz")).status !== 0) {
        throw new UserError("bench: the local cluster is not up; run make up first.");
    }
    for (const signal of ["SIGINT", "SIGTERM"] as const) {
        process.on(signal, () => {
            console.log("interrupted: what was made is removed");
            measure.interruption.abort(new UserError("bench: interrupted."));
        });
    }
    await ensurePackages(PACKAGES);
    await command();
}

main().catch((error: unknown) => {
    console.error(error instanceof UserError ? error.message : error);
    process.exitCode = 1;
});
