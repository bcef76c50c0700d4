import { readFileSync } from "node:fs";
import { join } from "node:path";
import { PROJECT } from "./layout";

/** The text of a file of local/, with every `${name}` that has a value replaced by it. */
export function template(path: string, values: Readonly<Record<string, string | number>> = {}): string {
    const text = readFileSync(join(PROJECT, "local", path), "utf8");
    return text.replaceAll(/\$\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole));
}
