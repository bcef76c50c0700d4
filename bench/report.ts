import { ByPart, Data, Load, Measured, Request, Span } from "./data";
import { median, shown, sum } from "./numbers";

/** Number of connections at which ways are compared. */
export const COMPARED = 8;
/** Numbers of connections by which ways grow. */
export const CLIENTS: readonly number[] = [10, 100, 1000];
/** Ways that hold 5,000 watches: one for each number of hops. */
export const HOLDING: readonly string[] = ["none", "traefik"];
/** Parts that every way has, none of which is a hop of it. */
const COMMON: readonly string[] = ["API server", "etcd", "client", "others"];
/** Jobs for which the report says what they need. */
const ON_PAPER: readonly number[] = [200, 1_000, 10_000, 100_000];
/** Resources that the report says an update waits longest for. */
const LONGEST = 4;
/** What such a job does on paper, besides its watch: requests of a minute. */
const REQUESTS_PER_MINUTE = 1;

/** What deploying consists of: what the targets are about. */
export const UP = "`pulumi up` from an empty cluster";
/** The same, where nothing has changed. */
export const UNCHANGED = "`pulumi up`, unchanged";
/** What it is compared with. */
export const SCRIPT = "the guide's commands, from an empty cluster";

/** Something that has to be reached. */
export interface Target {
    /** What. */
    readonly what: string;
    /** What it has to be at least, or at most. */
    readonly bound: number;
    /** Which of the two. */
    readonly least: boolean;
    /** What it is; undefined where it was not measured. */
    readonly value: number | undefined;
    /** The way whose profile shows what bounds it. */
    readonly way?: Measured;
}

/** Medians of a way's runs that asked for the same with as many connections; undefined without a run. */
export function medianLoad(way: Measured | undefined, request: Request, connections: number): Load | undefined {
    const loads = (way?.loads ?? []).filter((load) => load.request === request && load.connections === connections);
    const of = (value: (load: Load) => number) => median(loads.map(value));
    const parts = (value: (load: Load) => ByPart) => {
        const names = new Set(loads.flatMap((load) => Object.keys(value(load))));
        return Object.fromEntries([...names].map((name) => [name, of((load) => value(load)[name] ?? 0)]));
    };
    return loads.length === 0
        ? undefined
        : {
              request,
              connections,
              perSecond: of(({ perSecond }) => perSecond),
              p50: of(({ p50 }) => p50),
              p99: of(({ p99 }) => p99),
              failed: loads.reduce((sum, { failed }) => sum + failed, 0),
              cpu: parts(({ cpu }) => cpu),
              kernel: parts(({ kernel }) => kernel),
              idle: of(({ idle }) => idle),
              handshakes: parts(({ handshakes }) => handshakes),
          };
}

/** A quotient; undefined where a part of it was not measured. */
export function ratio(value: number | undefined, to: number | undefined): number | undefined {
    return value === undefined || to === undefined || to === 0 ? undefined : value / to;
}

/** The most handshakes for 1,000 requests of any hop inside; undefined where none was counted. */
export function innerHandshakes(load: Load | undefined): number | undefined {
    const counted = Object.values(load?.handshakes ?? {});
    return counted.length === 0 ? undefined : Math.max(...counted);
}

