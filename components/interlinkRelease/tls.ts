import { createHash } from "node:crypto";
import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { Check, HIDDEN } from "../parts/arguments";

/** Where the chart mounts the Secret. */
const DIRECTORY = "/etc/vk/certs";

/** How the virtual kubelet knows the InterLink API server, and what it shows of itself; all PEM. */
export interface InterlinkTls {
    /**
     * The one certificate that verifies the server: a CA's, or the server's own.
     * @default the roots of the virtual kubelet's image; InterLink's has none
     */
    readonly ca?: pulumi.Input<string>;
    /** Certificate for mutual TLS; its chain may follow. */
    readonly cert?: pulumi.Input<string>;
    /** Its private key. */
    readonly key?: pulumi.Input<string>;
    /**
     * Takes any server, and plain http:// as well.
     * @default false
     */
    readonly insecure?: boolean;
}

/** What has to be given together, and what excludes each other. */
export function tlsChecks({ ca, cert, key, insecure }: InterlinkTls): Check[] {
    const given = (value: unknown) => value !== undefined;
    return [
        {
            key: "interlink.tls.insecure",
            value: insecure,
            ok: insecure !== true || ![ca, cert, key].some(given),
            allowed: "false, or neither ca, cert nor key",
        },
        {
            key: "interlink.tls",
            value: HIDDEN,
            ok: given(cert) === given(key),
            allowed: "cert and key together",
        },
    ];
}

/** The chart's values for it. */
export function tlsValues({ ca, cert, insecure }: InterlinkTls) {
    const file = (name: string, given: unknown) => (given === undefined ? "" : `${DIRECTORY}/${name}`);
    return {
        interlink: {
            enabled: ca !== undefined || cert !== undefined,
            certFile: file("tls.crt", cert),
            keyFile: file("tls.key", cert),
            caCertFile: file("ca.crt", ca),
        },
        // The transport for logs takes no PEM.
        virtualNode: { insecure: insecure === true, CACert: file("ca.der", ca) },
    };
}

/** The Secret that the chart mounts, by its name. */
export function tlsSecret(
    name: string,
    {
        nodeName,
        namespace,
        tls,
    }: { nodeName: pulumi.Input<string>; namespace: pulumi.Input<string>; tls: InterlinkTls },
    parent: pulumi.Resource,
): pulumi.Resource[] {
    if (tls.ca === undefined && tls.cert === undefined) {
        return [];
    }
    const base64 = (text: pulumi.Input<string>) =>
        pulumi.output(text).apply((plain) => Buffer.from(plain).toString("base64"));
    const { ca, cert, key } = tls;
    const data = {
        // DER is what PEM has in base64.
        ...(ca && { "ca.crt": base64(ca), "ca.der": pulumi.output(ca).apply((pem) => pem.replace(/-----.+|\s/g, "")) }),
        ...(cert && { "tls.crt": base64(cert) }),
        ...(key && { "tls.key": base64(pulumi.secret(key)) }),
    };
    const metadata = { name: pulumi.interpolate`${nodeName}-tls-certs`, namespace };
    return [new k8s.core.v1.Secret(`${name}-tls-certs`, { metadata, data }, { parent })];
}

/** What is another text when any of it changes, and tells nothing of it. */
export function tlsDigest({ ca, cert, key }: InterlinkTls): pulumi.Output<string> {
    return pulumi.unsecret(
        pulumi.all([ca, cert, key]).apply((parts) => createHash("sha256").update(JSON.stringify(parts)).digest("hex")),
    );
}

/** Says in every run what the virtual kubelet does not verify, or cannot. */
export function warnOfTls(tls: InterlinkTls, address: pulumi.Input<string>, parent: pulumi.Resource): void {
    pulumi.output(address).apply(async (url) => {
        if (tls.insecure === true) {
            await pulumi.log.warn(
                `interlink.tls.insecure is true: nothing verifies the InterLink API server at ${url}, and who stands between ` +
                    "gets the tokens and the Secrets of all pods of the virtual node.",
                parent,
            );
        } else if (tls.ca === undefined && url.startsWith("https:")) {
            await pulumi.log.warn(
                `interlink.tls.ca is missing: the virtual kubelet verifies ${url} by the roots of its image, and InterLink's ` +
                    "image has none; give the server's CA, or a root's certificate.",
                parent,
            );
        }
    });
}
