import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { applyManifest, kubectl } from "../../../local/cluster/kubectl";
import { PROJECT } from "../../../local/machine/layout";
import { run, until } from "../../../local/machine/shell";
import { outputs } from "../../../local/stacks/pulumi";
import { ensurePackages } from "../../../local/toolchain/debian";
import { NAMES } from "../../../stacks/compose";
import { cluster } from "../../trust/cluster";
import { query, startPrometheus, stopPrometheus, watchPods } from "../../trust/prometheus";
import { metricsOf, QUERIES } from "../../unit/support/queries";
import { hpcCurl, inSteps, upWith } from "../support";

const LIMITS = { requestsPerSecond: 20, burst: 50, connections: 30 };
/** The namespace of the clients; that of examples/priority.yaml. */
const NAMESPACE = "jobs";
/** Longer than a Prometheus takes a series for there that is no more, and the alert waits. */
const ALERT_SECONDS = 480;

/** Who looks after the way in is told what goes on, and one client does not take it from the others. */
describe("a door", () => {
    before(() => ensurePackages({ prometheus: "/usr/bin/promtool" }));
    after(stopPrometheus);

    inSteps("that is watched", {
        "`make up`": () => cluster(),
        "promtool takes the alerts, and each fires when it has to": async () => {
            const rules = join(PROJECT, "monitoring", "alerts.yaml");
            const checked = await run(["promtool", "check", "rules", rules]);
            await run(["promtool", "test", "rules", join(PROJECT, "test", "trust", "alerts.yaml")]);
            return /SUCCESS: (.*)/.exec(checked)?.[1] ?? "";
        },
        "`pulumi up` with `metrics` and `limits`": async () => {
            await upWith("dev", { metrics: { enabled: true }, limits: LIMITS });
            await kubectl("create", "namespace", NAMESPACE);
            const grant = ["--clusterrole=view", `--serviceaccount=${NAMESPACE}:one`, "--namespace", NAMESPACE];
            await kubectl("create", "rolebinding", "view", ...grant);
            for (const name of ["one", "another"]) {
                await kubectl("create", "serviceaccount", name, "--namespace", NAMESPACE);
            }
            return "the Job's table";
        },
        "a burst above the limit gets 429 with Retry-After and a Status": async () => {
            const { answers, counts } = await burst(await token("one"), "/version?[1-300]", 20);
            assert.ok((counts["200"] ?? 0) > LIMITS.burst);
            assert.ok((counts["429"] ?? 0) > 0);
            assert.equal((counts["200"] ?? 0) + (counts["429"] ?? 0), 300);
            assert.match(answers, /^Retry-After: 1\r?$/m);
            assert.match(answers, /"kind":"Status".*"reason":"TooManyRequests".*"code":429/);
            return inWords(counts);
        },
        "another client is not held up meanwhile": async () => {
            const tokens = [await token("one"), await token("another")] as const;
            // The first one is at it for as long as the other one.
            const [one, another] = await Promise.all([
                burst(tokens[0], "/version?[1-2000]", 20),
                burst(tokens[1], "/version?[1-40]", 1),
            ]);
            assert.ok((one.counts["429"] ?? 0) > 0);
            assert.deepEqual(another.counts, { "200": 40 });
            return `${inWords(one.counts)}; the other one: ${inWords(another.counts)}`;
        },
        "more open watches than one client may have are refused": async () => {
            const path = `/api/v1/namespaces/${NAMESPACE}/configmaps?watch=1&timeoutSeconds=5&limit=[1-40]`;
            const { counts } = await burst(await token("one"), path, 40);
            assert.deepEqual(counts, { "200": LIMITS.connections, "429": 40 - LIMITS.connections });
            return inWords(counts);
        },
        "Prometheus has a series for every metric of the alerts and the dashboard": async () => {
            await startPrometheus();
            await watchPods(await watched());
            const names = [...new Set(QUERIES.flatMap(metricsOf))].filter((name) => !name.startsWith("traefik_"));
            const found = new Map<string, number>();
            await until(
                "a series of each metric",
                60,
                async () => {
                    for (const name of names) {
                        found.set(name, (await query(name)).length);
                    }
                    return [...found.values()].every((count) => count > 0);
                },
                () => inWords(Object.fromEntries(found)),
            );
            return inWords(Object.fromEntries(found));
        },
        "it counts each request, by its status and by who answered": async () => {
            const sum = async (status: string, by: string) => {
                const labels = `{status="${status}", answered_by="${by}"}`;
                const [sample] = await query(`sum(nginx_api_proxy_requests_total${labels})`);
                return Number(sample?.value[1] ?? 0);
            };
            const before = await Promise.all([sum("200", "api-server"), sum("429", "proxy")]);
            const { counts } = await burst(await token("another"), "/version?[1-300]", 20);
            const expected = [counts["200"] ?? 0, counts["429"] ?? 0];
            let seen: number[] = [];
            await until(
                "the counters",
                30,
                async () => {
                    const now = await Promise.all([sum("200", "api-server"), sum("429", "proxy")]);
                    seen = now.map((value, at) => value - (before[at] ?? 0));
                    return seen.every((value, at) => value >= (expected[at] ?? 0));
                },
                () => `${seen.join(", ")} of ${expected.join(", ")}`,
            );
            // The virtual kubelet and others may ask meanwhile; nobody else is refused.
            assert.equal(seen[1], expected[1]);
            return `${expected[0]} and ${expected[1]}, counted ${seen[0]} and ${seen[1]}`;
        },
        "no alert fires that says that the way in is down": async () => {
            assert.deepEqual(await firing("WayInDown"), []);
            return "none";
        },
        "/readyz of a pod goes through to the API server": async () => {
            const answer = await kubectl("get", "--raw", await podPath("readyz"));
            assert.equal(answer, "ok");
            return answer;
        },
        "metrics and /readyz of the pods are not to be had from outside": async () => {
            const { apiServerHost } = await outputs("dev");
            const statuses = [];
            for (const port of [8081, 8082]) {
                const { status, stdout } = await hpcCurl("dev", `http://${apiServerHost}:${port}/metrics`);
                assert.notEqual(status, 0);
                assert.equal(stdout, "");
                statuses.push(`${port}: curl's status ${status}`);
            }
            return statuses.join(", ");
        },
        "without a proxy an alert fires, and it ends when there is one again": async () => {
            const { namespace } = await outputs("dev");
            const scale = (replicas: number) =>
                kubectl("scale", "deployment", NAMES.proxy, "--namespace", namespace, `--replicas=${replicas}`);
            const wait = async (count: number) => {
                const begun = Date.now();
                await until(
                    `${count} alert WayInDown`,
                    ALERT_SECONDS,
                    async () => (await firing("WayInDown")).length === count,
                );
                return Math.round((Date.now() - begun) / 1000);
            };
            try {
                await scale(0);
                const after = await wait(1);
                await scale(1);
                await kubectl(
                    "rollout",
                    "status",
                    "deployment",
                    NAMES.proxy,
                    "--namespace",
                    namespace,
                    "--timeout=120s",
                );
                await watchPods(await watched());
                return `after ${after} s; gone ${await wait(0)} s after its return`;
            } finally {
                await scale(1);
            }
        },
        "examples/priority.yaml gives jobs' requests a level of their own": async () => {
            await applyManifest(readFileSync(join(PROJECT, "examples", "priority.yaml"), "utf8"));
            const uid = await kubectl("get", "flowschema", "interlink-jobs", "-o", "jsonpath={.metadata.uid}");
            await until("the level", 30, async () => {
                const { answers } = await burst(await token("one"), "/version?[1-1]", 1);
                return answers.toLowerCase().includes(`x-kubernetes-pf-flowschema-uid: ${uid}`);
            });
            await kubectl("delete", "-f", join(PROJECT, "examples", "priority.yaml"));
            await kubectl("delete", "namespace", NAMESPACE);
            return "the answers to a job's token name it";
        },
    });
});