/** What has to be reached, and what was. */
export function targets({ ways, deployment }: Data): Target[] {
    const named = (name: string) => ways.find((way) => way.name === name);
    const compared = (way: Measured | undefined) => medianLoad(way, "version", COMPARED);
    const [direct, guide] = ["direct", "guide"].map(named);
    const ours = ways.filter(({ kind }) => kind === "ours");
    const rate = (way: Measured | undefined, to: Measured | undefined) =>
        ratio(compared(way)?.perSecond, compared(to)?.perSecond);
    const tail = (way: Measured | undefined) => ratio(compared(way)?.p99, compared(direct)?.p99);
    const seconds = deployment?.seconds ?? {};
    const [up, script, unchanged] = [UP, SCRIPT, UNCHANGED].map((what) => seconds[what]);
    const of = (way: Measured, what: string) => `\`${way.name}\`: ${what}`;
    const rows: (readonly [string, "least" | "most", number, number | undefined, Measured?])[] = [
        ...ours.flatMap((way) => [
            [
                of(way, "requests per second, of direct"),
                "least",
                way.hops > 1 ? 0.45 : 0.65,
                rate(way, direct),
                way,
            ] as const,
            [of(way, "p99, of direct"), "most", way.hops > 1 ? 2 : 1.5, tail(way), way] as const,
            [
                of(way, "handshakes for 1,000 requests, on any hop inside"),
                "most",
                5,
                innerHandshakes(compared(way)),
                way,
            ] as const,
            [of(way, "kubectl cp, of direct"), "least", 0.7, ratio(way.cp, direct?.cp), way] as const,
            [of(way, "errors of jobs that start together"), "most", 0, way.jobs?.errors] as const,
        ]),
        ...ours
            .filter(({ hops }) => hops > 1)
            .map((way) => [of(way, "requests per second, of the guide's"), "least", 4, rate(way, guide), way] as const),
        ...ours
            .filter(({ name }) => HOLDING.includes(name))
            .flatMap((way) => {
                const held = way.watches.find(({ asked }) => asked >= 5000);
                const [lost, kib] = [held && held.asked - held.received, held && sumOfHops(held.kib)];
                return [
                    [of(way, "5,000 silent watches for ten minutes, those lost"), "most", 0, lost] as const,
                    [of(way, "memory of such a watch over all hops, KiB"), "most", 60, kib] as const,
                ];
            }),
        [`${UP}, seconds`, "most", 60, up],
        [`${UP}, of the guide's commands`, "most", 1, ratio(up, script)],
        [`${UNCHANGED}, seconds`, "most", 8, unchanged],
    ];
    return rows.map(([what, side, bound, value, way]) => ({ what, bound, value, way, least: side === "least" }));
}

/** Whether a target is met; undefined where it was not measured. */
export function met({ value, bound, least }: Target): boolean | undefined {
    return value === undefined || Number.isNaN(value) ? undefined : least ? value >= bound : value <= bound;
}

/** The report, in Markdown; `images` are the names of the plots. */
export function report(data: Data, images: Readonly<Record<string, string>>): string {
    const { ways, deployment, machine } = data;
    const direct = ways.find(({ name }) => name === "direct");
    const rates = (request: Request, counts: readonly number[]) =>
        table(
            "connections | way | per second | of direct | p50 ms | p99 ms | p99 of direct | failed",
            counts.flatMap((count) =>
                ways.flatMap((way) => {
                    const [load, bare] = [way, direct].map((each) => medianLoad(each, request, count));
                    if (load === undefined) {
                        return [];
                    }
                    const { perSecond, p50, p99, failed } = load;
                    const cells = [
                        perSecond,
                        ratio(perSecond, bare?.perSecond),
                        p50,
                        p99,
                        ratio(p99, bare?.p99),
                        failed,
                    ];
                    return [[String(count), way.name, ...cells.map(shown)]];
                }),
            ),
        );
    const plot = (name: string) => (images[name] === undefined ? "" : `![${name}](${images[name]})\n\n`);
    return [
        "# The last `make bench`\n\nWritten by that command, and no figure by hand. Absolute figures are this machine's, on which the ",
        "clients and the cluster share the cores; what can be compared are ratios within a run. The raw data lie in ",
        `[performance.json](performance.json).\n\nRun on ${data.day}, in ${shown(data.took / 60)} minutes.\n\n`,
        table("machine | ", Object.entries(machine)),
        "## What has to be reached\n\n",
        table(
            "what | needed | measured | ",
            targets(data).map((target) => [
                target.what,
                `${target.least ? "at least" : "at most"} ${shown(target.bound)}`,
                shown(target.value),
                ending(target),
            ]),
        ),
        profiles(data),
        "## The ways\n\n",
        table(
            "way | whose | hops | what it is | not measured",
            ways.map(({ name, kind, hops, is, faults }) => [name, kind, String(hops), is, faults.join("; ")]),
        ),
        plot("rates"),
        "## GET /version, by connections\n\n",
        rates("version", [1, 8, 64]),
        plot("tails"),
        "## A list of 500 pods, by connections\n\n",
        rates("pods", [1, 8, 64]),
        `## A new connection for each request, at ${COMPARED}\n\n`,
        rates("connect", [COMPARED]),
        "## Handshakes for 1,000 requests, and CPU of a request\n\n",
        `GET /version at ${COMPARED} connections: connections that each part opens to the next one, and microseconds of CPU.\n\n`,
        table(
            "way | handshakes | CPU, µs | sum",
            ways.map((way) => {
                const { handshakes = {}, cpu = {} } = medianLoad(way, "version", COMPARED) ?? {};
                return [way.name, parts(handshakes), parts(cpu), shown(sum(cpu))];
            }),
        ),
        plot("cpu"),
        "## Events, streams, and jobs that start together\n\n",
        table(
            "way | first event ms | event p50 ms | p99 ms | exec MB/s | cp MB/s | cp of direct | jobs | last served s | errors",
            ways.map(({ name, events, exec, cp, jobs }) => [
                name,
                ...[events?.first, events?.p50, events?.p99, exec, cp, ratio(cp, direct?.cp)].map(shown),
                ...[jobs?.jobs, jobs?.seconds, jobs?.errors].map(shown),
            ]),
        ),
        "## Silent watches\n\n",
        table(
            "way | asked | open | held, s | lost | received the event at the end | KiB each | hops' sum | CPU, thousandths of a core",
            ways.flatMap(({ name, watches }) =>
                watches.map((held) => [
                    name,
                    ...[held.asked, held.open, held.seconds, held.lost, held.received].map(shown),
                    parts(held.kib),
                    shown(sumOfHops(held.kib)),
                    parts(held.cpu),
                ]),
            ),
        ),
        plot("watches"),
        "## Without any client\n\n",
        table(
            "way | CPU, thousandths of a core | memory, MiB",
            ways.map(({ name, idleCpu, idleMib }) => [name, parts(idleCpu), parts(idleMib)]),
        ),
        ...(deployment === undefined
            ? []
            : [
                  "## Deploying\n\n",
                  table(
                      "what | seconds",
                      Object.entries(deployment.seconds).map(([what, value]) => [what, shown(value)]),
                  ),
                  waits(deployment.spans),
                  plot("deployment"),
              ]),
        "## How it grows\n\n",
        table(
            "way | clients | pods of the proxy | per second | p50 ms | p99 ms | failed | CPU of a request, µs",
            ways.flatMap((way) => [
                ...CLIENTS.flatMap((count) => grown(way.name, medianLoad(way, "version", count), 1)),
                ...way.replicas.flatMap(({ count, load }) => grown(way.name, load, count)),
            ]),
        ),
        plot("growth"),
        onPaper(data),
    ].join("");
}

