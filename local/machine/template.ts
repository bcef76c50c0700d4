import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { PROJECT } from "./layout";

/** The text of a file, whose path is below local/ or absolute, with every `${name}` that has a value replaced by it. */
export function template(path: string, values: Readonly<Record<string, string | number>> = {}): string {
    const text = readFileSync(resolve(PROJECT, "local", path), "utf8");
    return text.replaceAll(/\$\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole));
}
