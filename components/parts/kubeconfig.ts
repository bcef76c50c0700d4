import { stringify } from "yaml";

/** What a kubeconfig says. */
export interface KubeconfigArgs {
    /** URL of the API server. */
    readonly server: string;
    /** CA certificate that verifies it, PEM. */
    readonly caCertificate: string;
    /** Name of the user. */
    readonly user: string;
    /** The user's token, or the path of the file that holds it. */
    readonly credentials: { readonly token: string } | { readonly tokenFile: string };
    /**
     * Namespace that commands are about.
     * @default what the client takes without: "default", as a rule
     */
    readonly namespace?: string;
}

/** A kubeconfig with one cluster, one user and one context, YAML. */
export function kubeconfigOf({ server, caCertificate, user, credentials, namespace }: KubeconfigArgs): string {
    const name = "interlink-kube-api";
    const authority = Buffer.from(caCertificate).toString("base64");
    return stringify({
        apiVersion: "v1",
        kind: "Config",
        clusters: [{ name, cluster: { server, "certificate-authority-data": authority } }],
        users: [{ name: user, user: credentials }],
        contexts: [{ name, context: { cluster: name, user, namespace } }],
        "current-context": name,
    });
}
