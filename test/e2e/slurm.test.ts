import assert from "node:assert/strict";
import { existsSync, renameSync } from "node:fs";
import { join } from "node:path";
import { applyManifest, attemptKubectl, kubectl } from "../../local/cluster/kubectl";
import { ensureHpc } from "../../local/hpc/hpc";
import { Container } from "../../local/hpc/job";
import { ENVIRONMENT, FOLDER, PODMAN, slurm } from "../../local/hpc/slurm";
import { HPC } from "../../local/machine/layout";
import { stop } from "../../local/machine/processes";
import { run, until } from "../../local/machine/shell";
import { outputs } from "../../local/stacks/pulumi";
import { make } from "./support";

/** What is read of a pod. */
interface Pod {
    readonly metadata: { readonly uid: string; readonly annotations?: { readonly JobID?: string } };
    readonly status: {
        readonly phase?: string;
        readonly containerStatuses?: readonly {
            readonly state: {
                readonly waiting?: { readonly reason?: string; readonly message?: string };
                readonly running?: object;
                readonly terminated?: { readonly exitCode: number; readonly message?: string };
            };
        }[];
    };
}

const NAMESPACE = "slurm-test";
/** One of the cluster's images, with a shell. */
const IMAGE = "docker.io/nginxinc/nginx-unprivileged:1.22.1";
const KEY = join(FOLDER, "munge", "key");
/** All of the node's. */
const ALL_CPUS = { limits: { cpu: "16" } };

let nodeName = "";

/** Pods by their names, on the virtual node; each runs a script. Bound to the node here: its capacity is for the scheduler. */
async function create(scripts: Readonly<Record<string, string>>, more: Partial<Container> = {}): Promise<void> {
    const items = Object.entries(scripts).map(([name, script]) => ({
        apiVersion: "v1",
        kind: "Pod",
        metadata: { name, namespace: NAMESPACE },
        spec: {
            nodeName,
            restartPolicy: "Never",
            tolerations: [{ operator: "Exists" }],
            containers: [{ name: "main", image: IMAGE, command: ["sh", "-c", script], ...more }],
        },
    }));
    await applyManifest(JSON.stringify({ apiVersion: "v1", kind: "List", items }));
}

async function get(name: string): Promise<Pod> {
    return JSON.parse(await kubectl("get", "pod", name, "--namespace", NAMESPACE, "-o", "json")) as Pod;
}

function logs(name: string): Promise<string> {
    return kubectl("logs", name, "--namespace", NAMESPACE);
}

/** Waits until a pod is as wanted, and returns it. */
async function pod(name: string, what: string, seconds: number, wanted: (found: Pod) => boolean): Promise<Pod> {
    let found = await get(name);
    const ready = async () => wanted((found = await get(name)));
    await until(`pod ${name}, ${what}`, seconds, ready, () => JSON.stringify(found.status));
    return found;
}

function ended(name: string, phase: "Succeeded" | "Failed", seconds = 90): Promise<Pod> {
    return pod(name, phase, seconds, ({ status }) => {
        assert.ok(status.phase !== (phase === "Failed" ? "Succeeded" : "Failed"), JSON.stringify(status));
        return status.phase === phase;
    });
}

/** Waits until a pod's container runs in its job: this virtual kubelet says running somewhat early. */
async function running(name: string): Promise<Pod> {
    const found = await pod(name, "running", 60, (one) => stateOf(one)?.running !== undefined && jobOf(one) !== "");
    await until("the job's container", 60, async () => (await containersOf(jobOf(found))).trim() !== "");
    return found;
}

/** Waits until a pod is in Slurm's queue for a reason. This virtual kubelet says Running of such a pod, later ones Pending. */
async function queued(name: string, reason: RegExp): Promise<void> {
    await pod(name, `waiting for ${reason}`, 60, (found) => reason.test(stateOf(found)?.waiting?.message ?? ""));
    assert.equal(stateOf(await get(name))?.waiting?.reason, "SlurmPending");
}

function stateOf({ status }: Pod) {
    return status.containerStatuses?.[0]?.state;
}

function jobOf({ metadata }: Pod): string {
    return metadata.annotations?.JobID ?? "";
}

async function jobState(id: string): Promise<string> {
    return (await slurm("squeue", "--noheader", "--states=all", `--jobs=${id}`, "--format=%T")).trim();
}

function containersOf(id: string): Promise<string> {
    const command = [...PODMAN, "ps", "--all", "--quiet", "--filter", `label=slurm-job=${id}`];
    return run(command, { netns: HPC, env: ENVIRONMENT });
}

