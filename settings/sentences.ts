import { z } from "zod";
import { HIDDEN, Refusal, refusal } from "../components/parts/arguments";
import { isSecret } from "./schema";

const PREFIX = "interlink-kube-api:";

/** The sentence for settings that do not fit together. */
export function conflictSentence(conflict: Refusal): string {
    return refusal({ ...conflict, key: PREFIX + conflict.key });
}

/** One sentence for each thing that an issue of zod's is about. */
export function issueSentences(issue: z.core.$ZodIssue, raw: Readonly<Record<string, unknown>>): string[] {
    const key = [PREFIX + String(issue.path[0] ?? ""), ...issue.path.slice(1).map(String)].join(".");
    if (issue.code === "unrecognized_keys") {
        const prefix = issue.path.length === 0 ? key : `${key}.`;
        return issue.keys.map((unknown) => `${prefix}${unknown}: there is no such setting.`);
    }
    if (issue.code === "invalid_key") {
        return issue.issues.map(({ message }) => refusal({ key, value: issue.path.at(-1), allowed: message }));
    }
    const value = issue.path.reduce<unknown>(
        (part, step) => (part as Record<PropertyKey, unknown> | undefined)?.[step],
        raw,
    );
    // Somebody may give a private key where a certificate belongs.
    const hidden = isSecret(issue.path) || /PRIVATE KEY/.test(JSON.stringify(value) ?? "");
    return [
        value === undefined
            ? `${key} is missing; give ${issue.message}.`
            : refusal({ key, value: hidden ? HIDDEN : value, allowed: issue.message }),
    ];
}
