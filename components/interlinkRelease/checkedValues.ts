import * as pulumi from "@pulumi/pulumi";
import { HIDDEN, isClearText, refusal } from "../parts/arguments";
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

/**
 * The given values, none of which settings or the component decide. Nor may the secrets of OAUTH go out in clear text, unless
 * somebody said so.
 * @throws pulumi.RunError with one sentence for each fault; none shows a value, which may be a secret
 */
export function checkedValues(values: Values, { insecure }: InterlinkTls): Values {
    const { enabled, TokenURL } = (values.OAUTH ?? {}) as { readonly enabled?: boolean; readonly TokenURL?: string };
    if (enabled === true && isClearText(String(TokenURL)) && insecure !== true) {
        throw new pulumi.RunError(
            refusal({
                key: "values.OAUTH.TokenURL",
                value: HIDDEN,
                allowed: "an https:// URL, or set interlink.tls.insecure: true, since secrets go there in clear text",
            }),
        );
    }
    const refused = Object.entries(DECIDED).filter(([key]) => isGiven(values, key));
    if (refused.length > 0) {
        throw new pulumi.RunError(
            refused.map(([key, why]) => `values.${key} is not allowed; leave it out: ${why}.`).join("\n"),
        );
    }
    return values;
}

/** Whether there is a value at a key, which leads into at most one object. */
function isGiven(values: Values, key: string): boolean {
    const [first = "", second] = key.split(".");
    const value = values[first];
    return second === undefined ? value !== undefined : second in (value ?? {});
}
