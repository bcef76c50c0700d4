import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseDocument } from "yaml";
import { kubectl } from "../../local/cluster/kubectl";
import { HPC } from "../../local/machine/layout";
import { attempt, Result, run } from "../../local/machine/shell";
import { Environment, settingsPath, writeSettings } from "../../local/stacks/environments";
import { mainStack, outputs, pulumiUp } from "../../local/stacks/pulumi";

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

/** make's variables of the cluster that is up, where no step on it has failed. */
let standing: string | undefined;

/** Makes a cluster anew, and the program on it, up to the Job's table; returns what was seen. */
export async function fromNothing(...variables: string[]): Promise<string> {
    standing = undefined;
    return asMade(...variables);
}

/** The same with the cluster that the part before has left, where that was made with these variables and no step on it failed. */
export async function asMade(...variables: string[]): Promise<string> {
    const wanted = variables.join(" ");
    if (standing !== wanted) {
        await make("down");
    }
    standing = undefined;
    assert.match(await make("up", ...variables), TABLE);
    standing = wanted;
    return "the Job's table";
}

/** Steps on one cluster, each on the one before it, by what they show; each returns what was seen. */
export type Steps = Readonly<Record<string, () => Promise<string>>>;

/** Steps as tests; one that failed keeps those after it from running. */
export function inSteps(name: string, steps: Steps): void {
    describe(name, () => {
        let failed = "";
        for (const [title, step] of Object.entries(steps)) {
            it(title, async function () {
                assert.equal(failed, "", "this stands on a step that failed");
                failed = title;
                try {
                    const line = `${title} → ${await step()}`;
                    (this.test as Mocha.Test).title = line;
                    console.log(`== ${line}`);
                    failed = "";
                } catch (error) {
                    standing = undefined;
                    console.log(`== ${title}: ${String(error)}`);
                    throw error;
                }
            });
        }
    });
}

/**
 * Settings that the local cluster has no variables for, by their keys, or by paths in these such as ca.generation; undefined
 * takes one out.
 */
export type Changes = Readonly<Record<string, unknown>>;

/** Writes an environment's settings, with changes. */
export async function writeChanged(environment: Environment, changes: Changes): Promise<void> {
    await writeSettings(environment);
    const file = settingsPath(environment);
    const document = parseDocument(readFileSync(file, "utf8"));
    for (const [path, value] of Object.entries(changes)) {
        const [key, ...rest] = path.split(".");
        const place = ["config", `interlink-kube-api:${key}`, ...rest];
        if (value === undefined) {
            document.deleteIn(place);
        } else {
            document.setIn(place, document.createNode(value));
        }
    }
    writeFileSync(file, document.toString());
}

/** Deploys an environment with changed settings. */
export async function deployWith(environment: Environment, changes: Changes): Promise<void> {
    await writeChanged(environment, changes);
    await pulumiUp(mainStack(environment));
}

/** Deploys it so, up to the Job's table. */
export async function upWith(environment: Environment, changes: Changes): Promise<string> {
    await deployWith(environment, changes);
    await make("verify", `ENV=${environment}`);
    return (await outputs(environment)).apiServerUrl;
}

/** curl from the HPC side, with the CA of an environment's outputs. */
export async function hpcCurl(environment: Environment, ...args: string[]): Promise<Result> {
    return curlOutside((await outputs(environment)).caCertificate, ...args);
}

/** curl from the HPC side, with a CA. */
export async function curlOutside(caCertificate: string, ...args: string[]): Promise<Result> {
    const folder = mkdtempSync(join(tmpdir(), "interlink-ca-"));
    try {
        writeFileSync(join(folder, "ca.crt"), caCertificate);
        const curl = ["curl", "-sS", "--max-time", "10", "--cacert", join(folder, "ca.crt")];
        return await attempt([...curl, ...args], { netns: HPC });
    } finally {
        rmSync(folder, { recursive: true });
    }
}
