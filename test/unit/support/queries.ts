import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";

const MONITORING = join(__dirname, "..", "..", "..", "monitoring");
/** PromQL's words that stand where a metric could. */
const WORDS = ["by", "or", "and", "unless", "without", "on", "ignoring", "le"];

interface Rules {
    readonly groups: readonly { readonly rules: readonly { readonly expr: string }[] }[];
}

interface Dashboard {
    readonly panels: readonly { readonly targets: readonly { readonly expr: string }[] }[];
}

const { groups } = parse(readFileSync(join(MONITORING, "alerts.yaml"), "utf8")) as Rules;
const { panels } = JSON.parse(readFileSync(join(MONITORING, "dashboard.json"), "utf8")) as Dashboard;

/** The expressions of all alerts and of the dashboard. */
export const QUERIES: readonly string[] = [
    ...groups.flatMap(({ rules }) => rules.map(({ expr }) => expr)),
    ...panels.flatMap(({ targets }) => targets.map(({ expr }) => expr)),
];

/** The metrics that an expression of PromQL names: every name that is no function, label or word of the language. */
export function metricsOf(expression: string): string[] {
    const bare = expression.replaceAll(/\{[^}]*\}|\[[^\]]*\]|\b(by|without) \([^)]*\)/g, " ");
    const names = bare.match(/\b[a-z_][a-z0-9_]*\b(?!\s*\()/g) ?? [];
    return names.filter((name) => !WORDS.includes(name));
}
