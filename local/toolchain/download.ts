import { createHash } from "node:crypto";
import { mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { run, UserError } from "../machine/shell";

/** An archive (tar.gz) on the web. */
export interface Archive {
    /** Its address. */
    readonly url: string;
    /** Address of a list of SHA-256 sums, one `sum  name` a line. */
    readonly checksums: string;
}

/**
 * Fetches an archive where the network has it, and unpacks it into a folder; false where the network has it not.
 * @throws UserError where its checksum is not the one in the list; nothing is kept then.
 */
export async function download({ url, checksums }: Archive, target: string): Promise<boolean> {
    const archive = await fetchOrNothing(url);
    if (archive === undefined) {
        return false;
    }
    const name = basename(url);
    const list = (await fetchOrNothing(checksums))?.toString("utf8") ?? "";
    const expected = list
        .split("\n")
        .find((line) => line.trim().endsWith(name))
        ?.split(/\s+/)[0];
    const sum = createHash("sha256").update(archive).digest("hex");
    if (sum !== expected) {
        throw new UserError(`${url}: its SHA-256 is ${sum}, but ${checksums} says ${expected ?? "nothing"}.`);
    }
    const part = `${target}.part`;
    rmSync(part, { recursive: true, force: true });
    mkdirSync(part, { recursive: true });
    const file = join(part, name);
    writeFileSync(file, archive);
    // Pulumi's own archive has its programs in a folder, those of plugins have not.
    await run(["tar", "-xzf", file, "-C", part, ...(name.startsWith("pulumi-v") ? ["--strip-components=1"] : [])]);
    rmSync(file);
    renameSync(part, target);
    return true;
}

async function fetchOrNothing(url: string): Promise<Buffer | undefined> {
    try {
        const response = await fetch(url, { signal: AbortSignal.timeout(120_000) });
        return response.ok ? Buffer.from(await response.arrayBuffer()) : undefined;
    } catch {
        return undefined;
    }
}
