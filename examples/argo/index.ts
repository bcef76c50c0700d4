import * as pulumi from "@pulumi/pulumi";
import { readOutputs } from "../../outputs";
import { WorkflowAccess } from "./workflowAccess";
import { WorkflowController } from "./workflowController";

/** The program: the outputs of an interlink-kube-api stack in, workflows on the virtual node out, and access to them. */
export = async () => {
    const config = new pulumi.Config();
    const reference = new pulumi.StackReference("interlink-kube-api", { name: config.require("apiStack") });
    const { apiServerUrl, caCertificate, interlinkNodeName } = await readOutputs(reference);
    const access = new WorkflowAccess("workflow", {
        namespace: config.require("namespace"),
        serviceAccount: config.get("serviceAccount") ?? "workflow",
        apiServerUrl,
        caCertificate,
    });
    if (config.getBoolean("install") ?? true) {
        new WorkflowController("argo", {
            namespace: access.namespace,
            nodeName: interlinkNodeName,
            registry: config.get("registry"),
            crds: config.get("crds"),
        });
    }
    return {
        namespace: access.namespace,
        serviceAccountName: access.serviceAccountName,
        kubeconfig: access.kubeconfig,
        kubeconfigSecretName: access.kubeconfigSecretName,
    };
};
