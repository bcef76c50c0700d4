import { dirname } from "node:path";
import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { RESTRICTED_CONTAINER, UserIds } from "../parts/pods";

/** Port of the metrics of requests, for Prometheus alone; those of connections are at the health port. */
export const METRICS_PORT = 8082;
/** File of the proxy's ConfigMap with what mtail does. */
export const METRICS_PROGRAM = "requests.mtail";
/** File to which nginx writes a line for each request, for what counts them. */
export const REQUEST_LOG = "/tmp/requests.log";

/** Where the metrics come from, and who is told of them. */
export interface Metrics {
    /** Image of mtail, which counts nginx's requests; nginx itself counts connections alone. */
    readonly image: pulumi.Input<string>;
    /** Whether the Prometheus operator is told by a PodMonitor. */
    readonly podMonitor: boolean;
}

/** A line for each request: its status, and when the API server's answer began, "-" where nginx answered by itself. */
export function requestLog(): string {
    return `
    log_format request '$status $upstream_header_time';
    access_log ${REQUEST_LOG} request buffer=64k flush=1s;
`;
}

/** The answer with the metrics of connections, which nginx knows by variables. */
export function connectionMetrics(maxConnections: number): string {
    const metrics = [
        ["active", "open connections of clients, silent ones among them"],
        ["reading", "connections on which a request is read"],
        ["writing", "requests that are open: watches, logs and exec among them"],
        ["waiting", "connections that wait for a request"],
    ];
    const gauge = (name: string, help: string, value: string) =>
        `# HELP ${name} ${help}\\n# TYPE ${name} gauge\\n${name} ${value}\\n`;
    const text = metrics.map(([name = "", help = ""]) =>
        gauge(`nginx_connections_${name}`, `Number of ${help}.`, `$connections_${name}`),
    );
    const max = gauge(
        "nginx_connections_max",
        "Number of connections that the pod may have, those to the API server among them.",
        String(maxConnections),
    );
    return `        location = /metrics {
            default_type "text/plain; version=0.0.4";
            return 200 "${[...text, max].join("")}";
        }

`;
}

/** What mtail does: it counts requests by status and by who answered, and measures how long the API server took to begin. */
export function requestMetrics(): string {
    return `counter nginx_api_proxy_requests_total by status, answered_by
histogram nginx_api_proxy_header_seconds buckets 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60

# After a failed try at one address, the time at the next one follows.
/^(?P<status>\\d{3}) (?:.*[ ,])?(?P<seconds>\\d+\\.\\d+)$/ {
  nginx_api_proxy_requests_total[$status]["api-server"]++
  nginx_api_proxy_header_seconds = $seconds
}
/^(?P<status>\\d{3}) (?:.*[ ,])?-$/ {
  nginx_api_proxy_requests_total[$status]["proxy"]++
}
`;
}

/** The container that counts requests, beside nginx. */
export function requestCounter(
    image: pulumi.Input<string>,
    directory: string,
    user: UserIds,
): k8s.types.input.core.v1.Container {
    return {
        name: "metrics",
        image,
        command: [
            "/usr/bin/mtail",
            "--logtostderr",
            `--progs=${directory}/${METRICS_PROGRAM}`,
            `--logs=${REQUEST_LOG}`,
            // To both address families.
            "--address=",
            `--port=${METRICS_PORT}`,
            "--emit_prog_label=false",
        ],
        ports: [{ name: "metrics", containerPort: METRICS_PORT }],
        resources: { requests: { cpu: "10m", memory: "32Mi" }, limits: { cpu: "500m", memory: "128Mi" } },
        securityContext: { ...RESTRICTED_CONTAINER, ...user, readOnlyRootFilesystem: true },
        volumeMounts: [
            { name: "configuration", mountPath: directory, readOnly: true },
            { name: "tmp", mountPath: dirname(REQUEST_LOG), readOnly: true },
        ],
    };
}
