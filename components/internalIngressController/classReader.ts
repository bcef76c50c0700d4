import * as pulumi from "@pulumi/pulumi";
import { grant } from "../parts/grant";
import { ControllerArgs } from ".";

/** Lets a controller's service account read the classes of the cluster: all that it may read beyond its namespace. */
export function classReader(
    name: string,
    { namespace, ingressClassName }: ControllerArgs,
    serviceAccountName: pulumi.Input<string>,
    parent: pulumi.Resource,
): pulumi.Resource {
    return grant(
        `${name}-cluster`,
        {
            // Named like the class, which is the cluster's only one of its name.
            roleName: pulumi.interpolate`${ingressClassName}-controller`,
            serviceAccountName,
            namespace,
            scope: "cluster",
            rules: [
                { apiGroups: ["networking.k8s.io"], resources: ["ingressclasses"], verbs: ["get", "list", "watch"] },
            ],
        },
        { parent },
    );
}
