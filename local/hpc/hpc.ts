import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { HPC, INTERLINK_PORT, PLUGIN_PORT, PROJECT, STATE } from "../machine/layout";
import { alive, Daemon, ensure, logTail, stop } from "../machine/processes";
import { attempt, until } from "../machine/shell";
import { program } from "../toolchain/tools";

/** Starts InterLink's API server and the plugin on the HPC side, and returns when one answers through the other. */
export async function ensureHpc(): Promise<void> {
    const folder = join(STATE, "hpc");
    mkdirSync(folder, { recursive: true });
    const configuration = join(folder, "InterLinkConfig.yaml");
    writeFileSync(
        configuration,
        `InterlinkAddress: "http://0.0.0.0"
InterlinkPort: "${INTERLINK_PORT}"
SidecarURL: "http://127.0.0.1"
SidecarPort: "${PLUGIN_PORT}"
VerboseLogging: false
ErrorsOnlyLogging: true
ExportPodData: true
DataRootFolder: "${folder}/"
`,
    );
    const typescript = ["-r", join(PROJECT, "node_modules", "ts-node", "register", "transpile-only")];
    const daemons: readonly Daemon[] = [
        {
            name: "plugin",
            netns: HPC,
            command: [process.execPath, ...typescript, join(PROJECT, "local", "hpc", "plugin.ts")],
            env: { TS_NODE_PROJECT: join(PROJECT, "tsconfig.json") },
        },
        {
            name: "interlink-api",
            netns: HPC,
            command: [program("interlink", "interlink")],
            env: { INTERLINKCONFIGPATH: configuration },
        },
    ];
    daemons.forEach(ensure);
    await until(
        "InterLink's API server",
        30,
        async () => {
            daemons.filter(({ name }) => !alive(name)).forEach(ensure);
            const ping = ["curl", "-sf", "-X", "POST", `http://127.0.0.1:${INTERLINK_PORT}/pinglink`];
            return (await attempt(ping, { netns: HPC })).status === 0;
        },
        () => `${logTail("interlink-api")}\n${logTail("plugin")}`,
    );
}

/** Stops the HPC side: InterLink, the plugin, and the containers that it started. */
export async function stopHpc(): Promise<void> {
    await stop("interlink-api");
    await stop("plugin");
    await attempt(["pkill", "-9", "-f", `conmon .*${join(STATE, "hpc")}`]);
}
