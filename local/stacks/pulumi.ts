import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Unwrap } from "@pulumi/pulumi";
import { causesOf } from "../../commands/causes";
import { StackOutputs } from "../../stacks/outputs";
import { Environment, settingsPath, writeSettings } from "./environments";
import { CACHE, KUBECONFIG, PROJECT, STATE } from "../machine/layout";
import { attempt, run, until, UserError } from "../machine/shell";
import { toolPath } from "../toolchain/tools";

const BACKEND = join(STATE, "pulumi");
const POLICY = ["--policy-pack", join(PROJECT, "policy")];
const OUTPUT = ["--non-interactive", "--color", "never", "--suppress-progress"];

/** Kinds whose objects go after what belongs to them. */
const REMOVED_SLOWLY = "namespaces,customresourcedefinitions,deployments,daemonsets,jobs,services";
/** How long their removal takes at most, in seconds. */
const REMOVED_SECONDS = 180;
/** How soon the children of a process that was killed have another parent, in milliseconds. */
const ORPHANED_MS = 200;

/** A stack on the local cluster. */
export interface Stack {
    /** Its name. */
    readonly name: string;
    /** Folder of its program. */
    readonly folder: string;
    /** Its settings file, Pulumi.<name>.yaml in a folder of its own: Pulumi writes to it. */
    readonly settings: string;
}

/** The project's own stack in an environment. */
export function mainStack(environment: Environment): Stack {
    return { name: environment, folder: PROJECT, settings: settingsPath(environment) };
}

/** The environment in which `pulumi` and `kubectl` work with the local cluster. */
export function environment(stack: string): Record<string, string> {
    return {
        PATH: toolPath(),
        KUBECONFIG,
        PULUMI_BACKEND_URL: `file://${BACKEND}`,
        // Goes with the salt in Pulumi.dev.yaml. It protects nothing: the state lies beside the cluster's own keys.
        PULUMI_CONFIG_PASSPHRASE: "local",
        PULUMI_SKIP_UPDATE_CHECK: "true",
        // `make test` checks the types.
        PULUMI_NODEJS_TRANSPILE_ONLY: "true",
        PULUMI_STACK: stack,
    };
}

/** Deploys a stack to the cluster; returns what Pulumi printed. */
export async function pulumiUp(stack: Stack): Promise<string> {
    const interrupted = await selectStack(stack);
    // Of a run that was killed: Helm touches no release that it thinks is being changed, and else takes over its objects.
    const pending = [
        "--all-namespaces",
        "--selector",
        "owner=helm,status in (pending-install,pending-upgrade,uninstalling)",
    ];
    await run(["kubectl", "delete", "secret", ...pending], { env: environment(stack.name) });
    if (interrupted) {
        // What it had begun with is not in the state, or no longer in the cluster.
        await pulumi(stack, ["refresh", "--yes", "--skip-preview", "--clear-pending-creates", ...OUTPUT]);
    }
    return pulumi(stack, ["up", "--yes", "--skip-preview", ...POLICY, ...OUTPUT]);
}

/** Removes what a stack deployed. */
export async function pulumiDestroy(stack: Stack): Promise<void> {
    await selectStack(stack);
    await pulumi(stack, ["destroy", "--yes", "--skip-preview", ...OUTPUT]);
}

/** Shows what `up` would do, as CI does, with the policies; needs neither a cluster nor the state of one. */
export async function pulumiPreview(name: Environment): Promise<void> {
    const folder = mkdtempSync(join(tmpdir(), "interlink-preview-"));
    const stack = { name, folder: PROJECT, settings: join(folder, `Pulumi.${name}.yaml`) };
    const backend = existsSync(BACKEND) ? BACKEND : folder;
    const env = { ...environment(name), PULUMI_BACKEND_URL: `file://${backend}` };
    try {
        await writeSettings(name, stack.settings);
        await select(stack, env);
        await pulumi(stack, ["preview", ...POLICY, ...OUTPUT], env);
    } finally {
        rmSync(folder, { recursive: true });
    }
}

/** The outputs of the project's own stack. */
export type Outputs = Unwrap<StackOutputs>;

