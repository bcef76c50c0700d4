import { V1Condition, V1Deployment } from "@kubernetes/client-node";
import { must } from "./verdicts";

/** A list of the API server's. */
export interface List<Kind> {
    readonly items: readonly Kind[];
}

/** An object with conditions, of whatever kind. */
export interface Conditions {
    readonly status?: { readonly conditions?: readonly Partial<V1Condition>[] };
}

/** Whether the condition of a type holds, and why it is so, as a part of a sentence. */
export function conditionOf(object: Conditions, type: string): { readonly holds: boolean; readonly why: string } {
    const condition = object.status?.conditions?.find((one) => one.type === type);
    const { status = "missing", reason, message } = condition ?? {};
    const why = [reason, message].filter(Boolean).join(": ");
    return { holds: status === "True", why: `${type} is ${status}${why && ` (${why})`}` };
}

/**
 * How many of a Deployment's pods are available.
 * @throws Broken where none is
 */
export function available({ metadata, spec, status }: V1Deployment, namespace: string): string {
    const { availableReplicas = 0, conditions } = status ?? {};
    const { replicas = 1 } = spec ?? {};
    const seen = `${availableReplicas} of ${replicas} pods of ${metadata?.name} are available`;
    const scale = `kubectl scale -n ${namespace} deployment/${metadata?.name} --replicas=1`;
    must(replicas > 0, seen, `Scale it up: \`${scale}\`, or \`pulumi up --refresh\`.`);
    must(
        availableReplicas > 0,
        `${seen}; ${conditionOf({ status: { conditions } }, "Available").why}`,
        `See \`kubectl describe pods -n ${namespace}\`: image, Secret, node, quota.`,
    );
    return seen;
}
