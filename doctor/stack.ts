import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { configuredSettings } from "../settings/read";
import { PlainSettings } from "../settings/schema";
import { Outputs } from "./script";

const PROJECT = "interlink-kube-api";

/** A stack as Pulumi keeps it. */
export interface Stack {
    /** Its settings, secrets included. */
    readonly settings: PlainSettings;
    /** Its outputs; without those of an update that never went through. */
    readonly outputs: Outputs;
}

/**
 * Reads the settings and the outputs of a stack by the command `pulumi`.
 * @param configFile its settings file; default Pulumi.<stack>.yaml
 * @throws Error with Pulumi's own sentence; pulumi.RunError with one sentence for each setting that is not allowed
 */
export async function readStack(name: string, configFile?: string): Promise<Stack> {
    const file = configFile === undefined ? [] : ["--config-file", configFile];
    const [config, outputs] = await Promise.all([
        pulumi("config", "--json", "--show-secrets", "--stack", name, ...file),
        pulumi("stack", "output", "--json", "--stack", name),
    ]);
    const values = Object.entries(config as Record<string, { readonly value: string }>);
    const settings = configuredSettings(Object.fromEntries(values.map(([key, { value }]) => [key, value])), PROJECT);
    return { settings, outputs: outputs as Outputs };
}

async function pulumi(...args: string[]): Promise<unknown> {
    const ended = await promisify(execFile)("pulumi", args, { cwd: join(__dirname, "..") }).catch(
        (error: unknown) => error as Error & { readonly code?: unknown; readonly stderr?: string },
    );
    if (ended instanceof Error) {
        const { code, stderr = "", message } = ended;
        // Without a cause: what it printed to the standard output may hold secrets.
        throw new Error(code === "ENOENT" ? "pulumi: it is not on PATH; install it." : stderr.trim() || message);
    }
    return JSON.parse(ended.stdout);
}
