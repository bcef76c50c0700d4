import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { grantedAccount } from "../parts/grant";
import { kubectlPodSpec } from "../parts/kubectlPod";
import { PodDefaults } from "../parts/pods";

/**
 * Where the virtual kubelet's serving certificate comes from: it signs it itself, or the cluster does, which an API server
 * with --kubelet-certificate-authority wants, as k3s, RKE2, EKS and OpenShift have it.
 */
export const KUBELET_CERTIFICATES = ["self-signed", "signed"] as const;

/** What a cluster calls its signer of kubelets' serving certificates. */
const SIGNER = "kubernetes.io/kubelet-serving";

/** What the approver needs. */
export interface ApproverArgs {
    /** Name of the virtual node, which is the name of the virtual kubelet's service account too. */
    readonly nodeName: pulumi.Input<string>;
    /** Namespace of both. */
    readonly namespace: pulumi.Input<string>;
    /** Image with kubectl and a shell. */
    readonly image: pulumi.Input<string>;
    /** What its pod has in common with all others. */
    readonly pods: PodDefaults;
}

/**
 * Approves what the virtual kubelet asks to be signed: at its start, and again before its certificate ends. Known approvers
 * refuse it, since it asks in the name of its service account and not of a node; so that name is what is looked at here.
 */
export function certificateApprover(name: string, args: ApproverArgs, parent: pulumi.Resource): void {
    const { nodeName, namespace } = args;
    const metadata = { name: pulumi.interpolate`${nodeName}-certificate-approver`, namespace };
    const apiGroups = ["certificates.k8s.io"];
    const { serviceAccountName, binding } = grantedAccount(
        `${name}-approver`,
        {
            metadata,
            scope: "cluster",
            rules: [
                { apiGroups, resources: ["certificatesigningrequests"], verbs: ["get", "list", "watch"] },
                { apiGroups, resources: ["certificatesigningrequests/approval"], verbs: ["update"] },
                { apiGroups, resources: ["signers"], resourceNames: [SIGNER], verbs: ["approve"] },
            ],
        },
        { parent },
    );
    const labels = { "app.kubernetes.io/name": "certificate-approver", "app.kubernetes.io/instance": name };
    new k8s.apps.v1.Deployment(
        `${name}-approver`,
        {
            metadata: { ...metadata, labels },
            spec: {
                replicas: 1,
                selector: { matchLabels: labels },
                template: {
                    metadata: { labels },
                    spec: {
                        ...kubectlPodSpec({
                            image: args.image,
                            serviceAccountName,
                            restartPolicy: "Always",
                            pods: args.pods,
                            command: [
                                "sh",
                                "-c",
                                pulumi.all([namespace, nodeName]).apply(([space, node]) => approverScript(space, node)),
                            ],
                        }),
                        // A shell that is a container's first process takes no signal.
                        terminationGracePeriodSeconds: 1,
                    },
                },
            },
        },
        { parent, dependsOn: [binding] },
    );
}

/** Follows the signing requests, and approves the virtual kubelet's; a watch ends now and then. */
function approverScript(namespace: string, nodeName: string): string {
    const own = `and (eq .spec.username "system:serviceaccount:${namespace}:${nodeName}") (not .status.conditions)`;
    return `while sleep 2; do
    kubectl get certificatesigningrequests --field-selector=spec.signerName=${SIGNER} --watch \\
        -o go-template='{{if ${own}}}{{.metadata.name}}{{"\\n"}}{{end}}' |
        while read -r request; do kubectl certificate approve "$request"; done
done`;
}
