import assert from "node:assert/strict";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { stringify } from "yaml";
import { kubectl } from "../../local/cluster/kubectl";
import { ensureImages } from "../../local/images/images";
import { HPC, PROJECT, REGISTRY } from "../../local/machine/layout";
import { attempt, Result, run, until } from "../../local/machine/shell";
import { settingsPath } from "../../local/stacks/environments";
import { environment, outputs, pulumiDestroy, pulumiUp, Stack } from "../../local/stacks/pulumi";
import { ensureTools, moduleSource, program, version } from "../../local/toolchain/tools";
import { make } from "./support";

/** The parts of a Workflow that are looked at. */
interface Workflow {
    readonly metadata: { readonly name: string };
    readonly status?: {
        readonly phase?: string;
        readonly message?: string;
        readonly nodes?: Readonly<Record<string, WorkflowNode>>;
    };
}

/** A step of a Workflow, or what holds steps. */
interface WorkflowNode {
    readonly type: string;
    readonly hostNodeName?: string;
    readonly outputs?: { readonly parameters?: readonly { readonly name: string; readonly value: string }[] };
}

const NAMESPACE = "workflows";

/** What examples/argo is for, seen from the HPC side with nothing but its kubeconfig. */
describe("workflows on the virtual node", () => {
    let stack: Stack;
    let kubeconfig: string;
    let node: string;

    /** Runs kubectl on the HPC side, whatever its exit status. */
    const outside = (command: readonly string[], input?: string): Promise<Result> =>
        attempt([program("kubernetes", "kubectl"), "--kubeconfig", kubeconfig, ...command], { netns: HPC, input });

    /** Creates what a file of the example says, and returns its name with its kind. */
    const create = async (file: string): Promise<string> => {
        const manifest = readFileSync(join(stack.folder, file), "utf8").replaceAll("${NODE_NAME}", node);
        const { status, stdout, stderr } = await outside(["create", "-f", "-", "-o", "name"], manifest);
        assert.equal(status, 0, stderr);
        return stdout.trim();
    };

    /** Follows an object until it has ended, and returns it. */
    const ended = async <T extends { readonly status?: { readonly phase?: string } }>(name: string): Promise<T> => {
        let seen = "";
        await until(
            `the end of ${name}`,
            300,
            async () => {
                seen = (await outside(["get", name, "-o", "json"])).stdout;
                return /^(Succeeded|Failed|Error)$/.test((JSON.parse(seen || "{}") as T).status?.phase ?? "");
            },
            () => seen,
        );
        return JSON.parse(seen) as T;
    };

    before(async () => {
        await make("up");
        stack = await deployArgo();
        node = (await outputs("dev")).interlinkNodeName;
        const output = ["pulumi", "stack", "output", "kubeconfig", "--show-secrets"];
        kubeconfig = join(dirname(stack.settings), "kubeconfig");
        writeFileSync(kubeconfig, await run(output, { cwd: stack.folder, env: environment(stack.name) }), {
            mode: 0o600,
        });
    });

    it("the stack's service account lists, watches and reads logs, in its namespace alone", async () => {
        const watch = outside(["get", "pods", "--watch", "--output-watch-events", "--request-timeout=15s"]);
        await kubectl(
            ...["run", "hello", "-n", NAMESPACE, `--image=registry.k8s.io/kubectl:${version("kubernetes")}`],
            ...["--restart=Never", "--", "version", "--client"],
        );
        const { stdout } = await watch;
        assert.match(stdout, /^ADDED +hello /m);
        assert.match(stdout, /^MODIFIED +hello +0\/1 +Completed /m);
        assert.match((await outside(["get", "pods"])).stdout, /^hello /m);
        assert.match((await outside(["logs", "hello", "--follow"])).stdout, /Client Version: v/);
        assert.match((await outside(["get", "pods", "--namespace", "kube-system"])).stderr, /Forbidden/);
    });

    it("a workflow of three steps that pass a result on succeeds", async () => {
        const start = Date.now();
        const name = await create("workflow.yaml");
        const { metadata, status } = await ended<Workflow>(name);
        console.log(`      ${name}: ${status?.phase} after ${Math.round((Date.now() - start) / 1000)} s`);
        assert.equal(status?.phase, "Succeeded", `${status?.message}: ${await logs(metadata.name)}`);
        const nodes = status.nodes ?? {};
        const steps = Object.values(nodes).filter(({ type }) => type === "Pod");
        assert.deepEqual(
            steps.map(({ hostNodeName }) => hostNodeName),
            [node, node, node],
        );
        assert.deepEqual(
            nodes[metadata.name]?.outputs?.parameters?.map(({ value }) => value),
            ["84"],
        );
        assert.equal((await outside(["delete", name])).status, 0);
    });

    it("a pod starts another with its own service account, follows it to its end and reads its log", async () => {
        const name = await create("parent.yaml");
        const { status } = await ended<{ readonly status: { readonly phase: string } }>(name);
        const { stdout } = await outside(["logs", name]);
        console.log(stdout.replaceAll(/^/gm, "      "));
        const child = `${name.replace("pod/", "")}-child`;
        assert.equal(status.phase, "Succeeded", stdout);
        assert.match(stdout, new RegExp(`^pod/${child} created\\npod/${child} condition met\\nhello from ${child}\\n`));
        const where = ["get", name, `pod/${child}`, "-o", "jsonpath={.items[*].spec.nodeName}"];
        assert.equal((await outside(where)).stdout, `${node} ${node}`);
        assert.equal((await outside(["delete", name])).status, 0);
        // Its owner's end is its own.
        await until("the child's end", 60, async () => (await outside(["get", `pod/${child}`])).status !== 0);
    });

    it("destroy revokes the token and leaves neither the namespace nor Argo's kinds", async () => {
        await pulumiDestroy(stack);
        // The API server remembers a token for some seconds.
        await until("the end of the token", 30, async () =>
            (await outside(["get", "pods"])).stderr.includes("Unauthorized"),
        );
        const left = await kubectl("get", "namespaces,customresourcedefinitions", "-o", "name");
        assert.doesNotMatch(left, new RegExp(`argoproj\\.io|namespace/${NAMESPACE}$`, "m"));
    });

    /** What the containers of a workflow's pods said. */
    async function logs(workflow: string): Promise<string> {
        const pods = ["--selector", `workflows.argoproj.io/workflow=${workflow}`, "--all-containers", "--prefix"];
        const { stdout, stderr } = await outside(["logs", ...pods, "--tail=20"]);
        return stdout + stderr;
    }
});

/** Deploys the example, with what it needs and `make up` does not bring. */
async function deployArgo(): Promise<Stack> {
    await ensureTools(["argo"]);
    await ensureImages();
    const settings = settingsPath("argo");
    const config = {
        apiStack: "organization/interlink-kube-api/dev",
        namespace: NAMESPACE,
        registry: REGISTRY,
        crds: join(await moduleSource("argo"), "manifests", "base", "crds", "minimal"),
    };
    const entries = Object.entries(config).map(([key, value]) => [`interlink-kube-api-argo:${key}`, value]);
    mkdirSync(dirname(settings), { recursive: true });
    writeFileSync(settings, stringify({ config: Object.fromEntries(entries) as object }));
    const stack = { name: "argo", folder: join(PROJECT, "examples", "argo"), settings };
    await pulumiUp(stack);
    return stack;
}
