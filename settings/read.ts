import { isDeepStrictEqual } from "node:util";
import * as pulumi from "@pulumi/pulumi";
import { z } from "zod";
import { HIDDEN } from "../components/parts/arguments";
import { conflicts } from "./conflicts";
import { common, defaultOf, PlainSettings, schema, Settings } from "./schema";
import { conflictSentence, issueSentences } from "./sentences";

/** What the keys of the settings begin with in Pulumi's configuration. */
const PREFIX = "interlink-kube-api:";

/**
 * Checks settings, as Pulumi's configuration spells them, and fills in defaults. In sentences their keys begin with the prefix.
 * @throws pulumi.RunError with one sentence for each fault: the key, the value, and what is allowed. What does not fit
 * together is only looked for where each value by itself is allowed.
 */
export function parseSettings(raw: Readonly<Record<string, unknown>>, prefix = PREFIX): PlainSettings {
    const result = schema.safeParse(raw);
    if (!result.success) {
        const issues = [...result.error.issues];
        if (issues.some(({ path }) => path[0] === "environment")) {
            // Without an environment zod looks at nothing else.
            issues.push(...(z.looseObject(common).safeParse(raw).error?.issues ?? []));
        }
        throw new pulumi.RunError(issues.flatMap((issue) => issueSentences(issue, raw, prefix)).join("\n"));
    }
    const faults = conflicts(result.data).map((conflict) => conflictSentence(conflict, prefix));
    if (faults.length > 0) {
        throw new pulumi.RunError(faults.join("\n"));
    }
    return result.data;
}

/** The settings of a project, but for interlinkValues, in a configuration whose values are texts, as Pulumi keeps it. */
export function configuredSettings(configuration: Readonly<Record<string, string>>, project: string): PlainSettings {
    const raw: Record<string, unknown> = {};
    for (const [key, value] of Object.entries(configuration)) {
        const [owner, setting] = key.split(":", 2);
        if (owner === project && setting !== undefined && setting !== "interlinkValues") {
            // A kubeconfig is a text even where it is JSON, of which an error would print a part.
            const given = setting === "kubeconfig" ? value : plainValue(value);
            if (!isLeftOut(setting, given)) {
                raw[setting] = given;
            }
        }
    }
    return parseSettings(raw);
}

/** Reads the settings of the current stack. */
export function loadSettings(): Settings {
    const { name } = new pulumi.Config();
    const configuration = pulumi.runtime.allConfig();
    const settings = configuredSettings(configuration, name);
    return withSecrets(settings, secretObject(configuration[`${name}:interlinkValues`]), PREFIX);
}

/**
 * The settings with what comes as an Output.
 * @throws pulumi.RunError where it goes to no site.
 */
export function withSecrets(
    settings: PlainSettings,
    interlinkValues: pulumi.Output<Record<string, unknown>> | undefined,
    prefix: string,
): Settings {
    if (interlinkValues !== undefined && settings.sites !== undefined) {
        throw new pulumi.RunError(
            `${prefix}interlinkValues is for interlink alone; give the values of each site as sites.<name>.values.`,
        );
    }
    return { ...settings, interlinkValues };
}

/** The object of interlinkValues as a secret. Pulumi's own reader would print what is no JSON. */
function secretObject(text: string | undefined): Settings["interlinkValues"] {
    if (text === undefined || text === "") {
        return undefined;
    }
    const value = plainValue(text);
    if (typeof value !== "object" || Array.isArray(value)) {
        const allowed = "an object of chart values";
        throw new pulumi.RunError(conflictSentence({ key: "interlinkValues", value: HIDDEN, allowed }, PREFIX));
    }
    return pulumi.secret(value) as Settings["interlinkValues"];
}

/** A setting as YAML meant it: Pulumi hands over objects as JSON and everything else as text, which may begin as JSON does. */
function plainValue(value: string): unknown {
    try {
        return /^(\{|\[|true$|false$|-?\d+(\.\d+)?$)/.test(value) ? JSON.parse(value) : value;
    } catch {
        return value;
    }
}

/**
 * Whether a stack leaves a setting out. Pulumi.yaml then gives its default, and the empty text where it has none: Pulumi refuses a
 * stack that lacks a setting without a default. To environments that have no such setting, its default says nothing.
 */
function isLeftOut(setting: string, value: unknown): boolean {
    return value === "" || isDeepStrictEqual(value, defaultOf(setting));
}
