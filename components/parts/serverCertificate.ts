import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";

/** A reference to an issuer, as cert-manager's Certificate spells it. */
export interface IssuerRef {
    /** Name of the issuer. */
    readonly name: string;
    /** Kind of the issuer. */
    readonly kind: "ClusterIssuer" | "Issuer";
    /** API group of the issuer. */
    readonly group: "cert-manager.io";
}

/** What a server's certificate holds, besides its names. */
export interface ServerCertificateArgs {
    /** Name, namespace and labels of the Certificate. */
    readonly metadata: k8s.types.input.meta.v1.ObjectMeta;
    /** Name of the Secret that cert-manager fills. */
    readonly secretName: string;
    /** Issuer that signs. */
    readonly issuerRef: pulumi.Input<IssuerRef>;
    /** More of the Certificate's specification: dnsNames or ipAddresses, and lifetimes. */
    readonly spec: Readonly<Record<string, pulumi.Input<unknown>>>;
}

/** A cert-manager Certificate for a TLS server: created when it is Ready, with a new key at each renewal. */
export function serverCertificate(
    name: string,
    args: ServerCertificateArgs,
    parent: pulumi.Resource,
): k8s.apiextensions.CustomResource {
    return new k8s.apiextensions.CustomResource(
        name,
        {
            apiVersion: "cert-manager.io/v1",
            kind: "Certificate",
            metadata: { ...args.metadata, annotations: { "pulumi.com/waitFor": "condition=Ready" } },
            spec: {
                ...args.spec,
                secretName: args.secretName,
                privateKey: { algorithm: "ECDSA", size: 256, rotationPolicy: "Always" },
                usages: ["digital signature", "server auth"],
                issuerRef: args.issuerRef,
            },
        },
        { parent },
    );
}
