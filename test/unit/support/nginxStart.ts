import { spawnSync } from "node:child_process";
import { mkdtempSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startScript } from "../../../components/nginxApiProxy/start";

/** What is around the proxy's nginx. */
export interface Surroundings {
    /** Text of the configuration. */
    readonly configuration: string;
    /** Whether the kernel has IPv6. */
    readonly ipv6: boolean;
    /** The API server's authority and address at the start and after each wait; nginx cannot read an authority `bad`. */
    readonly states: readonly { readonly authority: string; readonly address: string }[];
}

/** Commands in the place of the image's own; `sleep` ends the script's waiting after the last state. */
const STUBS: Readonly<Record<string, string>> = {
    sleep: `turn=$(($(cat turn) + 1)); echo $turn >turn
[ -e authority.$turn ] || { touch over; exit 1; }
cp authority.$turn ca.crt; cp address.$turn address`,
    getent: "cat address",
    nginx: `case "$*" in
*reload*) echo "$*" >>log; [ "$(cat ca.crt)" != bad ];;
*) while [ ! -e over ]; do /bin/sleep 0.02; done;;
esac`,
};

/**
 * Runs the script that starts the proxy's nginx.
 * @returns the configuration that nginx got, and the command lines by which it was told to read all again
 */
export function start({ configuration, ipv6, states }: Surroundings): { configuration: string; reloads: string[] } {
    const folder = mkdtempSync(join(tmpdir(), "nginx-start-"));
    const path = (...parts: string[]) => join(folder, ...parts);
    try {
        mkdirSync(path("bin"));
        for (const [name, script] of Object.entries(STUBS)) {
            writeFileSync(path("bin", name), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
        }
        states.forEach(({ authority, address }, turn) => {
            writeFileSync(path(`authority.${turn}`), authority);
            writeFileSync(path(`address.${turn}`), address);
        });
        writeFileSync(path("ca.crt"), states[0]?.authority ?? "");
        writeFileSync(path("address"), states[0]?.address ?? "");
        writeFileSync(path("turn"), "0");
        writeFileSync(path("log"), "");
        writeFileSync(path("given.conf"), configuration);
        const script = startScript({ configurationFile: "given.conf", apiServerCaFile: "ca.crt" })
            .replace("/tmp/nginx.conf", "nginx.conf")
            .replace("/proc/net/if_inet6", ipv6 ? "given.conf" : "none");
        const { status, stderr } = spawnSync("/bin/sh", ["-c", script], {
            cwd: folder,
            env: { PATH: `${path("bin")}:/usr/bin:/bin` },
            encoding: "utf8",
        });
        if (status !== 0) {
            throw new Error(stderr);
        }
        return {
            configuration: readFileSync(path("nginx.conf"), "utf8"),
            reloads: readFileSync(path("log"), "utf8").split("\n").slice(0, -1),
        };
    } finally {
        rmSync(folder, { recursive: true });
    }
}