/** Pods as Slurm's jobs; each step leaves Slurm as it was. */
describe("Slurm on the HPC side", () => {
    before(async () => {
        await make("up");
        nodeName = (await outputs("dev")).interlinkNodeName;
        await kubectl("create", "namespace", NAMESPACE);
        const account = ["get", "serviceaccount", "default", "--namespace", NAMESPACE];
        await until("the service account", 30, async () => (await attemptKubectl(...account)).status === 0);
    });

    afterEach(async () => {
        await ensureHpc();
        await kubectl("delete", "pods", "--all", "--namespace", NAMESPACE, "--wait", "--timeout=120s");
    });

    after(async () => {
        await make("down");
    });

    it("ran the guide's Job", async () => {
        const id = await kubectl(
            "get",
            "pods",
            "-l",
            "app=helloworld",
            "-o",
            "jsonpath={.items[0].metadata.annotations.JobID}",
        );
        assert.match(
            await slurm("scontrol", "show", "job", id),
            /JobName=default\/helloworld-\w+\n[^]*JobState=COMPLETED/,
        );
        assert.equal(await jobState(id), "COMPLETED");
    });

    it("starts a pod within ten seconds", async () => {
        const start = Date.now();
        await create({ start: "date +%s%3N" });
        await ended("start", "Succeeded");
        const seconds = (Number(await logs("start")) - start) / 1000;
        console.log(
            `      a pod's start through Slurm, from its creation to its first output: ${seconds.toFixed(1)} s`,
        );
        assert.ok(seconds > 0 && seconds <= 10, `${seconds} s`);
    });

    it("a failing job fails its pod, with its exit code and its output", async () => {
        await create({ failing: "echo out; echo err >&2; exit 3" });
        const found = await ended("failing", "Failed");
        assert.equal(stateOf(found)?.terminated?.exitCode, 3);
        assert.deepEqual((await logs("failing")).trim().split("\n").sort(), ["err", "out"]);
        assert.equal(await jobState(jobOf(found)), "FAILED");
    });

    it("an image that is not there fails its pod, and the pod says so", async () => {
        await create({ imageless: "true" }, { image: "docker.io/site/nothing:1" });
        const terminated = stateOf(await ended("imageless", "Failed"))?.terminated;
        assert.equal(terminated?.exitCode, 128);
        assert.match(terminated.message ?? "", /site\/nothing.*manifest unknown/);
    });

    it("a pod's end cancels its job, and its containers are gone", async () => {
        await create({ deleted: "sleep 600" });
        const found = await running("deleted");
        const id = jobOf(found);
        await kubectl("delete", "pod", "deleted", "--namespace", NAMESPACE, "--wait");
        await until("the job's end", 30, async () => (await jobState(id)) === "CANCELLED");
        assert.equal((await containersOf(id)).trim(), "");
        const folder = join(FOLDER, "pods", found.metadata.uid);
        await until("the end of the job's folder", 30, () => Promise.resolve(!existsSync(folder)));
    });

    it("a pod waits while the node is drained, and says why", async () => {
        await slurm("scontrol", "update", "NodeName=hpc", "State=DRAIN", "Reason=maintenance");
        try {
            await create({ drained: "echo ran" });
            await queued("drained", /DRAINED/);
        } finally {
            await slurm("scontrol", "update", "NodeName=hpc", "State=RESUME");
        }
        await ended("drained", "Succeeded");
    });

    it("a pod waits while the queue is full, and then runs", async () => {
        await create({ first: "sleep 20" }, { resources: ALL_CPUS });
        await running("first");
        await create({ second: "echo ran" }, { resources: ALL_CPUS });
        await queued("second", /Resources|Priority/);
        await ended("second", "Succeeded");
        await ended("first", "Succeeded");
    });

    it("fifty pods at once all end", async () => {
        const start = Date.now();
        const names = Array.from({ length: 50 }, (_, index) => `many-${index}`);
        await create(Object.fromEntries(names.map((name) => [name, "sleep 10; echo hello"])));
        const phases = ["get", "pods", "--namespace", NAMESPACE, "-o", "jsonpath={.items[*].status.phase}"];
        let seen: string[] = [];
        await until(
            "the end of fifty pods",
            300,
            async () => (seen = (await kubectl(...phases)).split(" ")).every((phase) => phase === "Succeeded"),
            () => seen.join(" "),
        );
        console.log(`      fifty pods: ${Math.round((Date.now() - start) / 1000)} s`);
    });

    it("restarts of the plugin, of Slurm and of InterLink lose no running job", async () => {
        await create({ staying: "for i in $(seq 30); do echo $i; sleep 1; done; exit 5" });
        const id = jobOf(await running("staying"));
        for (const name of ["interlink-api", "plugin", "slurmd", "slurmctld", "munged"]) {
            await stop(name);
        }
        await ensureHpc();
        assert.equal(await jobState(id), "RUNNING");
        assert.equal(stateOf(await ended("staying", "Failed"))?.terminated?.exitCode, 5);
        const numbers = Array.from({ length: 30 }, (_, index) => String(index + 1));
        assert.deepEqual((await logs("staying")).trim().split("\n"), numbers);
    });

    it("a pod that slurmctld cannot take fails, and says so", async () => {
        await stop("slurmctld");
        await create({ refused: "true" });
        const message = stateOf(await ended("refused", "Failed"))?.terminated?.message ?? "";
        assert.match(message, /^sbatch: slurmctld does not answer; see .*slurmctld\.log/);
    });

    it("munge's key is not replaced when it is gone, and what needs it says so", async () => {
        await stop("munged");
        renameSync(KEY, `${KEY}.away`);
        try {
            await assert.rejects(ensureHpc, new RegExp(`${KEY}: munge's key is gone; put it back`));
            await create({ keyless: "true" });
            const message = stateOf(await ended("keyless", "Failed"))?.terminated?.message ?? "";
            assert.match(message, new RegExp(`^sbatch: munged does not answer; .* its key ${KEY}`));
        } finally {
            renameSync(`${KEY}.away`, KEY);
        }
    });
});
