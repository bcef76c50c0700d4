import assert from "node:assert/strict";
import { Data, Load, Measured } from "../../../bench/data";
import { spansOf } from "../../../bench/deploy";
import { parseWrk } from "../../../bench/measure";
import { median, percentile, shown } from "../../../bench/numbers";
import { plots, svg } from "../../../bench/plots";
import { innerHandshakes, medianLoad, met, ratio, report, targets } from "../../../bench/report";

const load = (perSecond: number, p99: number, more: Partial<Load> = {}): Load => ({
    ...{ request: "version", connections: 8, perSecond, p50: 1, p99, failed: 0 },
    cpu: { "API server": 100, client: 50 },
    kernel: { "API server": 40 },
    idle: 0.1,
    handshakes: {},
    ...more,
});
const way = (
    name: string,
    kind: Measured["kind"],
    hops: number,
    loads: Load[],
    more: Partial<Measured> = {},
): Measured => ({
    ...{ name, kind, hops, is: name, faults: [], loads, replicas: [], watches: [], idleCpu: {}, idleMib: {} },
    ...more,
});
const proxy = { handshakes: { "nginx-api-proxy": 1.5 }, cpu: { "API server": 100, client: 50, "nginx-api-proxy": 50 } };
const both = {
    handshakes: { "nginx-api-proxy": 1, traefik: 300 },
    cpu: { ...proxy.cpu, traefik: 800 },
    kernel: { "API server": 40, traefik: 300 },
};
const HELD = { asked: 1000, open: 1000, seconds: 75, lost: 0, received: 1000, kib: {}, cpu: {} };
const DATA: Data = {
    day: "2026-01-31",
    took: 1500,
    machine: { cores: "2", processor: "some" },
    usual: "none",
    ways: [
        way("direct", "limit", 0, [load(8000, 10), load(9000, 10), load(10000, 10)], { cp: 100 }),
        way("guide", "guide", 2, [load(900, 20)], { faults: ["exec and cp: no upgrade"] }),
        way("none", "ours", 1, [load(6000, 14, proxy), load(6300, 14, proxy)], {
            cp: 80,
            jobs: { jobs: 200, seconds: 4, errors: 0 },
            watches: [
                {
                    ...{ asked: 5000, open: 5000, seconds: 600, lost: 0, received: 4999 },
                    kib: { "nginx-api-proxy": 50, "API server": 40 },
                    cpu: { "nginx-api-proxy": 3 },
                },
            ],
        }),
        way("traefik", "ours", 2, [load(1100, 25, both)], { cp: 60 }),
        way("haproxy-tcp", "peer", 1, [], { watches: [{ ...HELD, kib: { "API server": 40 } }] }),
        way("traefik-ingress", "peer", 1, [load(2000, 20)], {
            watches: [{ ...HELD, kib: { "API server": 40, traefik: 92 } }],
        }),
    ],
    deployment: {
        seconds: {
            "the guide's commands, from an empty cluster": 50,
            "`pulumi up` from an empty cluster": 55,
            "`pulumi up`, unchanged": 7,
        },
        spans: [{ resource: "Deployment x", from: 1, to: 4 }],
    },
};

