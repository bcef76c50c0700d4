import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { PodDefaults, podDefaults, RESTRICTED_CONTAINER, userIds } from "./pods";

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
    /** What it has in common with all other pods. */
    readonly pods: PodDefaults;
}

/** The specification of a pod that asks the cluster for something: unprivileged. */
export function kubectlPodSpec(args: KubectlPodArgs): k8s.types.input.core.v1.PodSpec {
    const { configMap } = args;
    return {
        serviceAccountName: args.serviceAccountName,
        restartPolicy: args.restartPolicy,
        ...podDefaults(args.pods, userIds(args.pods)),
        containers: [
            {
                name: "kubectl",
                image: args.image,
                command: args.command,
                // What kubectl said of a failure then stands in the pod's status, which Pulumi shows.
                terminationMessagePolicy: "FallbackToLogsOnError",
                resources: { requests: { cpu: "10m", memory: "32Mi" }, limits: { cpu: "500m", memory: "128Mi" } },
                securityContext: { ...RESTRICTED_CONTAINER, readOnlyRootFilesystem: true },
                volumeMounts: configMap && [{ name: "input", mountPath: configMap.mountPath, readOnly: true }],
            },
        ],
        volumes: configMap && [{ name: "input", configMap: { name: configMap.name } }],
    };
}
