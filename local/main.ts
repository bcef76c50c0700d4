import { rmSync } from "node:fs";
import { ensurePackages } from "./toolchain/debian";
import { ensureHpc, stopHpc } from "./hpc/hpc";
import { ensureCloud } from "./stacks/cloud";
import { chosenEnvironment, Environment, settingsPath, writeSettings } from "./stacks/environments";
import { ensureCharts } from "./images/charts";
import { ensureImages, ensureRegistry } from "./images/images";
import { deleteCluster, ensureCluster, needsNodeImage, requireMachine } from "./cluster/kind";
import { RUN, STATE } from "./machine/layout";
import { ensureNetwork, removeNetwork } from "./cluster/network";
import { known, stop } from "./machine/processes";
import { environment, mainStack, pulumiDestroy, pulumiPreview, pulumiUp } from "./stacks/pulumi";
import { UserError } from "./machine/shell";
import { site } from "./machine/site";
import { ensureTools, toolsFor } from "./toolchain/tools";
import { verify } from "./verify/verify";

const COMMANDS: Readonly<Record<string, () => Promise<void> | void>> = {
    up,
    down,
    destroy,
    verify: check,
    preview,
    env: printEnvironment,
};
/** Those that need no root. */
const ANYBODY: readonly string[] = ["preview", "env"];

const started = Date.now();
const times: [string, number][] = [];

/** From whatever is there to the Job's table. */
async function up(): Promise<void> {
    const name = chosenEnvironment();
    await timed("Debian's packages", () => ensurePackages());
    await requireMachine();
    await timed("tools", async () =>
        ensureTools([...neededTools(name), ...((await needsNodeImage()) ? toolsFor("node") : [])]),
    );
    await timed("network and registry", async () => {
        await ensureNetwork();
        await ensureRegistry();
    });
    await timed("images and charts", async () => {
        await ensureImages();
        await ensureCharts();
    });
    await timed("cluster and HPC side", async () => {
        await Promise.all([ensureCluster(), ensureHpc()]);
    });
    if (name === "cloud") {
        await timed("the cloud's load balancers", ensureCloud);
    }
    await writeSettings(name);
    await timed("pulumi up", () => pulumiUp(mainStack(name)));
    await timed("verification", check);
    const lines = times.map(([what, seconds]) => `  ${what}: ${seconds} s`);
    console.log(["Times:", ...lines, `  all: ${elapsed(started)} s`].join("\n"));
}

/** Shows what `up` would do, without a cluster as well. */
async function preview(): Promise<void> {
    await ensureTools(toolsFor("pulumi"));
    await ensureCharts();
    await pulumiPreview(chosenEnvironment());
}

/** The tools that an environment needs; MetalLB and the controllers are for some alone. */
function neededTools(name: Environment): string[] {
    const { kubernetes } = site();
    return [
        ...toolsFor("pulumi", "cluster"),
        ...(name === "dev" ? [] : ["metallb"]),
        ...(kubernetes === undefined ? [] : [kubernetes]),
        ...toolsFor("controller").filter((controller) => controller === process.env.CONTROLLER),
    ];
}

/** Stops everything and removes it, but for tools and images. */
async function down(): Promise<void> {
    await stopHpc();
    await deleteCluster();
    for (const name of known()) {
        await stop(name);
    }
    await removeNetwork();
    for (const folder of [STATE, RUN]) {
        rmSync(folder, { recursive: true, force: true });
    }
    console.log(`down: took ${elapsed(started)} s`);
}

/** Removes what the program deployed in an environment, and keeps the cluster. */
async function destroy(): Promise<void> {
    const name = chosenEnvironment();
    await pulumiDestroy(mainStack(name));
    // How the stack began.
    rmSync(settingsPath(name), { force: true });
}

async function check(): Promise<void> {
    if (!(await verify(chosenEnvironment()))) {
        throw new UserError("verify: at least one check failed.");
    }
}

/** Prints what a shell needs for pulumi and kubectl, to be evaluated. */
function printEnvironment(): void {
    for (const [name, value] of Object.entries(environment(chosenEnvironment()))) {
        console.log(`export ${name}='${value}'`);
    }
}

async function timed(what: string, step: () => Promise<unknown>): Promise<void> {
    console.log(`== ${what}`);
    const start = Date.now();
    await step();
    times.push([what, elapsed(start)]);
}

function elapsed(since: number): number {
    return Math.round((Date.now() - since) / 100) / 10;
}

async function main(): Promise<void> {
    const name = process.argv[2] ?? "";
    const command = COMMANDS[name];
    if (command === undefined) {
        throw new UserError(`command: "${name}" is not allowed; give one of ${Object.keys(COMMANDS).join(", ")}.`);
    }
    if (!ANYBODY.includes(name) && process.getuid?.() !== 0) {
        throw new UserError(
            `user: ${process.getuid?.()} is not allowed; run as root, which network namespaces and containers need.`,
        );
    }
    await command();
}

main().catch((error: unknown) => {
    console.error(error instanceof UserError ? error.message : error);
    process.exitCode = 1;
});
