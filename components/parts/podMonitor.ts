import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";

/** Tells the Prometheus operator to read /metrics of pods with some labels, in their own namespace, at ports by their names. */
export function podMonitor(
    name: string,
    metadata: k8s.types.input.meta.v1.ObjectMeta & { readonly labels: Readonly<Record<string, string>> },
    ports: readonly string[],
    parent: pulumi.Resource,
): void {
    new k8s.apiextensions.CustomResource(
        `${name}-pod-monitor`,
        {
            apiVersion: "monitoring.coreos.com/v1",
            kind: "PodMonitor",
            metadata,
            spec: {
                selector: { matchLabels: metadata.labels },
                podMetricsEndpoints: ports.map((port) => ({ port, path: "/metrics" })),
            },
        },
        { parent },
    );
}
