import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Environment } from "../stacks/environments";
import { applyManifest, kubectl } from "../cluster/kubectl";
import { HPC, NET, PROJECT } from "../machine/layout";
import { Outputs, outputs } from "../stacks/pulumi";
import { attempt, Result, run, RunOptions, say, until, UserError } from "../machine/shell";
import { toolPath, version } from "../toolchain/tools";

/** Folder with what the checks need as files: the CA of the outputs, and another one. */
interface Fixture {
    readonly outputs: Outputs;
    readonly ca: string;
    readonly otherCa: string;
    /** A token of the default service account of the default namespace. */
    readonly token: string;
}

/** One thing that must hold; the result says what was seen, a thrown error what was not. */
type Check = (fixture: Fixture) => Promise<string>;

const JOB = "job/helloworld";
const CURL_UNVERIFIED = 60;

const CHECKS: Readonly<Record<string, Check>> = {
    "the certificate verifies with the CA output, for the address": certificateVerifies,
    "without the CA, or with another one, it does not": otherCaFails,
    "plain HTTP gets no answer from the API": plainHttpFails,
    "without a token there are no rights": anonymousIsRefused,
    "the service account's RBAC table is the same as from inside": sameTable,
    "the HPC side reaches no pod, no Service and no API server": nothingElseReached,
    "the guide's Job prints its table": jobPrintsTable,
};

/** Runs all checks of an environment from the HPC side, with nothing but the stack's outputs; says whether all held. */
export async function verify(name: Environment): Promise<boolean> {
    const folder = mkdtempSync(join(tmpdir(), "interlink-verify-"));
    let failed = 0;
    try {
        const fixture = await prepare(name, folder);
        for (const [what, check] of Object.entries(CHECKS)) {
            try {
                say(`ok      ${what}: ${await check(fixture)}`);
            } catch (error) {
                failed += 1;
                say(`FAILED  ${what}: ${error instanceof Error ? error.message : String(error)}`);
            }
        }
    } finally {
        rmSync(folder, { recursive: true });
    }
    return failed === 0;
}

async function prepare(name: Environment, folder: string): Promise<Fixture> {
    const [ca, otherCa] = [join(folder, "ca.crt"), join(folder, "other-ca.crt")];
    const found = await outputs(name);
    writeFileSync(ca, found.caCertificate);
    const subject = ["-subj", "/CN=another CA", "-days", "1", "-nodes", "-keyout", join(folder, "other-ca.key")];
    await run([
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
        ...subject,
        "-out",
        otherCa,
    ]);
    const token = (await kubectl("create", "token", "default", "--namespace", "default")).trim();
    return { outputs: found, ca, otherCa, token };
}

async function certificateVerifies({ outputs, ca }: Fixture): Promise<string> {
    const result = await hpc(["curl", "-sS", "--max-time", "10", "--cacert", ca, `${outputs.apiServerUrl}/version`]);
    const { gitVersion } = JSON.parse(result.status === 0 ? result.stdout : "{}") as { gitVersion?: string };
    expect(gitVersion !== undefined, `${outputs.apiServerUrl}/version: ${result.stderr.trim()}${result.stdout}`);
    return `${outputs.apiServerUrl} is Kubernetes ${gitVersion}`;
}

async function otherCaFails({ outputs, otherCa }: Fixture): Promise<string> {
    for (const option of [[], ["--cacert", otherCa]]) {
        const result = await hpc(["curl", "-sS", "--max-time", "10", ...option, `${outputs.apiServerUrl}/version`]);
        expect(
            result.status === CURL_UNVERIFIED,
            `curl ${option.join(" ")} ended with ${result.status}: ${result.stderr.trim()}`,
        );
    }
    return `curl ends with ${CURL_UNVERIFIED}, certificate not verified`;
}

