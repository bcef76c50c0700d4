import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { stringify } from "yaml";
import { createAccount } from "./account";

/** Version of Argo Workflows that is installed. */
export const VERSION = "v4.0.5";
/** Where Argo keeps its definitions without the largest schemas: with those they take 11 MB, too much for Pulumi's state. */
const CRDS = `https://raw.githubusercontent.com/argoproj/argo-workflows/${VERSION}/manifests/base/crds/minimal`;
/** The kinds that a controller of one namespace watches. */
const KINDS = [
    "cronworkflows",
    "workflowartifactgctasks",
    "workflows",
    "workflowtaskresults",
    "workflowtasksets",
    "workflowtemplates",
];

/** What the controller may do in the namespace: the role of Argo's own namespace-install. */
const CONTROLLER_RULES: k8s.types.input.rbac.v1.PolicyRule[] = [
    { apiGroups: ["coordination.k8s.io"], resources: ["leases"], verbs: ["create", "get", "update"] },
    {
        apiGroups: [""],
        resources: ["pods", "pods/exec"],
        verbs: ["create", "get", "list", "watch", "update", "patch", "delete"],
    },
    { apiGroups: [""], resources: ["configmaps"], verbs: ["get", "watch", "list"] },
    {
        apiGroups: [""],
        resources: ["persistentvolumeclaims", "persistentvolumeclaims/finalizers"],
        verbs: ["create", "update", "delete", "get"],
    },
    {
        apiGroups: ["argoproj.io"],
        resources: [
            "workflows",
            "workflows/finalizers",
            "workflowtasksets",
            "workflowtasksets/finalizers",
            "workflowartifactgctasks",
        ],
        verbs: ["get", "list", "watch", "update", "patch", "delete", "create"],
    },
    {
        apiGroups: ["argoproj.io"],
        resources: ["workflowtemplates", "workflowtemplates/finalizers"],
        verbs: ["get", "list", "watch"],
    },
    { apiGroups: ["argoproj.io"], resources: ["workflowtaskresults"], verbs: ["list", "watch", "deletecollection"] },
    { apiGroups: [""], resources: ["serviceaccounts"], verbs: ["get", "list"] },
    { apiGroups: [""], resources: ["secrets"], verbs: ["get"] },
    {
        apiGroups: ["argoproj.io"],
        resources: ["cronworkflows", "cronworkflows/finalizers"],
        verbs: ["get", "list", "watch", "update", "patch", "delete"],
    },
    { apiGroups: [""], resources: ["events"], verbs: ["create", "patch"] },
    { apiGroups: ["policy"], resources: ["poddisruptionbudgets"], verbs: ["create", "get", "delete"] },
];

/** What a step's pod may do unless the workflow names another service account: report what the step put out. */
const EXECUTOR_RULES: k8s.types.input.rbac.v1.PolicyRule[] = [
    { apiGroups: ["argoproj.io"], resources: ["workflowtaskresults"], verbs: ["create", "patch"] },
];

/** Of each container, unless the workflow says otherwise: InterLink's Slurm plugin asks for 1 MB where there is no limit. */
const RESOURCES = { requests: { cpu: "100m", memory: "64Mi" }, limits: { cpu: "1", memory: "512Mi" } };

/** Arguments of WorkflowController. */
export interface WorkflowControllerArgs {
    /** Namespace of the controller and of the workflows that it runs. */
    readonly namespace: pulumi.Input<string>;
    /** Name of InterLink's virtual node, where the steps run. */
    readonly nodeName: pulumi.Input<string>;
    /**
     * Registry that holds copies of Argo's images, below the same names.
     * @default "quay.io"
     */
    readonly registry?: string;
    /**
     * Address or folder of Argo's custom resource definitions.
     * @default those of its own repository
     */
    readonly crds?: string;
}

/** Argo's workflow controller for one namespace, whose workflows run on InterLink's virtual node. */
export class WorkflowController extends pulumi.ComponentResource {
    constructor(name: string, args: WorkflowControllerArgs, opts?: pulumi.ComponentResourceOptions) {
        super("interlink-kube-api-argo:index:WorkflowController", name, args, opts);
        const { namespace, nodeName, registry = "quay.io", crds = CRDS } = args;
        const image = (program: string) => `${registry}/argoproj/${program}:${VERSION}`;
        const metadata = { name: "workflow-controller", namespace };

        const definitions = new k8s.yaml.v2.ConfigGroup(
            `${name}-crds`,
            { files: KINDS.map((kind) => `${crds}/argoproj.io_${kind}.yaml`) },
            { parent: this },
        );
        const account = createAccount(`${name}-controller`, { ...metadata, rules: CONTROLLER_RULES }, this);
        const executor = createAccount(
            `${name}-executor`,
            { name: "workflow-executor", namespace, rules: EXECUTOR_RULES },
            this,
        );
        const configuration = new k8s.core.v1.ConfigMap(
            `${name}-configuration`,
            {
                metadata: { name: "workflow-controller-configmap", namespace },
                data: {
                    config: pulumi
                        .output({
                            executor: { image: image("argoexec"), resources: RESOURCES },
                            mainContainer: { resources: RESOURCES },
                            workflowDefaults: { spec: defaults(nodeName, executor) },
                        })
                        .apply((settings) => stringify(settings)),
                },
            },
            { parent: this },
        );
        const labels = { app: metadata.name };
        new k8s.apps.v1.Deployment(
            `${name}-controller`,
            {
                metadata,
                spec: {
                    selector: { matchLabels: labels },
                    template: {
                        metadata: { labels },
                        spec: controllerPod(image("workflow-controller"), account, configuration.metadata.name),
                    },
                },
            },
            { parent: this, dependsOn: [definitions] },
        );
        this.registerOutputs({});
    }
}

/** What every workflow gets that does not say otherwise: it runs on the virtual node. */
function defaults(nodeName: pulumi.Input<string>, serviceAccountName: pulumi.Input<string>) {
    return {
        serviceAccountName,
        nodeSelector: { "kubernetes.io/hostname": nodeName },
        tolerations: [{ key: "virtual-node.interlink/no-schedule", operator: "Exists" }],
        // InterLink's Slurm plugin else takes an image's name for a file.
        podMetadata: { annotations: { "slurm-job.vk.io/image-root": "docker://" } },
    };
}

/** The controller's pod, as in Argo's own manifests. */
function controllerPod(
    image: string,
    serviceAccountName: pulumi.Input<string>,
    configMap: pulumi.Input<string>,
): k8s.types.input.core.v1.PodSpec {
    return {
        serviceAccountName,
        securityContext: { runAsNonRoot: true, seccompProfile: { type: "RuntimeDefault" } },
        containers: [
            {
                name: "workflow-controller",
                image,
                command: ["workflow-controller"],
                args: ["--namespaced", "--configmap", configMap],
                env: [
                    {
                        name: "LEADER_ELECTION_IDENTITY",
                        valueFrom: { fieldRef: { fieldPath: "metadata.name" } },
                    },
                ],
                livenessProbe: {
                    httpGet: { port: 6060, path: "/healthz" },
                    initialDelaySeconds: 90,
                    periodSeconds: 60,
                    timeoutSeconds: 30,
                },
                resources: { requests: { cpu: "50m", memory: "64Mi" }, limits: { memory: "512Mi" } },
                securityContext: {
                    readOnlyRootFilesystem: true,
                    allowPrivilegeEscalation: false,
                    capabilities: { drop: ["ALL"] },
                },
            },
        ],
    };
}
