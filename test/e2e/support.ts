import { KUBECONFIG } from "../../local/layout";
import { run } from "../../local/shell";
import { program } from "../../local/tools";

/** Runs a target of the Makefile, with variables such as ENV=cloud; fails where it fails. */
export function make(...target: string[]): Promise<string> {
    return run(["make", ...target], { echo: true });
}

/** Runs kubectl with all rights. */
export function kubectl(...args: string[]): Promise<string> {
    return run([program("kubernetes", "kubectl"), ...args], { env: { KUBECONFIG } });
}

/** What the Job of the guide's last section prints, and nothing else does. */
export const TABLE = /^selfsubjectrulesreviews\.authorization\.k8s\.io /m;
/** What Pulumi says of an update that changed nothing. */
export const UNCHANGED = /Resources:\n +\d+ unchanged\n/;
