import { z } from "zod";
import { HIDDEN, Refusal, refusal } from "../components/parts/arguments";
import { isSecret } from "./schema";

/** The sentence for settings that do not fit together; their keys begin with the prefix. */
export function conflictSentence(conflict: Refusal, prefix: string): string {
    return refusal({ ...conflict, key: prefix + conflict.key });
}

/** One sentence for each thing that an issue of zod's is about; the settings' keys begin with the prefix. */
export function issueSentences(
    issue: z.core.$ZodIssue,
    raw: Readonly<Record<string, unknown>>,
    prefix: string,
): string[] {
    const key = [prefix + String(issue.path[0] ?? ""), ...issue.path.slice(1).map(String)].join(".");
    if (issue.code === "unrecognized_keys") {
        const path = issue.path.length === 0 ? key : `${key}.`;
        return issue.keys.map((unknown) => `${path}${unknown}: there is no such setting.`);
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
