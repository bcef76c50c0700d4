import { cpSync, existsSync, mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { run } from "../machine/shell";

/** Folder of the source of a Go module that the Go module in the folder `cwd` requires. */
export async function sourceOf(module: string, cwd: string): Promise<string> {
    return (JSON.parse(await run(["go", "mod", "download", "-json", module], { cwd })) as { readonly Dir: string }).Dir;
}

/** A Go module of which a copy is built: with files of ours, and with its own files under other names as well. */
export interface Patch {
    readonly module: string;
    readonly copies?: Readonly<Record<string, string>>;
}

/**
 * Lays files of ours, those in the folder _patch of `cwd`, over a copy of a Go module that is required there: for what
 * the module lacks, or what it needs that cannot be had. An overlay of Go's would not do, which spares its module cache.
 * @returns the go.mod in which the copy, in the folder `target`, replaces the module
 */
export async function patchModule({ module, copies = {} }: Patch, cwd: string, target: string): Promise<string> {
    const copy = join(target, "source");
    const goMod = join(target, "go.mod");
    rmSync(target, { recursive: true, force: true });
    mkdirSync(target, { recursive: true });
    // Files of the module cache are read-only.
    await run(["cp", "-r", "--no-preserve=mode", await sourceOf(module, cwd), copy]);
    if (existsSync(join(cwd, "_patch"))) {
        cpSync(join(cwd, "_patch"), copy, { recursive: true });
    }
    for (const [file, from] of Object.entries(copies)) {
        cpSync(join(copy, from), join(copy, file));
    }
    for (const file of ["go.mod", "go.sum"]) {
        cpSync(join(cwd, file), join(target, file));
    }
    await run(["go", "mod", "edit", `-replace=${module}=${copy}`, goMod]);
    return goMod;
}
