import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { certificateDuration, durationSeconds } from "../parts/arguments";
import { IssuerRef } from "../parts/serverCertificate";

/** What a generation appends to the names of its resources; the first has none. The letter is no hexadecimal digit. */
export function generationSuffix(generation: number): string {
    return generation === 1 ? "" : `-g${generation}`;
}

/** A generation's CA. */
export interface Authority {
    /** Its certificate, PEM. */
    readonly caCertificate: pulumi.Output<string>;
    /** The issuer that signs with it; resolves when it can. */
    readonly issuerRef: pulumi.Output<IssuerRef>;
}

/** What a generation's CA is made of. */
interface AuthorityArgs {
    /** Number of the generation. */
    readonly number: number;
    /** Name of the first generation's resources. */
    readonly issuerName: pulumi.Input<string>;
    /** cert-manager's namespace. */
    readonly namespace: string;
    /** Lifetime, as hours, minutes, seconds. */
    readonly duration: string;
    /** The ClusterIssuer that lets a certificate sign itself. */
    readonly rootName: pulumi.Input<string>;
    /** Whether Pulumi refuses to delete it. */
    readonly protect: boolean;
}

/** The key and certificate of a generation, and the ClusterIssuer that signs with them. */
export function authority(name: string, args: AuthorityArgs, parent: pulumi.Resource): Authority {
    const { namespace, protect } = args;
    const suffix = generationSuffix(args.number);
    const issuerName = pulumi.interpolate`${args.issuerName}${suffix}`;
    const secretName = pulumi.interpolate`${issuerName}-secret`;

    const certificate = new k8s.apiextensions.CustomResource(
        `${name}${suffix}-certificate`,
        {
            apiVersion: "cert-manager.io/v1",
            kind: "Certificate",
            metadata: { name: issuerName, namespace, annotations: { "pulumi.com/waitFor": "condition=Ready" } },
            spec: {
                isCA: true,
                commonName: issuerName,
                secretName,
                duration: certificateDuration(durationSeconds(args.duration)),
                // Renewal keeps the key: a CA with another key would be another CA to every client.
                privateKey: { algorithm: "ECDSA", size: 256, rotationPolicy: "Never" },
                issuerRef: { name: args.rootName, kind: "ClusterIssuer", group: "cert-manager.io" },
            },
        },
        { parent, protect },
    );

    const issuer = new k8s.apiextensions.CustomResource(
        `${name}${suffix}-issuer`,
        {
            apiVersion: "cert-manager.io/v1",
            kind: "ClusterIssuer",
            metadata: { name: issuerName, annotations: { "pulumi.com/waitFor": "condition=Ready" } },
            spec: { ca: { secretName } },
        },
        { parent, protect, dependsOn: [certificate] },
    );

    // The id is known only when the Certificate is ready, so the first preview does not look for the Secret.
    const secret = k8s.core.v1.Secret.get(
        `${name}${suffix}-secret`,
        pulumi.all([secretName, certificate.id]).apply(([secret]) => `${namespace}/${secret}`),
        { parent },
    );
    return {
        caCertificate: pulumi.unsecret(secret.data.apply(caCertificateOf)),
        issuerRef: pulumi
            .all([issuerName, issuer.id])
            .apply(([name]): IssuerRef => ({ name, kind: "ClusterIssuer", group: "cert-manager.io" })),
    };
}

/** The PEM certificate in the data of the root's Secret. */
function caCertificateOf(data: Record<string, string>): string {
    return Buffer.from(data["tls.crt"] ?? "", "base64").toString("utf8");
}
