import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { HPC, STATE } from "../machine/layout";
import { CONTAINERS_CONF, podmanEnvironment } from "../machine/podman";
import { Daemon, LOGS } from "../machine/processes";
import { attempt, Result, run, UserError } from "../machine/shell";
import { template } from "../machine/template";

/** Folder of the HPC side. */
export const FOLDER = join(STATE, "hpc");
/** podman, with its storage among our state. */
export const PODMAN = ["podman", "--root", join(FOLDER, "containers"), "--runroot", join(FOLDER, "run")];

const KEY = join(FOLDER, "munge", "key");
const SOCKET = join(FOLDER, "munge", "socket");
const CONFIGURATION = join(FOLDER, "slurm.conf");
const SAVED = join(FOLDER, "slurmctld");

/** Environment of Slurm's programs, and the whole one of jobs: nothing of the caller's gets into a container. */
export const ENVIRONMENT = {
    SLURM_CONF: CONFIGURATION,
    CONTAINERS_CONF,
    PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
} as const;

/** Slurm's programs; munged first, since the others need it from the start. */
export const SLURM: readonly Daemon[] = [
    {
        name: "munged",
        netns: HPC,
        command: [
            ...["munged", "--foreground", `--key-file=${KEY}`, `--socket=${SOCKET}`],
            ...["seed", "pid", "log"].map((file) => `--${file}-file=${join(FOLDER, "munge", file)}`),
        ],
    },
    { name: "slurmctld", netns: HPC, command: ["slurmctld", "-D"], env: ENVIRONMENT },
    { name: "slurmd", netns: HPC, command: ["slurmd", "-D"], env: ENVIRONMENT },
];

/** Writes the configuration, and at first the key. A key that is gone later is not replaced: other nodes would have the old one. */
export async function configureSlurm(): Promise<void> {
    for (const folder of ["munge", "slurmctld", "slurmd"]) {
        mkdirSync(join(FOLDER, folder), { recursive: true });
    }
    if (!existsSync(KEY)) {
        if (existsSync(join(SAVED, "clustername"))) {
            throw new UserError(`${KEY}: munge's key is gone; put it back, or begin anew with \`make down\`.`);
        }
        await run(["mungekey", "--create", `--keyfile=${KEY}`]);
    }
    podmanEnvironment();
    // Slurm takes the machine's name without a domain.
    const [host = ""] = hostname().split(".");
    writeFileSync(CONFIGURATION, template("hpc/slurm.conf", { folder: FOLDER, host }));
    const podman = PODMAN.join(" ");
    const epilog = template("hpc/epilog", { path: ENVIRONMENT.PATH, containersConf: CONTAINERS_CONF, podman });
    writeFileSync(join(FOLDER, "epilog"), epilog, { mode: 0o755 });
}

/** Runs one of Slurm's commands on the HPC side and returns its standard output; throws one sentence where it fails. */
export async function slurm(...command: string[]): Promise<string> {
    const environment = Object.entries(ENVIRONMENT).map(([name, value]) => `${name}=${value}`);
    const result = await attempt(["env", "--ignore-environment", ...environment, ...command], { netns: HPC });
    if (result.status !== 0 || result.stderr !== "") {
        throw new UserError(`${command[0]}: ${failure(result)}`);
    }
    return result.stdout;
}

/** What keeps a command from Slurm, and the remedy. */
function failure({ stdout, stderr }: Result): string {
    const said = (stderr || stdout)
        .trim()
        .replace(/^\w+: error: /gm, "")
        .replace(/\s*\n/g, "; ");
    if (/munge/i.test(said)) {
        return `munged does not answer; see ${join(LOGS, "munged.log")} and its key ${KEY}, \`make up\` starts it again.`;
    }
    if (/contact slurm controller|Connection refused/i.test(said)) {
        return `slurmctld does not answer; see ${join(LOGS, "slurmctld.log")}, \`make up\` starts it again.`;
    }
    return said;
}