describe("the benchmark's figures", () => {
    it("have medians and percentiles", () => {
        assert.deepEqual([median([3, 1, 2]), median([4, 1]), median([])], [2, 2.5, NaN]);
        assert.deepEqual([percentile([5, 1, 4, 2, 3], 0.5), percentile([1, 2], 0.99), percentile([7], 0.5)], [3, 2, 7]);
    });

    it("are shown with three digits, and as not measured where they are not", () => {
        assert.deepEqual([9513.4, 12.345, 0.6512, 0, undefined, NaN].map(shown), [
            "9,513",
            "12.3",
            "0.651",
            "0",
            "not measured",
            "not measured",
        ]);
    });

    it("are read from what wrk's script writes", () => {
        const json = '{"requests":3000,"microseconds":1500000,"p50":700,"p99":9500,"failed":2,"ticks":60}';
        assert.deepEqual(parseWrk(`Running 3s test\n\nJSON ${json}\n  more\n`), {
            ...{ requests: 3000, perSecond: 2000, p50: 0.7, p99: 9.5, failed: 2, client: 600_000 },
        });
        assert.throws(() => parseWrk("unable to connect"), /unable to connect/);
    });

    it("of Pulumi's events say what an update waited for", () => {
        const urn = (type: string, name: string) => `urn:pulumi:dev::interlink-kube-api::a$${type}::${name}`;
        const event = (timestamp: number, kind: string, type: string, name: string) =>
            JSON.stringify({
                timestamp,
                [kind]: {
                    metadata: { urn: urn(type, name), new: type.startsWith("kubernetes:") ? { custom: true } : {} },
                },
            });
        const log = [
            JSON.stringify({ timestamp: 100, preludeEvent: {} }),
            event(101, "resourcePreEvent", "interlink:index:NginxApiProxy", "proxy"),
            event(101, "resourcePreEvent", "kubernetes:apps/v1:Deployment", "proxy:of/it"),
            event(101, "resourcePreEvent", "kubernetes:core/v1:Namespace", "quick"),
            event(101, "resOutputsEvent", "kubernetes:core/v1:Namespace", "quick"),
            event(109, "resOutputsEvent", "kubernetes:apps/v1:Deployment", "proxy:of/it"),
            event(109, "resOutputsEvent", "interlink:index:NginxApiProxy", "proxy"),
        ];
        assert.deepEqual(spansOf(`${log.join("\n")}\n`), [{ resource: "Deployment proxy:of/it", from: 1, to: 9 }]);
    });

    it("of several rounds are their medians, of one request and number of connections alone", () => {
        const found = medianLoad(
            way("x", "ours", 1, [...(DATA.ways[2]?.loads ?? []), load(1, 1, { connections: 1 })]),
            "version",
            8,
        );
        assert.equal(found?.perSecond, 6150);
        assert.equal(innerHandshakes(found), 1.5);
        assert.equal(innerHandshakes(load(1, 1)), undefined);
        assert.equal(medianLoad(DATA.ways[2], "pods", 8), undefined);
        assert.equal(ratio(3, undefined), undefined);
    });
});

describe("the benchmark's report", () => {
    const found = Object.fromEntries(targets(DATA).map((target) => [target.what, target]));
    const holds = (what: string) => {
        assert.ok(found[what], what);
        return met(found[what]);
    };

    it("says what is reached", () => {
        assert.equal(holds("`none`: requests per second, of direct"), true);
        assert.equal(holds("`none`: p99, of direct"), true);
        assert.equal(holds("`none`: kubectl cp, of direct"), true);
        assert.equal(holds("`pulumi up`, unchanged, seconds"), true);
    });

    it("says what is not", () => {
        assert.equal(holds("`traefik`: requests per second, of direct"), false);
        assert.equal(holds("`traefik`: requests per second, of the guide's"), false);
        assert.equal(holds("`traefik`: handshakes for 1,000 requests, on any hop inside"), false);
        assert.equal(holds("`none`: 5,000 silent watches for ten minutes, those lost"), false);
        assert.equal(holds("`pulumi up` from an empty cluster, of the guide's commands"), false);
    });

    it("says nothing of what was not measured", () => {
        assert.equal(holds("`traefik`: errors of jobs that start together"), undefined);
        const none = targets({ ...DATA, ways: [], deployment: undefined });
        assert.ok(none.every((target) => met(target) === undefined));
    });

    it("shows what bounds the ways that miss a target, and what more jobs need", () => {
        const text = report(DATA, { rates: "performance/rates.svg" });
        // 1,000 µs, two cores; and 850 of them the hops', beside the API server's and the client's 150.
        assert.match(
            text,
            /\| traefik, 8 \| API server 100, client 50, nginx-api-proxy 50, traefik 800 \| traefik 300 \| 1,000 \| 2,000 \| 1,100 \| 10 \| 0\.15 \|/,
        );
        assert.match(text, /\| direct, 8 \| API server 100, client 50 \| {2}\| 150 \| /);
        assert.doesNotMatch(text, /\| none, 8 \| /);
        assert.match(
            text,
            /of `traefik` alone, straight to Service kubernetes, reaches 0\.222 of direct and 2\.22 times/,
        );
        assert.match(text, /of the peers' hops that do, the smallest takes 92 KiB/);
        // 10,000 watches of 50 KiB.
        assert.match(text, /\| 10,000 \| 0\.008 \| 0\.477 \|/);
        assert.match(text, /!\[rates\]\(performance\/rates\.svg\)/);
        assert.match(text, /1 s until the first resource, .* the longest: Deployment x 3 s\./);
        assert.match(text, /exec and cp: no upgrade/);
    });

    it("has a plot for each kind of figures", async () => {
        const specs = plots(DATA);
        assert.deepEqual(Object.keys(specs), ["rates", "growth", "tails", "cpu", "watches", "deployment"]);
        for (const spec of Object.values(specs)) {
            assert.match(await svg(spec), /^<svg [^]*<path /);
        }
        assert.deepEqual(plots({ ...DATA, ways: [], deployment: undefined }), {});
    });
});
