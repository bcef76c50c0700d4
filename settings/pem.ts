import { createPrivateKey, X509Certificate } from "node:crypto";
import { HIDDEN, Refusal } from "../components/parts/arguments";

/** Tells whether a text is a private key in PEM, without a password. */
export function isPrivateKey(pem: string): boolean {
    try {
        return createPrivateKey(pem).type === "private";
    } catch {
        return false;
    }
}

/** Tells whether a private key is that of a certificate, both in PEM. */
export function belongTogether(cert: string, key: string): boolean {
    return new X509Certificate(cert).checkPrivateKey(createPrivateKey(key));
}

/** What is wrong with certificates, each PEM, that have all ended; nothing where one still lives, or there is none. */
export function endedFaults(
    key: string,
    certificates: readonly string[],
): readonly (Refusal & { readonly bad: boolean })[] {
    const last = Math.max(...certificates.map((pem) => Date.parse(new X509Certificate(pem).validTo)));
    return certificates.length === 0 || last >= Date.now()
        ? []
        : [
              {
                  bad: true,
                  key,
                  value: HIDDEN,
                  allowed: `one that is still valid, since this one ended on ${new Date(last).toISOString().slice(0, 10)}`,
              },
          ];
}
