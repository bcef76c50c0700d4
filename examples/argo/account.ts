import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";

/** A service account to be made. */
export interface AccountArgs {
    /** Its name, and that of its role. */
    readonly name: string;
    /** Its namespace, the only one where its rights hold. */
    readonly namespace: pulumi.Input<string>;
    /** What it may do. */
    readonly rules: k8s.types.input.rbac.v1.PolicyRule[];
}

/**
 * Makes a service account with a role.
 * @returns its name, which resolves when it has its rights
 */
export function createAccount(name: string, args: AccountArgs, parent: pulumi.Resource): pulumi.Output<string> {
    const metadata = { name: args.name, namespace: args.namespace };
    const serviceAccount = new k8s.core.v1.ServiceAccount(`${name}-service-account`, { metadata }, { parent });
    const role = new k8s.rbac.v1.Role(`${name}-role`, { metadata, rules: args.rules }, { parent });
    const binding = new k8s.rbac.v1.RoleBinding(
        `${name}-role-binding`,
        {
            metadata,
            roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "Role", name: role.metadata.name },
            subjects: [
                {
                    kind: "ServiceAccount",
                    name: serviceAccount.metadata.name,
                    namespace: serviceAccount.metadata.namespace,
                },
            ],
        },
        { parent },
    );
    // All three have the same name; this one's is there last.
    return binding.metadata.name;
}
