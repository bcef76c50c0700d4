import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { ControllerArgs } from "./internalIngressController";

/** Lets a controller's service account read the classes of the cluster: all that it may read beyond its namespace. */
export function classReader(
    name: string,
    { namespace, ingressClassName }: ControllerArgs,
    serviceAccountName: pulumi.Input<string>,
    parent: pulumi.Resource,
): pulumi.Resource {
    // Named like the class, which is the cluster's only one of its name.
    const metadata = { name: pulumi.interpolate`${ingressClassName}-controller` };
    const role = new k8s.rbac.v1.ClusterRole(
        `${name}-cluster-role`,
        {
            metadata,
            rules: [
                { apiGroups: ["networking.k8s.io"], resources: ["ingressclasses"], verbs: ["get", "list", "watch"] },
            ],
        },
        { parent },
    );
    return new k8s.rbac.v1.ClusterRoleBinding(
        `${name}-cluster-role-binding`,
        {
            metadata,
            subjects: [{ kind: "ServiceAccount", name: serviceAccountName, namespace }],
            roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: role.metadata.name },
        },
        { parent },
    );
}