/** Reads the outputs of an environment's stack. */
export function outputs(name: Environment): Promise<Outputs> {
    return outputsOf(mainStack(name));
}

/** Reads those of a stack that has the same. */
export async function outputsOf({ name, folder }: Stack): Promise<Outputs> {
    return JSON.parse(
        await run(["pulumi", "stack", "output", "--json"], { cwd: folder, env: environment(name) }),
    ) as Outputs;
}

/** Selects a stack; says whether the run before was interrupted, of which it removes what hinders the next one. */
async function selectStack(stack: Stack): Promise<boolean> {
    mkdirSync(BACKEND, { recursive: true });
    const env = environment(stack.name);
    // A run that was killed leaves its lock; whoever calls this is the only one who uses this backend.
    const interrupted = filesOf("locks").some((file) => file.endsWith(".json"));
    if (interrupted) {
        restoreState(stack.name);
    }
    await select(stack, env);
    if (interrupted) {
        console.log("pulumi: an earlier run was interrupted; its lock is removed");
        // Its providers, without a parent now, may still be at work; and then its program, which takes a processor and more
        // and more memory.
        for (const orphans of [
            join(CACHE, "tools", "pulumi-"),
            join(PROJECT, "node_modules", "@pulumi", "pulumi", "cmd"),
        ]) {
            await attempt(["pkill", "-9", "-P", "1", "-f", orphans]);
            await sleep(ORPHANED_MS);
        }
        await run(["pulumi", "cancel", "--yes"], { cwd: stack.folder, env });
        await removed(env);
    }
    return interrupted;
}

/**
 * Waits until what an interrupted run began to remove is gone: the next one would take a Deployment whose pods end for one that
 * stays, and be refused whatever it makes in a namespace that goes. What somebody else holds does not hold this up for ever.
 */
async function removed(env: Readonly<Record<string, string>>): Promise<void> {
    const path = "jsonpath={.items[?(@.metadata.deletionTimestamp)].metadata.name}";
    const get = ["kubectl", "get", REMOVED_SLOWLY, "--all-namespaces", "-o", path];
    // Without a cluster nothing is left.
    const gone = async () => (await attempt(get, { env })).stdout.trim() === "";
    await until("the end of what was removed", REMOVED_SECONDS, gone).catch(() => undefined);
}

/** Puts back a stack's state from the copy that Pulumi makes before it writes it anew, where it was killed while it wrote. */
function restoreState(name: string): void {
    for (const copy of filesOf("stacks").filter((file) => basename(file) === `${name}.json.bak`)) {
        const state = copy.replace(/\.bak$/, "");
        if (!existsSync(state) || statSync(state).size === 0) {
            console.log(`pulumi: an earlier run was killed while it wrote ${state}; its copy takes its place`);
            copyFileSync(copy, state);
        }
    }
}

/** The files of a folder of the backend, by their paths. */
function filesOf(folder: string): string[] {
    const path = join(BACKEND, ".pulumi", folder);
    const files = existsSync(path) ? readdirSync(path, { recursive: true, encoding: "utf8" }) : [];
    return files.map((file) => join(path, file));
}

/** Makes the stack unless it is there: beside its settings, since Pulumi would else write into the program's folder. */
async function select({ name, folder, settings }: Stack, env: Readonly<Record<string, string>>): Promise<void> {
    copyFileSync(join(folder, "Pulumi.yaml"), join(dirname(settings), "Pulumi.yaml"));
    await run(["pulumi", "stack", "select", "--create", name], { cwd: dirname(settings), env });
}

/** Runs Pulumi for somebody who reads along, and returns what it printed; a failure ends with its causes. */
async function pulumi(stack: Stack, command: readonly string[], env = environment(stack.name)): Promise<string> {
    const { folder, settings } = stack;
    const options = { cwd: folder, env, echo: true };
    const { status, stdout } = await attempt(["pulumi", ...command, "--config-file", settings], options);
    if (status !== 0) {
        throw new UserError([`pulumi ${command[0]}: exit status ${status}.`, ...causesOf(stdout)].join("\n"));
    }
    return stdout;
}
