import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";

/** What a service account may do. */
export interface GrantArgs {
    /** Name of the role and of its binding. */
    readonly roleName: pulumi.Input<string>;
    /** Name of the service account. */
    readonly serviceAccountName: pulumi.Input<string>;
    /** Namespace of the service account. */
    readonly namespace: pulumi.Input<string>;
    /** Where the rules hold: in that namespace, or in the whole cluster. */
    readonly scope: "namespace" | "cluster";
    /** The rules. */
    readonly rules: k8s.types.input.rbac.v1.PolicyRule[];
}

/** A service account that one pod has for itself. */
export interface AccountArgs extends Pick<GrantArgs, "scope" | "rules"> {
    /** Name and namespace of the account, of its role and of the role's binding. */
    readonly metadata: { readonly name: pulumi.Input<string>; readonly namespace: pulumi.Input<string> };
}

/**
 * Makes a service account that may do something.
 * @returns its name, and the binding, for whoever needs the rights
 */
export function grantedAccount(
    name: string,
    { metadata, scope, rules }: AccountArgs,
    opts: pulumi.CustomResourceOptions,
): { readonly serviceAccountName: pulumi.Output<string>; readonly binding: pulumi.Resource } {
    const account = new k8s.core.v1.ServiceAccount(`${name}-service-account`, { metadata }, opts);
    const serviceAccountName = account.metadata.name;
    const args = { roleName: metadata.name, serviceAccountName, namespace: metadata.namespace, scope, rules };
    return { serviceAccountName, binding: grant(name, args, opts) };
}

/**
 * Makes a role and binds it to a service account.
 * @returns the binding, for whoever needs the rights
 */
export function grant(name: string, args: GrantArgs, opts: pulumi.CustomResourceOptions): pulumi.Resource {
    const { roleName, serviceAccountName, namespace, scope, rules } = args;
    const subjects = [{ kind: "ServiceAccount", name: serviceAccountName, namespace }];
    const apiGroup = "rbac.authorization.k8s.io";
    if (scope === "cluster") {
        const metadata = { name: roleName };
        const role = new k8s.rbac.v1.ClusterRole(`${name}-role`, { metadata, rules }, opts);
        const roleRef = { apiGroup, kind: "ClusterRole", name: role.metadata.name };
        return new k8s.rbac.v1.ClusterRoleBinding(`${name}-role-binding`, { metadata, subjects, roleRef }, opts);
    }
    const metadata = { name: roleName, namespace };
    const role = new k8s.rbac.v1.Role(`${name}-role`, { metadata, rules }, opts);
    const roleRef = { apiGroup, kind: "Role", name: role.metadata.name };
    return new k8s.rbac.v1.RoleBinding(`${name}-role-binding`, { metadata, subjects, roleRef }, opts);
}
