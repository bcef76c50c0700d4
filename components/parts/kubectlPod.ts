import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";

/** A pod that runs kubectl. */
export interface KubectlPodArgs {
    /** Image with kubectl; it needs a shell only where the command does. */
    readonly image: pulumi.Input<string>;
    /** Service account with the rights that the command needs. */
    readonly serviceAccountName: pulumi.Input<string>;
    /** Whether the command is repeated within the pod: never, until it succeeds, or for ever. */
    readonly restartPolicy: "Never" | "OnFailure" | "Always";
    /** Command line. */
    readonly command: pulumi.Input<string>[];
    /** A ConfigMap that the command reads, and the folder where it lies. */
    readonly configMap?: { readonly name: pulumi.Input<string>; readonly mountPath: string };
}

/** The specification of a pod that asks the cluster for something: unprivileged. */
export function kubectlPodSpec(args: KubectlPodArgs): k8s.types.input.core.v1.PodSpec {
    const { configMap } = args;
    return {
        serviceAccountName: args.serviceAccountName,
        restartPolicy: args.restartPolicy,
        securityContext: { runAsNonRoot: true, runAsUser: 65532, seccompProfile: { type: "RuntimeDefault" } },
        containers: [
            {
                name: "kubectl",
                image: args.image,
                command: args.command,
                // What kubectl said of a failure then stands in the pod's status, which Pulumi shows.
                terminationMessagePolicy: "FallbackToLogsOnError",
                resources: { requests: { cpu: "10m", memory: "32Mi" }, limits: { memory: "128Mi" } },
                securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ["ALL"] } },
                volumeMounts: configMap && [{ name: "input", mountPath: configMap.mountPath, readOnly: true }],
            },
        ],
        volumes: configMap && [{ name: "input", configMap: { name: configMap.name } }],
    };
}
