import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { stringify } from "yaml";
import { KUBECONFIG, PROJECT } from "../../local/machine/layout";
import { ensure, logTail, stop } from "../../local/machine/processes";
import { attempt, run, until } from "../../local/machine/shell";
import { program } from "../../local/toolchain/tools";

const [TUNNEL, PROMETHEUS] = ["127.0.0.1:18001", "127.0.0.1:19090"];
const NAMES = ["prometheus", "prometheus-tunnel"];

/** A sample of an instant query. */
export interface Sample {
    readonly metric: Readonly<Record<string, string>>;
    readonly value: readonly [time: number, value: string];
}

/**
 * Debian's Prometheus on this machine, with our alerts. It finds pods of some namespaces by ports' names, and reads them through
 * the API server, by kubectl: no port of theirs is opened for it.
 */
export async function startPrometheus(namespaces: readonly string[]): Promise<void> {
    const folder = mkdtempSync(join(tmpdir(), "interlink-prometheus-"));
    const configuration = join(folder, "prometheus.yaml");
    writeFileSync(configuration, stringify(configurationOf(namespaces)));
    const address = TUNNEL.split(":");
    ensure({
        name: "prometheus-tunnel",
        command: [program("kubernetes", "kubectl"), "proxy", "--address", address[0] ?? "", "--port", address[1] ?? ""],
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

/** The configuration: the way by which docs/monitoring.md finds pods, and the one through the API server. */
function configurationOf(names: readonly string[]): object {
    const label = (name: string) => `__meta_kubernetes_${name}`;
    const pod = [label("namespace"), label("pod_name"), label("pod_container_port_number")];
    return {
        global: { scrape_interval: "5s", evaluation_interval: "5s" },
        rule_files: [join(PROJECT, "monitoring", "alerts.yaml")],
        scrape_configs: [
            {
                job_name: "interlink-kube-api",
                kubernetes_sd_configs: [{ role: "pod", api_server: `http://${TUNNEL}`, namespaces: { names } }],
                relabel_configs: [
                    {
                        source_labels: [label("pod_container_port_name")],
                        regex: "health|metrics|http-metrics",
                        action: "keep",
                    },
                    { source_labels: [label("namespace")], target_label: "namespace" },
                    { source_labels: [label("pod_name")], target_label: "pod" },
                    {
                        source_labels: pod,
                        separator: "/",
                        regex: "(.+)/(.+)/(.+)",
                        replacement: "/api/v1/namespaces/$1/pods/$2:$3/proxy/metrics",
                        target_label: "__metrics_path__",
                    },
                    { source_labels: pod, separator: "/", target_label: "instance" },
                    { replacement: TUNNEL, target_label: "__address__" },
                ],
            },
        ],
    };
}
