import { ok } from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { outsideScript } from "../../doctor/script";
import { Environment } from "../stacks/environments";
import { applyManifest, kubectl } from "../cluster/kubectl";
import { slurm } from "../hpc/slurm";
import { HPC, urlHost } from "../machine/layout";
import { Outputs, outputs } from "../stacks/pulumi";
import { attempt, Result, until } from "../machine/shell";
import { template } from "../machine/template";
import { toolPath, version } from "../toolchain/tools";

/** What the checks need: the outputs, a token of default/default, and files with that, two CAs and the HPC side's script. */
type Fixture = Readonly<Record<"ca" | "otherCa" | "tokenFile" | "script" | "token", string> & { outputs: Outputs }>;

/** One thing that must hold; the result says what was seen, a thrown error what was not. */
type Check = (fixture: Fixture) => Promise<string>;

const JOB = "job/helloworld";
const CURL_UNVERIFIED = 60;

const CHECKS: Readonly<Record<string, Check>> = {
    "the doctor's script finds no broken link, from the name to the token's rights": scriptFindsNothing,
    "without the CA, or with another one, the certificate is refused": otherCaFails,
    "plain HTTP gets no answer from the API": plainHttpFails,
    "without a token there are no rights": anonymousIsRefused,
    "the service account's RBAC table is the same as from inside": sameTable,
    "the HPC side reaches no pod, no Service and no API server": nothingElseReached,
    "the guide's Job prints its table": jobPrintsTable,
};

/** Runs all checks of an environment from the HPC side, with nothing but the stack's outputs; says whether all held. */
export async function verify(name: Environment): Promise<boolean> {
    const folder = mkdtempSync(join(tmpdir(), "interlink-verify-"));
    try {
        const fixture = await prepare(name, folder);
        // Side by side, since some wait for a time-out and the Job takes a while.
        const results = await Promise.allSettled(Object.values(CHECKS).map((check) => check(fixture)));
        Object.keys(CHECKS).forEach((what, index) => {
            const result = results[index];
            console.log(
                result?.status === "fulfilled"
                    ? `ok      ${what}: ${result.value}`
                    : `FAILED  ${what}: ${result?.reason instanceof Error ? result.reason.message : String(result?.reason)}`,
            );
        });
        return results.every(({ status }) => status === "fulfilled");
    } finally {
        rmSync(folder, { recursive: true });
    }
}

async function prepare(name: Environment, folder: string): Promise<Fixture> {
    const path = (name: string) => join(folder, name);
    const files = { ca: path("ca"), otherCa: path("other-ca"), tokenFile: path("token"), script: path("check.sh") };
    const found = await outputs(name);
    writeFileSync(files.ca, found.caCertificate);
    writeFileSync(files.otherCa, await kubectl("get", "configmap/kube-root-ca.crt", "-o", "jsonpath={.data.ca\\.crt}"));
    const token = (await kubectl("create", "token", "default", "--namespace", "default")).trim();
    writeFileSync(files.tokenFile, token);
    writeFileSync(files.script, outsideScript(found));
    // A load balancer's address is announced a moment after it is given.
    await until("an answer", 15, async () => (await hpc(["curl", "-skm2", found.apiServerUrl])).status === 0);
    return { ...files, outputs: found, token };
}

async function scriptFindsNothing({ script, tokenFile }: Fixture): Promise<string> {
    const { status, stdout, stderr } = await hpc(["sh", script, "-t", tokenFile, "-w", "1"]);
    ok(status === 0, stdout + stderr);
    return (/^ok +API +.*$/m.exec(stdout)?.[0] ?? "").replace(/ +/g, " ");
}

async function otherCaFails({ outputs, otherCa }: Fixture): Promise<string> {
    for (const option of [[], ["--cacert", otherCa]]) {
        const { status, stderr } = await curl(...option, `${outputs.apiServerUrl}/version`);
        ok(status === CURL_UNVERIFIED, `curl ${option.join(" ")} ended with ${status}: ${stderr.trim()}`);
    }
    return `curl ends with ${CURL_UNVERIFIED}, certificate not verified`;
}

async function plainHttpFails({ outputs }: Fixture): Promise<string> {
    const url = `${outputs.apiServerUrl.replace("https:", "http:")}/version`;
    const result = await curl(url);
    ok(!result.stdout.includes("gitVersion"), `${url} answered ${result.stdout.slice(0, 100)}`);
    return `curl ends with ${result.status}`;
}

