import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { grantedAccount } from "../parts/grant";
import { Admit, NODE_NAME, POD_NAME } from "./gate";

type Jobs = Extract<Admit, { type: "jobs" }>;

/**
 * What jobs alone being admitted takes in the cluster: the account by which the proxy asks whose a token is, which may do nothing
 * else, and the policy for jobs.
 * @returns the account's name, and what the proxy needs before it asks
 */
export function admission(
    name: string,
    { uniqueName, nodeNames }: Jobs,
    namespace: pulumi.Input<string>,
    parent: pulumi.Resource,
): { readonly serviceAccountName: pulumi.Output<string>; readonly needed: readonly pulumi.Resource[] } {
    const opts = { parent };
    const { serviceAccountName, binding } = grantedAccount(
        `${name}-gate`,
        {
            metadata: { name: uniqueName, namespace },
            scope: "cluster",
            rules: [{ apiGroups: ["authentication.k8s.io"], resources: ["tokenreviews"], verbs: ["create"] }],
        },
        opts,
    );
    const policy = new k8s.admissionregistration.v1.ValidatingAdmissionPolicy(
        `${name}-jobs-policy`,
        { metadata: { name: uniqueName }, spec: pulumi.output(nodeNames).apply(jobsPolicy) },
        opts,
    );
    new k8s.admissionregistration.v1.ValidatingAdmissionPolicyBinding(
        `${name}-jobs-policy-binding`,
        {
            metadata: { name: uniqueName },
            spec: { policyName: policy.metadata.name, validationActions: ["Deny"] },
        },
        opts,
    );
    return { serviceAccountName, needed: [binding] };
}

/**
 * Keeps jobs, whatever their service accounts may do, from what outlives them or makes them somebody else: a job with many
 * rights runs where the cluster's administrators do not rule. What jobs do need stays: pods, exec, workflows, Secrets, and
 * a new token of the job's own. Reading is not admission's, and no policy is asked about webhooks and policies.
 */
function jobsPolicy(
    nodeNames: readonly string[],
): k8s.types.input.admissionregistration.v1.ValidatingAdmissionPolicySpec {
    const v1 = { apiVersions: ["*"] };
    return {
        failurePolicy: "Fail",
        matchConstraints: {
            resourceRules: [
                { apiGroups: [""], resources: ["serviceaccounts/token", "secrets"], operations: ["CREATE"], ...v1 },
                // A node's proxy leads into every pod that it runs.
                { apiGroups: [""], resources: ["nodes", "nodes/*"], operations: ["*"], ...v1 },
                {
                    apiGroups: [
                        // Rights that stay.
                        "rbac.authorization.k8s.io",
                        // Certificates that authenticate without a token.
                        "certificates.k8s.io",
                        // What every other client is answered by.
                        "apiextensions.k8s.io",
                        "apiregistration.k8s.io",
                    ],
                    resources: ["*/*"],
                    operations: ["*"],
                    ...v1,
                },
            ],
        },
        matchConditions: [
            {
                name: "jobs",
                expression:
                    `has(request.userInfo.extra) && "${NODE_NAME}" in request.userInfo.extra && ` +
                    `request.userInfo.extra["${NODE_NAME}"].exists(node, node in ${JSON.stringify(nodeNames)})`,
            },
        ],
        validations: [
            {
                message: "a job may have new tokens of its own alone, bound to its pod",
                expression:
                    // Without one, the API server shows an empty one.
                    'request.resource.resource != "serviceaccounts" || (has(object.spec.boundObjectRef) && ' +
                    "has(object.spec.boundObjectRef.kind) && has(object.spec.boundObjectRef.name) && " +
                    'object.spec.boundObjectRef.kind == "Pod" && ' +
                    `"${POD_NAME}" in request.userInfo.extra && ` +
                    `object.spec.boundObjectRef.name in request.userInfo.extra["${POD_NAME}"] && ` +
                    'request.userInfo.username == "system:serviceaccount:" + request.namespace + ":" + request.name)',
            },
            {
                message: "a job may make no token without an end",
                expression:
                    'request.resource.resource != "secrets" || !has(object.type) || ' +
                    'object.type != "kubernetes.io/service-account-token"',
            },
            {
                message: "a job may change neither rights, certificates, nodes nor what the API serves",
                expression: 'request.resource.resource in ["serviceaccounts", "secrets"]',
            },
        ],
    };
}
