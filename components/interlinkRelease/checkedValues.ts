import * as pulumi from "@pulumi/pulumi";
import { HIDDEN, isClearText, Refusal, refusal } from "../parts/arguments";
import { KUBERNETES_API_VALUES } from "./chart";
import { InterlinkTls } from "./tls";

/** More values for the chart, as somebody gives them. */
type Values = Readonly<Record<string, unknown>>;

/** The values that nobody may give, each with the reason; a dot leads into an object. */
const DECIDED: Readonly<Record<string, string>> = {
    // The transforms would find no place for it.
    ...Object.fromEntries(
        Object.keys(KUBERNETES_API_VALUES).map((key) => [`interlink.${key}`, "it is what clients outside come to"]),
    ),
    // Tokens would go elsewhere, in clear text or to whoever answers, without a word.
    "interlink.address": "the setting address gives it",
    "interlink.tls": "the setting tls gives it",
    // InterLink's installer writes it into its values.
    "interlink.disableProjectedVolumes": "with it no token reaches a job",
    // The node, its namespace and the wait for it would be another's.
    nodeName: "the setting nodeName gives it",
    "virtualNode.disableCSR": "the setting kubeletCertificate decides it",
    "virtualNode.HTTP": "the setting tls decides how InterLink's API is verified",
};

/** Parts of the values that are objects: anything else would take the component's own values, and the chart's, with it. */
const OBJECTS: readonly string[] = ["interlink", "virtualNode", "plugin", "sshBastion", "OAUTH"];
const EFFECTS: readonly unknown[] = ["NoSchedule", "PreferNoSchedule", "NoExecute"];

/**
 * The given values, none of which settings or the component decide. Nor may the secrets of OAUTH go out in clear text, unless
 * somebody said so.
 * @param resource whose values they are, which Pulumi names beside the sentences: several sites have their own
 * @throws pulumi.ResourceError with one sentence for each fault; none shows a value, which may be a secret
 */
export function checkedValues(values: Values, tls: InterlinkTls, resource: pulumi.Resource): Values {
    const misshapen = shapeFaults(values).map(refusal);
    const faults = misshapen.length > 0 ? misshapen : [...clearTextFaults(values, tls), ...decidedFaults(values)];
    if (faults.length > 0) {
        throw new pulumi.ResourceError(faults.join("\n"), resource, true);
    }
    return values;
}

function clearTextFaults({ OAUTH }: Values, { insecure }: InterlinkTls): string[] {
    const { enabled, TokenURL } = (OAUTH ?? {}) as { readonly enabled?: boolean; readonly TokenURL?: string };
    const allowed = "an https:// URL, or set interlink.tls.insecure: true, since secrets go there in clear text";
    return enabled === true && isClearText(String(TokenURL)) && insecure !== true
        ? [refusal({ key: "values.OAUTH.TokenURL", value: HIDDEN, allowed })]
        : [];
}

function decidedFaults(values: Values): string[] {
    return Object.entries(DECIDED)
        .filter(([key]) => isGiven(values, key))
        .map(([key, why]) => `values.${key} is not allowed; leave it out: ${why}.`);
}

/** Whether there is a value at a key, which leads into at most one object. */
function isGiven(values: Values, key: string): boolean {
    const [first = "", second] = key.split(".");
    const value = values[first];
    return second === undefined ? value !== undefined : isObject(value) && second in value;
}

/** Values of another shape than the chart and the component read. */
function shapeFaults(values: Values): Refusal[] {
    const { virtualNode, extraVolumes } = values;
    const node: Values = isObject(virtualNode) ? virtualNode : {};
    const { nodeLabels, nodeTaints } = node;
    const checks = [
        ...OBJECTS.map((key) => ({
            key,
            ok: values[key] === undefined || isObject(values[key]),
            allowed: "an object of the chart's values",
        })),
        {
            key: "extraVolumes",
            ok: isListOf(extraVolumes, isObject),
            allowed: "a list of volumes, as a pod spells them",
        },
        {
            key: "virtualNode.nodeLabels",
            // The virtual kubelet leaves out what it cannot read.
            ok: isListOf(nodeLabels, (label) => typeof label === "string" && /^[^=\s]+=/.test(label)),
            allowed: "a list of labels as KEY=VALUE",
        },
        {
            key: "virtualNode.nodeTaints",
            ok: isListOf(nodeTaints, isTaint),
            allowed: `a list of taints with key, value and effect, all text; the effect is ${EFFECTS.join(", ")}`,
        },
    ];
    return checks.filter(({ ok }) => !ok).map(({ key, allowed }) => ({ key: `values.${key}`, value: HIDDEN, allowed }));
}

function isObject(value: unknown): value is Values {
    return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Whether a value is a list of such elements, or not given, which Helm spells null as well. */
function isListOf(value: unknown, ok: (element: unknown) => boolean): boolean {
    return Array.isArray(value) ? value.every(ok) : value === undefined || value === null;
}

/** Whether a value is a taint as the chart spells it; without an effect it is NoSchedule, as to the virtual kubelet. */
function isTaint(taint: unknown): boolean {
    if (!isObject(taint)) {
        return false;
    }
    const { key, value = "", effect = "NoSchedule" } = taint;
    return typeof key === "string" && key !== "" && typeof value === "string" && EFFECTS.includes(effect);
}
