import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { HPC, INTERLINK_PORT, PLUGIN_PORT, PROJECT } from "../machine/layout";
import { Daemon, ensure, logTail, pidOf, stop } from "../machine/processes";
import { attempt, until, UserError } from "../machine/shell";
import { template } from "../machine/template";
import { program } from "../toolchain/tools";
import { configureSlurm, ENVIRONMENT, FOLDER, PODMAN, SLURM } from "./slurm";

const TS_NODE = require.resolve("ts-node/register/transpile-only");
const INTERLINK_CONFIG = join(FOLDER, "InterLinkConfig.yaml");

/** All that runs on the HPC side. */
const DAEMONS = (): readonly Daemon[] => [
    ...SLURM,
    {
        name: "plugin",
        netns: HPC,
        command: [process.execPath, "-r", TS_NODE, join(__dirname, "plugin.ts")],
        env: { TS_NODE_PROJECT: join(PROJECT, "tsconfig.json") },
    },
    {
        name: "interlink-api",
        netns: HPC,
        command: [program("interlink", "interlink")],
        env: { INTERLINKCONFIGPATH: INTERLINK_CONFIG },
    },
];

/** Starts Slurm, the plugin and InterLink's API server on the HPC side, and returns when each answers through the next. */
export async function ensureHpc(): Promise<void> {
    mkdirSync(FOLDER, { recursive: true });
    await configureSlurm();
    const ports = { port: INTERLINK_PORT, pluginPort: PLUGIN_PORT };
    writeFileSync(INTERLINK_CONFIG, template("hpc/InterLinkConfig.yaml", { ...ports, folder: FOLDER }));
    const daemons = DAEMONS();
    daemons.forEach(ensure);
    await until(
        "an answer from InterLink's API server that came through Slurm",
        30,
        async () => {
            const dead = daemons.find(({ name }) => pidOf(name) === undefined);
            if (dead !== undefined) {
                const remedy = "mend what it says, and run `make up` again.";
                throw new UserError(`${dead.name}: it ended at once; ${remedy} ${logTail(dead.name)}`);
            }
            const ping = ["curl", "-sf", "-X", "POST", `http://127.0.0.1:${INTERLINK_PORT}/pinglink`];
            return (await attempt(ping, { netns: HPC })).status === 0;
        },
        () => daemons.map(({ name }) => logTail(name)).join("\n"),
    );
}

/** Stops the HPC side with its jobs, and removes their containers. */
export async function stopHpc(): Promise<void> {
    if (!existsSync(FOLDER)) {
        return;
    }
    await Promise.all(DAEMONS().map(({ name }) => stop(name)));
    await attempt([...PODMAN, "rm", "--all", "--force", "--time", "0"], { env: ENVIRONMENT });
    const pids = (await attempt(["ip", "netns", "pids", HPC])).stdout.split("\n").filter(Boolean);
    await attempt(["kill", "-9", ...pids]);
    const mounts = readFileSync("/proc/mounts", "utf8").split("\n");
    for (const path of mounts.map((line) => line.split(" ")[1] ?? "").reverse()) {
        if (path.startsWith(`${FOLDER}/`)) {
            await attempt(["umount", path]);
        }
    }
}