function grown(way: string, load: Load | undefined, pods: number): string[][] {
    return load === undefined
        ? []
        : [
              [
                  way,
                  ...[load.connections, pods, load.perSecond, load.p50, load.p99, load.failed].map(shown),
                  parts(load.cpu),
              ],
          ];
}

/** What more jobs would need, from the measured cost of a request and a watch. */
function onPaper({ ways, usual }: Data): string {
    const way = ways.find(({ name }) => name === usual);
    const load = medianLoad(way, "version", COMPARED);
    const held = way?.watches.toSorted((a, b) => b.asked - a.asked)[0];
    if (load === undefined || held === undefined) {
        return "";
    }
    const cores = (jobs: number, part: (name: string) => boolean) =>
        (jobs * (REQUESTS_PER_MINUTE / 60) * sum(filtered(load.cpu, part))) / 1e6;
    const gib = (jobs: number, part: (name: string) => boolean) => (jobs * sum(filtered(held.kib, part))) / 2 ** 20;
    const isServer = (name: string) => name === "API server";
    return (
        `On paper, by \`${usual}\`: jobs that hold a watch each and send ${REQUESTS_PER_MINUTE} request like GET /version a minute. A list costs ` +
        "more, so that these are the least that is needed:\n\n" +
        table(
            "jobs | proxies: cores | proxies: GiB | API server: cores | API server: GiB",
            ON_PAPER.map((jobs) => [
                shown(jobs),
                ...[cores(jobs, isHop), gib(jobs, isHop), cores(jobs, isServer), gib(jobs, isServer)].map(shown),
            ]),
        )
    );
}

/**
 * Where the CPU goes on the ways that miss a target, beside the API server's own, whose requests cost it more where it waits between
 * them, as with one connection; what the machine's cores would allow at that cost; and what the hops' own CPU alone would leave.
 */