/** What many requests with one token got. */
interface Burst {
    /** Number of answers by their status. */
    readonly counts: Readonly<Record<string, number>>;
    /** The answers, with their headers. */
    readonly answers: string;
}

/** Asks for a path, which has one of curl's ranges, with a token from the HPC side, some requests at a time. */
async function burst(bearer: string, path: string, atOnce: number): Promise<Burst> {
    const folder = mkdtempSync(join(tmpdir(), "interlink-burst-"));
    const file = (name: string) => join(folder, name);
    try {
        writeFileSync(file("token"), `Authorization: Bearer ${bearer}\n`);
        const { apiServerUrl } = await outputs("dev");
        const parallel = [
            "--parallel",
            "--parallel-immediate",
            "--parallel-max",
            String(atOnce),
            "--no-progress-meter",
        ];
        const output = ["-i", "-o", file("answer#1"), "-w", "%{http_code}\\n"];
        const { stdout } = await hpcCurl(
            "dev",
            ...parallel,
            ...output,
            "-H",
            `@${file("token")}`,
            `${apiServerUrl}${path}`,
        );
        const codes = stdout.trim().split("\n");
        const counts: Record<string, number> = {};
        for (const code of codes) {
            counts[code] = (counts[code] ?? 0) + 1;
        }
        const answers = codes.map((_, at) => readFileSync(file(`answer${at + 1}`), "utf8"));
        return { counts, answers: answers.join("\n") };
    } finally {
        rmSync(folder, { recursive: true });
    }
}

function inWords(counts: Readonly<Record<string, number>>): string {
    return Object.entries(counts)
        .map(([what, count]) => `${what}: ${count}`)
        .join(", ");
}

async function token(serviceAccount: string): Promise<string> {
    return (await kubectl("create", "token", serviceAccount, "--namespace", NAMESPACE)).trim();
}

/** The namespaces whose pods have metrics. */
async function watched(): Promise<readonly string[]> {
    return [(await outputs("dev")).namespace, "cert-manager"];
}

/** The alerts of a name that fire. */
function firing(alert: string) {
    return query(`ALERTS{alertname="${alert}", alertstate="firing"}`);
}

/** Path in the API server of what a pod of the proxy has at its health port. */
async function podPath(path: string): Promise<string> {
    const { namespace } = await outputs("dev");
    const selector = `app.kubernetes.io/instance=${NAMES.proxy}`;
    const first = "jsonpath={.items[0].metadata.name}";
    const pod = await kubectl("get", "pods", "--namespace", namespace, "--selector", selector, "-o", first);
    return `/api/v1/namespaces/${namespace}/pods/${pod}:8081/proxy/${path}`;
}
