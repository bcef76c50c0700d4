import * as pulumi from "@pulumi/pulumi";
import type { StackOutputs } from "./stacks/outputs";

/** The outputs of a stack, as another stack reads them. */
export type ReadOutputs = { readonly [Name in keyof StackOutputs]: pulumi.Output<pulumi.Unwrap<StackOutputs[Name]>> };

/** The type T as a reader says it: what `typeof` says of its values, but for lists. */
type TypeName<T> = T extends string
    ? "string"
    : T extends number
      ? "number"
      : T extends readonly string[]
        ? "list of strings"
        : never;

/** The type of each output; the compiler refuses a table that differs from StackOutputs. */
const TYPES: { readonly [Name in keyof StackOutputs]: TypeName<pulumi.Unwrap<StackOutputs[Name]>> } = {
    apiServerUrl: "string",
    apiServerHost: "string",
    apiServerPort: "number",
    caCertificate: "string",
    ingressClassName: "string",
    interlinkNodeName: "string",
    interlinkNodeNames: "list of strings",
    namespace: "string",
    tokenLifetimeSeconds: "number",
    kubeconfig: "string",
    interlinkValues: "string",
    summary: "string",
};

/**
 * Reads the outputs of a stack from another stack. Each is a secret where it is one there, and unknown in a preview where the
 * reference is.
 * @throws pulumi.RunError with one sentence for each output that is missing or of another type.
 */
export async function readOutputs(reference: pulumi.StackReference): Promise<ReadOutputs> {
    const faults: string[] = [];
    const checked = pulumi.all([reference.name, reference.outputs]).apply(([stack, outputs]) => {
        faults.push(...outputFaults(stack, outputs));
    });
    // Whether an Output is a secret is told when it resolves; unlike apply, also in a preview where it is unknown.
    await pulumi.isSecret(checked);
    if (faults.length > 0) {
        throw new pulumi.RunError(faults.join("\n"));
    }
    return Object.fromEntries(Object.keys(TYPES).map((name) => [name, reference.getOutput(name)])) as ReadOutputs;
}

/** One sentence for each output of a stack that breaks the contract. */
export function outputFaults(stack: string, outputs: Readonly<Record<string, unknown>>): string[] {
    return Object.entries(TYPES)
        .filter(([name, wanted]) => !isOfType(outputs[name], wanted))
        .map(
            ([name, wanted]) => `Output ${name} of stack ${stack} is ${found(outputs[name])}; it must be a ${wanted}.`,
        );
}

/** Whether a value is of a type of the table. */
function isOfType(value: unknown, wanted: string): boolean {
    return Array.isArray(value)
        ? wanted === "list of strings" && value.every((element) => typeof element === "string")
        : typeof value === wanted;
}

/** A value's type as a reader says it; never the value, which may be a secret. */
function found(value: unknown): string {
    if (value === undefined) {
        return "missing";
    }
    if (value === null) {
        return "null";
    }
    return Array.isArray(value) ? "a list" : typeof value === "object" ? "an object" : `a ${typeof value}`;
}
