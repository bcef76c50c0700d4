import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { TopLevelSpec } from "vega-lite";
import { parse } from "yaml";
import { ByPart, Data } from "./data";
import { COMPARED, medianLoad } from "./report";

const SPECS = parse(readFileSync(join(__dirname, "plots.yaml"), "utf8")) as Record<string, { data: { name: string } }>;

/** The plots of a run, by their names; without those for which it has no data. */
export function plots({ ways, deployment }: Data): Record<string, TopLevelSpec> {
    const loads = ways.flatMap((way) =>
        [1, 8, 10, 64, 100, 1000].flatMap((connections) => {
            const load = medianLoad(way, "version", connections);
            return load === undefined ? [] : [{ ...load, way: way.name, kind: way.kind }];
        }),
    );
    const compared = loads.filter(({ connections }) => connections === COMPARED);
    const rows = (way: string, of: ByPart) => Object.entries(of).map(([part, value]) => ({ way, part, value }));
    const sets: Readonly<Record<string, readonly object[]>> = {
        loads,
        compared,
        costs: compared.flatMap(({ way, cpu }) => rows(way, cpu)),
        memory: ways.flatMap(({ name, watches }) =>
            watches.flatMap(({ asked, kib }) => rows(`${name}, ${asked}`, kib)),
        ),
        spans: deployment?.spans ?? [],
    };
    return Object.fromEntries(
        Object.entries(SPECS)
            .map(
                ([name, spec]) =>
                    [
                        name,
                        { ...spec, width: 640, background: "white", data: { values: sets[spec.data.name] ?? [] } },
                    ] as const,
            )
            .filter(([, { data }]) => data.values.length > 0)
            .map(([name, spec]) => [name, spec as unknown as TopLevelSpec]),
    );
}

/** Draws a plot, as SVG. */
export async function svg(spec: TopLevelSpec): Promise<string> {
    const [{ compile }, { parse: parseVega, View }] = await Promise.all([import("vega-lite"), import("vega")]);
    return `${await new View(parseVega(compile(spec).spec), { renderer: "none" }).toSVG()}\n`;
}
