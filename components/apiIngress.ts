import { isIP } from "node:net";
import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import {
    ADDRESS,
    certificateDuration,
    checkArguments,
    DURATION,
    durationSeconds,
    isAddress,
    isCertificateDuration,
} from "./arguments";
import { IssuerRef } from "./selfSignedCA";
import { serverCertificate } from "./serverCertificate";

/** The Service that an ApiIngress leads to; it speaks HTTPS, and its certificate is verified. */
export interface ApiIngressBackend {
    /** Name of the Service, in the Ingress's namespace. */
    readonly serviceName: pulumi.Input<string>;
    /** Port of the Service. */
    readonly servicePort: number;
    /** Name that the Service's certificate must hold. */
    readonly serverName: pulumi.Input<string>;
    /** Name of the Secret, in the Ingress's namespace, whose ca.crt verifies the Service's certificate. */
    readonly caSecretName: pulumi.Input<string>;
    /** Path prefixes that are routed to the Service. */
    readonly paths: readonly string[];
}

/** Arguments of ApiIngress. */
export interface ApiIngressArgs {
    /** Namespace of the Ingress, the certificate and the backend. */
    readonly namespace: pulumi.Input<string>;
    /** Class of the controller that serves the Ingress; it need not be there yet. */
    readonly ingressClassName: pulumi.Input<string>;
    /** Address under which clients outside the cluster come: an IP address or a DNS name. */
    readonly address: string;
    /** Port under which they come. */
    readonly port: number;
    /** Issuer of the certificate. */
    readonly issuerRef: pulumi.Input<IssuerRef>;
    /** Where requests go. */
    readonly backend: ApiIngressBackend;
    /** Name of the Secret for the certificate. */
    readonly tlsSecretName: string;
    /**
     * Lifetime of the certificate; cert-manager renews it after two thirds.
     * @default "2160h"
     */
    readonly duration?: string;
}

/** The way in: a certificate for the site's address, and the Ingress that leads from there to the proxy. */
export class ApiIngress extends pulumi.ComponentResource {
    /** Name of the Secret with the certificate; resolves when the certificate is there. */
    readonly tlsSecretName: pulumi.Output<string>;
    /** URL of the API server for clients outside the cluster, such as https://10.1.2.3:60443; resolves when it is served. */
    readonly url: pulumi.Output<string>;

    constructor(name: string, args: ApiIngressArgs, opts?: pulumi.ComponentResourceOptions) {
        super("interlink:index:ApiIngress", name, args, opts);
        const { address, backend, duration = "2160h" } = args;
        checkArguments(this, [
            { key: "address", value: address, ok: isAddress(address), allowed: ADDRESS },
            { key: "duration", value: duration, ok: isCertificateDuration(duration), allowed: DURATION },
        ]);
        const lifetime = durationSeconds(duration);
        const metadata = { name, namespace: args.namespace };

        const certificate = serverCertificate(
            `${name}-certificate`,
            {
                metadata,
                secretName: args.tlsSecretName,
                issuerRef: args.issuerRef,
                spec: {
                    ...(isIP(address) === 0 ? { dnsNames: [address] } : { ipAddresses: [address] }),
                    duration: certificateDuration(lifetime),
                    renewBefore: certificateDuration(Math.floor(lifetime / 3)),
                },
            },
            this,
        );
        this.tlsSecretName = certificate.id.apply(() => args.tlsSecretName);

        const ingress = new k8s.networking.v1.Ingress(
            `${name}-ingress`,
            {
                metadata: {
                    ...metadata,
                    // ingress-nginx's annotations; Traefik's provider for them understands the same ones.
                    annotations: {
                        "nginx.ingress.kubernetes.io/backend-protocol": "HTTPS",
                        "nginx.ingress.kubernetes.io/proxy-ssl-secret": pulumi.interpolate`${args.namespace}/${backend.caSecretName}`,
                        "nginx.ingress.kubernetes.io/proxy-ssl-name": backend.serverName,
                        "nginx.ingress.kubernetes.io/proxy-ssl-verify": "on",
                    },
                },
                spec: {
                    ingressClassName: args.ingressClassName,
                    rules: [
                        {
                            // A rule's host may not be an IP address, and the certificate's Secret is found by tls alone.
                            ...(isIP(address) === 0 ? { host: address } : {}),
                            http: {
                                paths: backend.paths.map((path) => ({
                                    path,
                                    pathType: "Prefix",
                                    backend: {
                                        service: { name: backend.serviceName, port: { number: backend.servicePort } },
                                    },
                                })),
                            },
                        },
                    ],
                    tls: [{ hosts: [address], secretName: this.tlsSecretName }],
                },
            },
            { parent: this },
        );

        const host = isIP(address) === 6 ? `[${address}]` : address;
        this.url = ingress.id.apply(() => `https://${host}:${args.port}`);
        this.registerOutputs({ tlsSecretName: this.tlsSecretName, url: this.url });
    }
}
