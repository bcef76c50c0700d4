import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { stringify } from "yaml";
import { kubectl } from "../../local/cluster/kubectl";
import { KUBECONFIG, PROJECT, STATE } from "../../local/machine/layout";
import { ensure, logTail, stop } from "../../local/machine/processes";
import { attempt, run, until } from "../../local/machine/shell";
import { program } from "../../local/toolchain/tools";

const [TUNNEL, PROMETHEUS] = ["127.0.0.1:18001", "127.0.0.1:19090"];
/** File of what it reads. */
const TARGETS = join(STATE, "prometheus-targets.json");
/** Names of the ports of metrics, cert-manager's among them. */
const PORTS: readonly (string | undefined)[] = ["health", "metrics", "http-metrics"];
const NAMES = ["prometheus", "prometheus-tunnel"];

interface PodList {
    readonly items: readonly {
        readonly metadata: { readonly name: string; readonly deletionTimestamp?: string };
        readonly spec: {
            readonly containers: readonly {
                readonly ports?: readonly { readonly name?: string; readonly containerPort: number }[];
            }[];
        };
    }[];
}

/** A sample of an instant query. */
export interface Sample {
    readonly metric: Readonly<Record<string, string>>;
    readonly value: readonly [time: number, value: string];
}

/** Debian's Prometheus on this machine, with our alerts. */
export async function startPrometheus(): Promise<void> {
    const folder = mkdtempSync(join(tmpdir(), "interlink-prometheus-"));
    const configuration = join(folder, "prometheus.yaml");
    writeFileSync(configuration, stringify(configurationOf(TARGETS)));
    const [address = "", port = ""] = TUNNEL.split(":");
    ensure({
        name: "prometheus-tunnel",
        command: [program("kubernetes", "kubectl"), "proxy", "--address", address, "--port", port],
        env: { KUBECONFIG },
    });
    ensure({
        name: "prometheus",
        command: [
            "prometheus",
            `--config.file=${configuration}`,
            `--storage.tsdb.path=${join(folder, "data")}`,
            `--web.listen-address=${PROMETHEUS}`,
        ],
    });
    const ready = ["curl", "-sf", `http://${PROMETHEUS}/-/ready`];
    await until(
        "Prometheus",
        60,
        async () => (await attempt(ready)).status === 0,
        () => logTail("prometheus"),
    );
}

/** Tells it of the pods that some namespaces have now, at the ports of metrics. */
export async function watchPods(namespaces: readonly string[]): Promise<void> {
    const targets = [];
    for (const namespace of namespaces) {
        const { items } = JSON.parse(await kubectl("get", "pods", "--namespace", namespace, "-o", "json")) as PodList;
        for (const { metadata, spec } of items.filter((pod) => pod.metadata.deletionTimestamp === undefined)) {
            const ports = spec.containers.flatMap((container) => container.ports ?? []);
            for (const { containerPort } of ports.filter(({ name }) => PORTS.includes(name))) {
                const labels = { namespace, pod: metadata.name };
                targets.push({ targets: [`${namespace}/${metadata.name}:${containerPort}`], labels });
            }
        }
    }
    writeFileSync(TARGETS, JSON.stringify(targets));
}

/** Stops it. */
export async function stopPrometheus(): Promise<void> {
    await Promise.all(NAMES.map(stop));
}

/** The samples of an expression now. */
export async function query(expression: string): Promise<readonly Sample[]> {
    const url = `http://${PROMETHEUS}/api/v1/query`;
    const answer = await run(["curl", "-sS", "--get", "--data-urlencode", `query=${expression}`, url]);
    const { status, error, data } = JSON.parse(answer) as {
        readonly status: string;
        readonly error?: string;
        readonly data?: { readonly result: readonly Sample[] };
    };
    if (status !== "success" || data === undefined) {
        throw new Error(`${expression}: ${error}`);
    }
    return data.result;
}

/** The configuration; Debian's Prometheus does not find pods by itself. */
function configurationOf(targets: string): object {
    return {
        global: { scrape_interval: "5s", evaluation_interval: "5s" },
        rule_files: [join(PROJECT, "monitoring", "alerts.yaml")],
        scrape_configs: [
            {
                job_name: "interlink-kube-api",
                file_sd_configs: [{ files: [targets] }],
                relabel_configs: [
                    // Through the API server, by kubectl: no port of the pods is opened for it.
                    {
                        source_labels: ["__address__"],
                        target_label: "__metrics_path__",
                        replacement: "/api/v1/namespaces/$1/pods/$2:$3/proxy/metrics",
                        regex: "(.+)/(.+):(.+)",
                    },
                    { source_labels: ["__address__"], target_label: "instance" },
                    { target_label: "__address__", replacement: TUNNEL },
                ],
            },
        ],
    };
}
