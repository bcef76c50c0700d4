import { mkdirSync, renameSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { CACHE, RUN } from "./layout";
import { template } from "./template";

/** Settings file of podman and buildah. */
export const CONTAINERS_CONF = join(RUN, "containers.conf");
const STORAGE_CONF = join(RUN, "storage.conf");

/** Writes podman's and buildah's settings, with storage and networks in our cache, and returns the environment that names them. */
export function podmanEnvironment(): Readonly<Record<string, string>> {
    mkdirSync(RUN, { recursive: true });
    for (const path of [CONTAINERS_CONF, STORAGE_CONF]) {
        // In one step: another process's podman may be reading it.
        const written = `${path}.${process.pid}`;
        writeFileSync(written, template(join("machine", basename(path)), { cache: CACHE, run: RUN }));
        renameSync(written, path);
    }
    return { CONTAINERS_CONF, CONTAINERS_STORAGE_CONF: STORAGE_CONF };
}
