import { existsSync, mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { KUBECONFIG, PROJECT, STATE } from "./layout";
import { run, say } from "./shell";
import { toolPath } from "./tools";

const STACK = "dev";
const BACKEND = join(STATE, "pulumi");

/** The environment in which `pulumi` and `kubectl` work with the local cluster. */
export function environment(): Record<string, string> {
    return {
        PATH: toolPath(),
        KUBECONFIG,
        PULUMI_BACKEND_URL: `file://${BACKEND}`,
        // Goes with the salt in Pulumi.dev.yaml. It protects nothing: the state lies beside the cluster's own keys.
        PULUMI_CONFIG_PASSPHRASE: "local",
        PULUMI_SKIP_UPDATE_CHECK: "true",
        PULUMI_STACK: STACK,
    };
}

/** Deploys the program to the cluster. */
export async function pulumiUp(): Promise<void> {
    await selectStack();
    await pulumi(["up", "--yes", "--skip-preview"]);
}

/** Removes what the program deployed. */
export async function pulumiDestroy(): Promise<void> {
    await selectStack();
    await pulumi(["destroy", "--yes", "--skip-preview"]);
}

/** The stack's outputs: the contract for other stacks. */
export interface Outputs {
    readonly apiServerUrl: string;
    readonly apiServerHost: string;
    readonly apiServerPort: number;
    readonly caCertificate: string;
    readonly ingressClassName: string;
    readonly interlinkNodeName: string;
    readonly namespace: string;
}

/** Reads the stack's outputs. */
export async function outputs(): Promise<Outputs> {
    return JSON.parse(
        await run(["pulumi", "stack", "output", "--json"], { cwd: PROJECT, env: environment() }),
    ) as Outputs;
}

async function selectStack(): Promise<void> {
    mkdirSync(BACKEND, { recursive: true });
    await run(["pulumi", "stack", "select", "--create", STACK], { cwd: PROJECT, env: environment() });
    // A run that was killed leaves its lock; whoever calls this is the only one who uses this backend.
    const locks = join(BACKEND, ".pulumi", "locks");
    if (existsSync(locks) && readdirSync(locks, { recursive: true }).some((file) => String(file).endsWith(".json"))) {
        say("pulumi: an earlier run was interrupted; its lock is removed");
        await run(["pulumi", "cancel", "--yes"], { cwd: PROJECT, env: environment() });
    }
}

async function pulumi(command: readonly string[]): Promise<void> {
    const options = ["--non-interactive", "--color", "never", "--suppress-progress"];
    await run(["pulumi", ...command, ...options], { cwd: PROJECT, env: environment(), echo: true });
}
