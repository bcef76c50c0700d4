import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { kubeconfigOf } from "../../components/parts/kubeconfig";
import { createAccount } from "./account";

/** What the service account may do: run workflows and pods, follow them, and be the account of either. */
const RULES: k8s.types.input.rbac.v1.PolicyRule[] = [
    // Argo's executor reports here what a step put out; from Argo 3.4 on it needs nothing else.
    { apiGroups: ["argoproj.io"], resources: ["workflowtaskresults"], verbs: ["create", "patch"] },
    { apiGroups: ["argoproj.io"], resources: ["workflows"], verbs: ["create", "get", "list", "watch", "delete"] },
    { apiGroups: [""], resources: ["pods"], verbs: ["create", "get", "list", "watch", "delete"] },
    { apiGroups: [""], resources: ["pods/log"], verbs: ["get"] },
    // A client that speaks WebSocket asks with GET, one that speaks SPDY with POST.
    { apiGroups: [""], resources: ["pods/exec"], verbs: ["create", "get"] },
];

/** Arguments of WorkflowAccess. */
export interface WorkflowAccessArgs {
    /** Namespace of the workflows; made by the component. */
    readonly namespace: string;
    /** Name of the workflows' service account; made by the component. */
    readonly serviceAccount: string;
    /** URL of the API server for clients outside the cluster. */
    readonly apiServerUrl: pulumi.Input<string>;
    /** CA certificate that verifies the URL, PEM. */
    readonly caCertificate: pulumi.Input<string>;
}

/** A namespace for Argo's workflows, with a service account that may run them and a kubeconfig for outside. */
export class WorkflowAccess extends pulumi.ComponentResource {
    /** Namespace of the workflows; resolves when it exists. */
    readonly namespace: pulumi.Output<string>;
    /** Name of the service account; resolves when it exists. */
    readonly serviceAccountName: pulumi.Output<string>;
    /** kubeconfig (YAML) that speaks as the service account, from outside the cluster; a secret. */
    readonly kubeconfig: pulumi.Output<string>;
    /** Name of the Secret that holds the kubeconfig, under the key `config`. */
    readonly kubeconfigSecretName: pulumi.Output<string>;

    constructor(name: string, args: WorkflowAccessArgs, opts?: pulumi.ComponentResourceOptions) {
        super("interlink-kube-api-argo:index:WorkflowAccess", name, args, opts);
        const namespace = new k8s.core.v1.Namespace(
            `${name}-namespace`,
            {
                metadata: {
                    name: args.namespace,
                    // Images of workflows may run as root.
                    labels: { "pod-security.kubernetes.io/enforce": "baseline" },
                },
            },
            { parent: this },
        );
        const metadata = { name: args.serviceAccount, namespace: namespace.metadata.name };

        const serviceAccountName = createAccount(name, { ...metadata, rules: RULES }, this);

        // Kubernetes fills in a token without end. It deletes a token whose service account does not exist: the annotation makes
        // Pulumi create the account first.
        const token = new k8s.core.v1.Secret(
            `${name}-token`,
            {
                metadata: {
                    // Pulumi makes up a name, and another one for another token: under the same name Kubernetes would sign the
                    // same token again.
                    namespace: metadata.namespace,
                    annotations: {
                        "kubernetes.io/service-account.name": serviceAccountName,
                        // Of itself Pulumi waits for 5 seconds, which a busy control plane may exceed.
                        "pulumi.com/waitFor": "jsonpath={.data.token}",
                    },
                },
                type: "kubernetes.io/service-account-token",
            },
            { parent: this },
        );
        const kubeconfig = pulumi.secret(
            pulumi
                .output({
                    server: args.apiServerUrl,
                    caCertificate: args.caCertificate,
                    namespace: namespace.metadata.name,
                    user: serviceAccountName,
                    credentials: { token: token.data.apply(tokenOf) },
                })
                .apply(kubeconfigOf),
        );
        const secret = new k8s.core.v1.Secret(
            `${name}-kubeconfig`,
            {
                metadata: { ...metadata, name: `${args.serviceAccount}-kubeconfig` },
                stringData: { config: kubeconfig },
            },
            { parent: this },
        );

        this.namespace = namespace.metadata.name;
        this.serviceAccountName = serviceAccountName;
        this.kubeconfig = kubeconfig;
        this.kubeconfigSecretName = secret.metadata.name;
        this.registerOutputs({
            namespace: this.namespace,
            serviceAccountName: this.serviceAccountName,
            kubeconfig: this.kubeconfig,
            kubeconfigSecretName: this.kubeconfigSecretName,
        });
    }
}

/** The token in the data of its Secret. */
function tokenOf(data: Record<string, string>): string {
    return Buffer.from(data.token ?? "", "base64").toString("utf8");
}
