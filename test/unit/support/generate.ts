/** Writes every generated file again; a change of one is to be read like a change of the code. */
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { GENERATED } from "./generated";

async function main(): Promise<void> {
    for (const [path, text] of Object.entries(GENERATED)) {
        mkdirSync(dirname(path), { recursive: true });
        writeFileSync(path, await text());
    }
}

void main();
