import assert from "node:assert/strict";
import { kubectl } from "../../local/cluster/kubectl";
import { run } from "../../local/machine/shell";

/** Runs a target of the Makefile, with variables such as ENV=cloud; fails where it fails. */
export function make(...target: string[]): Promise<string> {
    return run(["make", ...target], { echo: true });
}

/** Asserts that the cluster has its own namespaces, and of others only those that are named. */
export async function assertNamespaces(...others: string[]): Promise<void> {
    const own = ["default", "kube-node-lease", "kube-public", "kube-system"];
    const namespaces = await kubectl("get", "namespaces", "-o", "name");
    const expected = [...own, ...others].map((name) => `namespace/${name}`);
    assert.deepEqual(namespaces.trim().split("\n").sort(), expected.sort());
}

/** What the Job of the guide's last section prints, and nothing else does. */
export const TABLE = /^selfsubjectrulesreviews\.authorization\.k8s\.io /m;
/** What Pulumi says of an update that changed nothing. */
export const UNCHANGED = /Resources:\n +\d+ unchanged\n/;
