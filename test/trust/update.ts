import assert from "node:assert/strict";
import { ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { kubectl } from "../../local/cluster/kubectl";
import { PROJECT } from "../../local/machine/layout";
import { run, until } from "../../local/machine/shell";
import { Environment, settingsPath } from "../../local/stacks/environments";
import { environment } from "../../local/stacks/pulumi";

/** A setting that rolls the pods of the proxy, and changes nothing else. */
export const PROXY_ROLLED = { "limits.burst": 1999 };

/** How soon a cause is said, in seconds. */
const PATIENCE_SECONDS = 120;
/** What Pulumi's Kubernetes provider writes its objects as. */
const MANAGER = /^pulumi-kubernetes-[0-9a-f]+$/;
/** Type of a resource that is an object of the cluster, with its kind. */
const OBJECT = /^kubernetes:(?!helm\.sh)[^:]+\/v[^:/]+:([A-Za-z0-9]+)$/;

/** A run of pulumi on an environment's stack, as it goes on. */
export class PulumiRun {
    /** What it has printed. */
    printed = "";
    private readonly child: ChildProcess;
    private readonly began = Date.now();

    constructor(name: Environment, command: "up" | "destroy") {
        const file = ["--config-file", settingsPath(name)];
        const options = ["--yes", "--skip-preview", "--non-interactive", "--color", "never", "--suppress-progress"];
        this.child = spawn("pulumi", [command, ...options, ...file], {
            cwd: PROJECT,
            env: { ...process.env, ...environment(name) },
            stdio: ["ignore", "pipe", "pipe"],
        });
        for (const stream of [this.child.stdout, this.child.stderr]) {
            stream?.on("data", (chunk: Buffer) => (this.printed += chunk.toString()));
        }
    }

    /** Waits until it has printed a sentence; returns the line, and after how many seconds it came. */
    async said(sentence: RegExp): Promise<string> {
        let line: string | undefined;
        await until(
            `${sentence}`,
            PATIENCE_SECONDS,
            () => {
                line = this.printed.split("\n").find((text) => sentence.test(text));
                return Promise.resolve(line !== undefined);
            },
            () => this.printed.slice(-2000),
        );
        const seconds = Math.round((Date.now() - this.began) / 1000);
        return `“${line?.replace(/^.*?(error|warning): /, "").trim()}” after ${seconds} s`;
    }

    /** Kills Pulumi itself, at once, as a machine that fails would. */
    kill(): void {
        this.child.kill("SIGKILL");
    }

    /** Waits for its end; what it leaves when it was killed, its providers, may still hold its output. */
    async end(): Promise<void> {
        if (this.child.exitCode === null && this.child.signalCode === null) {
            await once(this.child, "exit");
        }
        this.child.stdout?.destroy();
        this.child.stderr?.destroy();
    }
}

/** Random numbers from 0 to 1, the same ones for the same seed. */
export function randomFrom(seed: number): () => number {
    let state = seed;
    return () => {
        state = (state * 1_664_525 + 1_013_904_223) % 2 ** 32;
        return state / 2 ** 32;
    };
}

/** Asserts that the cluster has what the state has, and nothing else that Pulumi made; returns how many objects that are. */
export async function assertNothingOrphaned(name: Environment): Promise<number> {
    const state = await stateObjects(name);
    const cluster = await clusterObjects();
    const orphans = [...cluster]
        .filter(([object, byPulumi]) => byPulumi && !state.has(object))
        .map(([object]) => object);
    const missing = [...state].filter((object) => !cluster.has(object));
    assert.deepEqual({ orphans, missing }, { orphans: [], missing: [] });
    return state.size;
}

/** The objects that the stack's state has, as kind and ID. */
async function stateObjects(name: Environment): Promise<ReadonlySet<string>> {
    const exported = JSON.parse(await run(["pulumi", "stack", "export"], { cwd: PROJECT, env: environment(name) })) as {
        readonly deployment: { readonly resources?: readonly { readonly type: string; readonly id?: string }[] };
    };
    const objects = (exported.deployment.resources ?? []).flatMap(({ type, id = "" }) => {
        const kind = OBJECT.exec(type)?.[1];
        return kind === undefined ? [] : [`${kind} ${id}`];
    });
    return new Set(objects);
}

/** All objects of the cluster, as kind and ID, and whether Pulumi's provider made them. */
async function clusterObjects(): Promise<ReadonlyMap<string, boolean>> {
    const kinds = (await kubectl("api-resources", "--verbs=list", "-o", "name")).trim().split("\n");
    const wanted = kinds.filter((kind) => !/^(events|componentstatuses)/.test(kind)).join(",");
    const listed = JSON.parse(
        await kubectl("get", wanted, "--all-namespaces", "--show-managed-fields", "-o", "json"),
    ) as {
        readonly items: readonly {
            readonly kind: string;
            readonly metadata: {
                readonly name: string;
                readonly namespace?: string;
                readonly ownerReferences?: readonly unknown[];
                readonly managedFields?: readonly { readonly manager?: string }[];
            };
        }[];
    };
    return new Map(
        listed.items.map(({ kind, metadata: { name: object, namespace, ownerReferences, managedFields = [] } }) => [
            `${kind} ${namespace === undefined ? "" : `${namespace}/`}${object}`,
            ownerReferences === undefined && managedFields.some(({ manager }) => MANAGER.test(manager ?? "")),
        ]),
    );
}
