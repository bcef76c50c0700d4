import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { PodDefaults } from "./pods";

/** What a namespace admits, by the PodSecurity standards. */
export type PodSecurityLevel = "restricted" | "baseline" | "privileged";

/** A namespace for pods. */
export interface PodNamespaceArgs {
    /** Name of the namespace. */
    readonly name: pulumi.Input<string>;
    /** The strictest level that its pods satisfy, whatever the cluster's default is. */
    readonly level: pulumi.Input<PodSecurityLevel>;
    /** What its pods have in common. */
    readonly pods: PodDefaults;
}

/**
 * Makes a namespace, and in it the Secret with which kubelet pulls images.
 * @returns the namespace's name, which resolves when pods can run in it
 */
export function podNamespace(
    name: string,
    args: PodNamespaceArgs,
    opts: pulumi.CustomResourceOptions,
): pulumi.Output<string> {
    const labels = Object.fromEntries(
        ["enforce", "audit", "warn"].map((mode) => [`pod-security.kubernetes.io/${mode}`, args.level]),
    );
    const namespace = new k8s.core.v1.Namespace(name, { metadata: { name: args.name, labels } }, opts).metadata.name;
    const secret = pullSecret(name, args.pods, namespace, opts);
    return secret === undefined ? namespace : pulumi.all([namespace, secret.urn]).apply(([made]) => made);
}

/** The Secret with which kubelet pulls images; undefined where registries ask for no login. */
function pullSecret(
    name: string,
    { pullSecret }: PodDefaults,
    namespace: pulumi.Input<string>,
    opts: pulumi.CustomResourceOptions,
): k8s.core.v1.Secret | undefined {
    if (pullSecret === undefined) {
        return undefined;
    }
    const configuration = pulumi.all(pullSecret.logins).apply((logins) =>
        JSON.stringify({
            auths: Object.fromEntries(
                Object.entries(logins).map(([registry, { username, password }]) => [
                    // Docker Hub's key is older than its name.
                    registry === "docker.io" ? "https://index.docker.io/v1/" : registry,
                    { username, password, auth: Buffer.from(`${username}:${password}`).toString("base64") },
                ]),
            ),
        }),
    );
    return new k8s.core.v1.Secret(
        `${name}-pull-secret`,
        {
            metadata: { name: pullSecret.name, namespace },
            type: "kubernetes.io/dockerconfigjson",
            stringData: { ".dockerconfigjson": pulumi.secret(configuration) },
        },
        opts,
    );
}