function profiles(data: Data): string {
    const direct = data.ways.find(({ name }) => name === "direct");
    const missed = new Set(
        targets(data).flatMap((target) => (met(target) === false && target.way ? [target.way] : [])),
    );
    if (direct === undefined || missed.size === 0) {
        return "";
    }
    const bare = sum(medianLoad(direct, "version", COMPARED)?.cpu ?? {});
    const row = (way: Measured, connections: number): string[][] => {
        const load = medianLoad(way, "version", connections);
        if (load === undefined) {
            return [];
        }
        const total = sum(load.cpu);
        const figures = [total, (Number(data.machine.cores) * 1e6) / total, load.perSecond, 100 * load.idle];
        return [
            [
                `${way.name}, ${connections}`,
                parts(load.cpu),
                parts(filtered(load.kernel, isHop)),
                ...figures.map(shown),
                shown(bare / (bare + sumOfHops(load.cpu))),
            ],
        ];
    };
    const head =
        "way, connections | CPU of a request, µs | of a hop's the kernel's | sum | per second if all cores did nothing else | " +
        "measured | CPU left, % | of direct, by the hops' CPU alone";
    const rows = [...row(direct, 1), ...row(direct, COMPARED), ...[...missed].flatMap((way) => row(way, COMPARED))];
    return (
        "What bounds the ways that miss one, by GET /version. Where the API server waits between requests, as it does directly with " +
        `one connection, and behind a proxy with more, each costs it more.\n\n${table(head, rows)}` +
        `${[...missed].map((way) => controllerBound(data, way)).join("")}${watchBound(data)}`
    );
}

/** What a way's controller reaches without the proxy behind it, as one of the peers does, where that is more. */
function controllerBound({ ways }: Data, way: Measured): string {
    const [own, peer, direct, guide] = [way.name, `${way.name}-ingress`, "direct", "guide"].map((name) => {
        const load = medianLoad(
            ways.find((each) => each.name === name),
            "version",
            COMPARED,
        );
        return load?.perSecond;
    });
    return own === undefined || peer === undefined || peer < own
        ? ""
        : `The controller of \`${way.name}\` alone, straight to Service kubernetes, reaches ${shown(ratio(peer, direct))} of direct and ` +
              `${shown(ratio(peer, guide))} times the guide's.\n\n`;
}

/** What a watch takes at least at a hop that ends TLS on both sides, by the peers' hops, which all do but HAProxy. */
function watchBound({ ways }: Data): string {
    const costs = ways
        .filter(({ kind }) => kind === "peer")
        .flatMap(({ watches }) => watches.map(({ kib }) => sumOfHops(kib)))
        .filter((kib) => kib > 0);
    return costs.length === 0
        ? ""
        : "A hop that ends TLS has two connections for a watch: of the peers' hops that do, the smallest takes " +
              `${shown(Math.min(...costs))} KiB.\n\n`;
}

/** What an update from nothing spends its time with, of which the guide's commands have all but the start. */
function waits(spans: readonly Span[]): string {
    const longest = spans
        .toSorted((a, b) => b.to - b.from - (a.to - a.from))
        .slice(0, LONGEST)
        .map(({ resource, from, to }) => `${resource} ${shown(to - from)} s`);
    return (
        `\`pulumi up\` from an empty cluster: ${shown(Math.min(...spans.map(({ from }) => from)))} s until the first resource, in which ` +
        `Pulumi, its providers and the program start; then the longest: ${longest.join(", ")}. Each resource of a second or more:\n\n`
    );
}

function ending(target: Target): string {
    return { true: "met", false: "**not met**", undefined: "" }[String(met(target))] ?? "";
}

/** The sum of what the hops of a way cost, without the API server. */
function sumOfHops(of: ByPart): number {
    return sum(filtered(of, isHop));
}

function isHop(name: string): boolean {
    return !COMMON.includes(name);
}

function filtered(of: ByPart, keep: (name: string) => boolean): ByPart {
    return Object.fromEntries(Object.entries(of).filter(([name]) => keep(name)));
}

function parts(of: ByPart): string {
    return Object.entries(of)
        .map(([name, value]) => `${name} ${shown(value)}`)
        .join(", ");
}

/** A table in Markdown, its head written as one. */
function table(head: string, rows: readonly (readonly string[])[]): string {
    const lines = rows.map((cells) => cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | "));
    const rule = head.split(" | ").map(() => "---");
    return `${[head, rule.join(" | "), ...lines].map((line) => `| ${line} |\n`).join("")}\n`;
}
