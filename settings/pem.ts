import { createPrivateKey, X509Certificate } from "node:crypto";

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
