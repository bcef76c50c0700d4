import * as pulumi from "@pulumi/pulumi";
import { readOutputs } from "../../outputs";
import { WorkflowAccess } from "./workflowAccess";

/** The program: the outputs of an interlink-kube-api stack in, a workflow's access to its API server out. */
export = async () => {
    const config = new pulumi.Config();
    const reference = new pulumi.StackReference("interlink-kube-api", { name: config.require("apiStack") });
    const { apiServerUrl, caCertificate } = await readOutputs(reference);
    const access = new WorkflowAccess("workflow", {
        namespace: config.require("namespace"),
        serviceAccount: config.get("serviceAccount") ?? "workflow",
        apiServerUrl,
        caCertificate,
    });
    return {
        namespace: access.namespace,
        serviceAccountName: access.serviceAccountName,
        kubeconfig: access.kubeconfig,
        kubeconfigSecretName: access.kubeconfigSecretName,
    };
};