async function plainHttpFails({ outputs }: Fixture): Promise<string> {
    const url = `http://${outputs.apiServerHost}:${outputs.apiServerPort}/version`;
    const result = await hpc(["curl", "-s", "--max-time", "10", url]);
    expect(!result.stdout.includes("gitVersion"), `${url} answered ${result.stdout.slice(0, 100)}`);
    return `curl ends with ${result.status}`;
}

async function anonymousIsRefused({ outputs, ca }: Fixture): Promise<string> {
    const url = `${outputs.apiServerUrl}/api/v1/namespaces`;
    const options = ["--max-time", "10", "--cacert", ca, "-o", "/dev/null", "-w", "%{http_code}"];
    const { stdout } = await hpc(["curl", "-s", ...options, url]);
    expect(stdout === "401" || stdout === "403", `${url} answered ${stdout}`);
    return `/api/v1/namespaces answers ${stdout}`;
}

async function sameTable({ outputs, ca, token }: Fixture): Promise<string> {
    const command = ["kubectl", "--kubeconfig=/dev/null", `--token=${token}`, "auth", "can-i", "--list"];
    const outside = await hpc([...command, `--server=${outputs.apiServerUrl}`, `--certificate-authority=${ca}`]);
    const inside = await kubectl("auth", "can-i", "--list", "--as=system:serviceaccount:default:default");
    expect(outside.status === 0, outside.stderr.trim());
    expect(sorted(outside.stdout) === sorted(inside), `outside:\n${outside.stdout}\ninside:\n${inside}`);
    return `${outside.stdout.trim().split("\n").length} lines`;
}

async function nothingElseReached(): Promise<string> {
    const service = (await kubectl("get", "service", "kubernetes", "-o", "jsonpath={.spec.clusterIP}")).trim();
    const pods = ["get", "pods", "--namespace", "kube-system", "-l", "k8s-app=kube-dns"];
    const pod = (await kubectl(...pods, "-o", "jsonpath={.items[0].status.podIP}")).trim();
    const targets = [`https://${service}:443`, `http://${pod}:8080/health`, `https://${NET.node}:6443`];
    for (const target of targets) {
        const result = await hpc(["curl", "-sk", "--max-time", "2", "-o", "/dev/null", target]);
        expect(result.status === 7 || result.status === 28, `${target} was reached: curl ended with ${result.status}`);
    }
    return `no connection to ${targets.join(", ")}`;
}

async function jobPrintsTable({ outputs }: Fixture): Promise<string> {
    const manifest = readFileSync(join(PROJECT, "local", "verify", "job.yaml"), "utf8")
        .replaceAll("${NODE_NAME}", outputs.interlinkNodeName)
        .replaceAll("${KUBECTL_VERSION}", version("kubernetes"));
    await kubectl("delete", JOB, "--ignore-not-found", "--wait");
    await applyManifest(manifest);
    const status = ["get", JOB, "-o", "jsonpath={.status.succeeded}/{.status.failed}"];
    let seen = "";
    await until(
        "the end of the Job",
        120,
        async () => /\d/.test((seen = await kubectl(...status))),
        () => `${JOB}: ${seen}`,
    );
    const table = await kubectl("logs", JOB);
    expect(
        seen === "1/" && table.includes("selfsubjectrulesreviews.authorization.k8s.io"),
        `the Job failed:\n${table}`,
    );
    return `kubectl logs ${JOB} says\n\n${table}`;
}

function expect(holds: boolean, otherwise: string): void {
    if (!holds) {
        throw new UserError(otherwise);
    }
}

/** Runs a command on the HPC side, without any of the cluster's credentials. */
function hpc(command: readonly string[]): Promise<Result> {
    const options: RunOptions = { netns: HPC, env: { PATH: toolPath(), KUBECONFIG: "" } };
    return attempt(command, options);
}

function sorted(table: string): string {
    return table
        .split("\n")
        .map((line) => line.trimEnd())
        .sort()
        .join("\n");
}
