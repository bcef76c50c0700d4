import type { TopLevelSpec } from "vega-lite";
import { Data } from "./data";
import { COMPARED, medianLoad } from "./report";

const SCHEMA = { $schema: "https://vega.github.io/schema/vega-lite/v6.json", background: "white", width: 640 } as const;

/** The plots of a run, by their names; without those for which it has no data. */
export function plots({ ways, deployment }: Data): Record<string, TopLevelSpec> {
    const loads = ways.flatMap((way) =>
        [1, 8, 10, 64, 100, 1000].flatMap((connections) => {
            const load = medianLoad(way, "version", connections);
            return load === undefined ? [] : [{ ...load, way: way.name, kind: way.kind }];
        }),
    );
    const way = { field: "way", type: "nominal", sort: null, title: null } as const;
    const costs = loads
        .filter(({ connections }) => connections === COMPARED)
        .flatMap(({ way, cpu }) => Object.entries(cpu).map(([part, value]) => ({ way, part, value })));
    const memory = ways.flatMap(({ name, watches }) =>
        watches.flatMap(({ asked, kib }) =>
            Object.entries(kib).map(([part, value]) => ({ way: `${name}, ${asked}`, part, value })),
        ),
    );
    const all: Record<string, { readonly values: object[]; readonly spec: object }> = {
        rates: {
            values: loads.filter(({ connections }) => connections === COMPARED),
            spec: {
                mark: "bar",
                encoding: {
                    y: way,
                    x: {
                        field: "perSecond",
                        type: "quantitative",
                        title: `GET /version a second, ${COMPARED} connections`,
                    },
                    color: { field: "kind", type: "nominal" },
                },
            },
        },
        tails: {
            values: loads,
            spec: {
                mark: { type: "line", point: true },
                encoding: {
                    x: { field: "connections", type: "quantitative", scale: { type: "log" } },
                    y: { field: "p99", type: "quantitative", scale: { type: "log" }, title: "p99 of GET /version, ms" },
                    color: way,
                },
            },
        },
        cpu: { values: costs, spec: stacked("CPU of a GET /version, µs") },
        watches: { values: memory, spec: stacked("memory of a silent watch, KiB") },
        deployment: {
            values: [...(deployment?.spans ?? [])],
            spec: {
                mark: "bar",
                encoding: {
                    y: { field: "resource", type: "nominal", sort: { field: "from" }, title: null },
                    x: { field: "from", type: "quantitative", title: "seconds" },
                    x2: { field: "to" },
                },
            },
        },
        growth: {
            values: loads,
            spec: {
                mark: { type: "line", point: true },
                encoding: {
                    x: { field: "connections", type: "quantitative", scale: { type: "log" } },
                    y: { field: "perSecond", type: "quantitative", title: "GET /version a second" },
                    color: way,
                },
            },
        },
    };
    return Object.fromEntries(
        Object.entries(all)
            .filter(([, { values }]) => values.length > 0)
            .map(([name, { values, spec }]) => [name, { ...SCHEMA, data: { values }, ...spec } as TopLevelSpec]),
    );
}

/** Draws a plot, as SVG. */
export async function svg(spec: TopLevelSpec): Promise<string> {
    const [{ compile }, { parse, View }] = await Promise.all([import("vega-lite"), import("vega")]);
    return `${await new View(parse(compile(spec).spec), { renderer: "none" }).toSVG()}\n`;
}

function stacked(title: string): object {
    return {
        mark: "bar",
        encoding: {
            y: { field: "way", type: "nominal", sort: null, title: null },
            x: { field: "value", type: "quantitative", title },
            color: { field: "part", type: "nominal" },
        },
    };
}
