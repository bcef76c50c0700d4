import { KUBECONFIG } from "../machine/layout";
import { attempt, Result, run } from "../machine/shell";
import { program } from "../toolchain/tools";

const OPTIONS = { env: { KUBECONFIG } };

/** Runs kubectl with all rights and returns its standard output; throws where it fails. */
export function kubectl(...args: string[]): Promise<string> {
    return run(command(args), OPTIONS);
}

/** Runs kubectl with all rights and returns what it left, whatever its exit status. */
export function attemptKubectl(...args: string[]): Promise<Result> {
    return attempt(command(args), OPTIONS);
}

/** Applies a manifest with all rights. */
export async function applyManifest(manifest: string, ...options: string[]): Promise<void> {
    await run(command(["apply", ...options, "-f", "-"]), { ...OPTIONS, input: manifest });
}

function command(args: readonly string[]): string[] {
    return [program("kubernetes", "kubectl"), ...args];
}