async function anonymousIsRefused({ outputs, ca }: Fixture): Promise<string> {
    const url = `${outputs.apiServerUrl}/api/v1/namespaces`;
    const { stdout } = await curl("--cacert", ca, "-o", "/dev/null", "-w", "%{http_code}", url);
    ok(stdout === "401" || stdout === "403", `${url} answered ${stdout}`);
    return `/api/v1/namespaces answers ${stdout}`;
}

async function sameTable({ outputs, ca, token }: Fixture): Promise<string> {
    const command = ["kubectl", "--kubeconfig=/dev/null", `--token=${token}`, "auth", "can-i", "--list"];
    const outside = await hpc([...command, `--server=${outputs.apiServerUrl}`, `--certificate-authority=${ca}`]);
    const inside = await kubectl("auth", "can-i", "--list", "--as=system:serviceaccount:default:default");
    ok(outside.status === 0, outside.stderr.trim());
    ok(sorted(outside.stdout) === sorted(inside), `outside:\n${outside.stdout}\ninside:\n${inside}`);
    return `${outside.stdout.trim().split("\n").length} lines`;
}

async function nothingElseReached(): Promise<string> {
    const host = async (...args: string[]) => urlHost((await kubectl("get", ...args)).trim());
    const service = await host("service", "kubernetes", "-o", "jsonpath={.spec.clusterIP}");
    const pods = ["pods", "--namespace", "kube-system", "-l", "k8s-app=kube-dns"];
    const pod = await host(...pods, "-o", "jsonpath={.items[0].status.podIP}");
    const nodes = ["nodes", "--selector=node-role.kubernetes.io/control-plane"];
    const node = await host(...nodes, "-o", "jsonpath={.items[0].status.addresses[0].address}");
    const targets = [`https://${service}:443`, `http://${pod}:8080/health`, `https://${node}:6443`];
    const curl = ["curl", "-sk", "--max-time", "2", "-o", "/dev/null"];
    for (const [index, { status }] of (await Promise.all(targets.map((target) => hpc([...curl, target])))).entries()) {
        ok(status === 7 || status === 28, `${targets[index]} was reached: curl ended with ${status}`);
    }
    return `no connection to ${targets.join(", ")}`;
}

async function jobPrintsTable({ outputs }: Fixture): Promise<string> {
    const values = { nodeName: outputs.interlinkNodeName, kubectlVersion: version("kubernetes") };
    await kubectl("delete", JOB, "--ignore-not-found", "--wait");
    await applyManifest(template("verify/job.yaml", values));
    const status = ["get", JOB, "-o", "jsonpath={.status.succeeded}/{.status.failed}"];
    let seen = "";
    await until(
        "the end of the Job",
        120,
        async () => /\d/.test((seen = await kubectl(...status))),
        () => `${JOB}: ${seen}`,
    );
    const table = await kubectl("logs", JOB);
    const isTable = table.includes("selfsubjectrulesreviews.authorization.k8s.io");
    ok(seen === "1/" && isTable, `the Job failed:\n${table}`);
    return `it ran as ${await slurmJob()}; kubectl logs ${JOB} says\n\n${table}`;
}

/** What Slurm says of the Job's pod, whose job id InterLink writes to an annotation, and how soon its container started. */
async function slurmJob(): Promise<string> {
    const path =
        "jsonpath={.items[0].metadata.annotations.JobID} {.items[0].metadata.creationTimestamp} {.items[0].status.containerStatuses[0].state.terminated.startedAt}";
    const pod = await kubectl("get", "pods", "--selector=app=helloworld", "-o", path);
    const [id = "", created = "", started = ""] = pod.split(" ");
    const words = (await slurm("scontrol", "--oneliner", "show", "job", id)).split(" ");
    const seconds = (Date.parse(started) - Date.parse(created)) / 1000;
    return `${words.filter((word) => /^(JobId|JobName|JobState|NodeList)=/.test(word)).join(" ")}, started in ${seconds} s`;
}

function curl(...args: string[]): Promise<Result> {
    return hpc(["curl", "-sS", "--max-time", "10", ...args]);
}

/** Runs a command on the HPC side, without any of the cluster's credentials. */
function hpc(command: readonly string[]): Promise<Result> {
    return attempt(command, { netns: HPC, env: { PATH: toolPath(), KUBECONFIG: "" } });
}

function sorted(table: string): string {
    return table.split(/ *\n/).sort().join("\n");
}
