import * as pulumi from "@pulumi/pulumi";

/** What every stack returns: the contract for other stacks. */
export interface StackOutputs {
    /** URL of the API server for clients outside the cluster (string), such as https://10.1.2.3:60443. */
    readonly apiServerUrl: pulumi.Output<string>;
    /** Host in that URL (string): an IP address, without brackets, or a DNS name. */
    readonly apiServerHost: pulumi.Output<string>;
    /** TCP port in that URL (number). */
    readonly apiServerPort: number;
    /** CA certificate that verifies the URL (string, PEM), in a rotation the old and the new one; public. */
    readonly caCertificate: pulumi.Output<string>;
    /** Class of the internal ingress controller (string); empty where there is no controller. */
    readonly ingressClassName: pulumi.Output<string>;
    /** Name of InterLink's virtual node (string), for nodeSelectors; of several, the first of interlinkNodeNames. */
    readonly interlinkNodeName: pulumi.Output<string>;
    /** Names of all virtual nodes (list of strings), in the order of their sites' names. */
    readonly interlinkNodeNames: pulumi.Output<string[]>;
    /** Namespace of the controller, the proxy and the Ingress (string); empty where somebody else provides the way in. */
    readonly namespace: pulumi.Output<string>;
    /**
     * How long the token lives that InterLink hands to a job, in seconds (number), from the pod's start on the virtual node: the
     * API server may shorten it. 0 where it could not be measured.
     */
    readonly tokenLifetimeSeconds: pulumi.Output<number>;
    /**
     * kubeconfig that leads to the URL (string, YAML). With the setting kubeconfigFor it holds a token of that service account for a
     * day, is a secret, and is empty where no token could be had; without, it is for jobs: it names the file in which each has its
     * token, and is no secret.
     */
    readonly kubeconfig: pulumi.Output<string>;
    /** Values for InterLink's chart, where it is deployed by other means: what jobs need of it (string, YAML); no secret. */
    readonly interlinkValues: pulumi.Output<string>;
    /** All that in a few lines, with what to do next (string, YAML), for people to read; no secret. */
    readonly summary: pulumi.Output<string>;
}

/** What a stack knows when the cluster was asked. */
export type CheckedOutputs = Omit<StackOutputs, "summary">;

/** What a stack knows before the cluster was asked. */
export type DeployedOutputs = Omit<CheckedOutputs, "tokenLifetimeSeconds" | "kubeconfig">;

/** The pods that clients outside the cluster reach. */
export interface FrontPods {
    /** Their labels. */
    readonly labels: Readonly<Record<string, string>>;
    /** Their port that speaks HTTPS. */
    readonly port: number;
    /** Whom they let in: all, those with a token, or jobs alone. */
    readonly admit: "all" | "tokens" | "jobs";
}
