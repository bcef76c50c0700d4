import { isIP } from "node:net";
import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import {
    ADDRESS,
    certificateDuration,
    Check,
    checkArguments,
    DURATION,
    durationSeconds,
    httpsUrl,
    isAddress,
    isCertificateDuration,
} from "../parts/arguments";
import { MAX_BODY_SIZE, SILENCE_SECONDS } from "../parts/limits";
import { IssuerRef, serverCertificate } from "../parts/serverCertificate";

/** The class and the Service of the Ingress. The Service speaks HTTPS, and its certificate is verified. */
interface ApiIngressRoute {
    /** Class of the controller that serves the Ingress; it need not be there yet. */
    readonly ingressClassName: pulumi.Input<string>;
    /** Name of the Service, in the Ingress's namespace. */
    readonly serviceName: pulumi.Input<string>;
    /** Port of the Service. */
    readonly servicePort: number;
    /** Name that the Service's certificate must hold. */
    readonly serverName: pulumi.Input<string>;
    /** CA certificates that verify the Service's certificate, PEM; in a rotation the old one and the new one. */
    readonly caCertificate: pulumi.Input<string>;
    /** Path prefixes that are routed to the Service. */
    readonly paths: readonly string[];
    /**
     * Networks, as CIDRs, from which clients may come, where the controller sees their own addresses; empty lets all come.
     * @default []
     */
    readonly sourceRanges?: readonly string[];
}

/** Arguments of ApiIngress. */
export interface ApiIngressArgs {
    /** Namespace of the Ingress, the certificate and the backend. */
    readonly namespace: pulumi.Input<string>;
    /** Address under which clients outside the cluster come: an IP address or a DNS name. */
    readonly address: pulumi.Input<string>;
    /** Port under which they come. */
    readonly port: number;
    /** Issuer of the certificate. */
    readonly issuerRef: pulumi.Input<IssuerRef>;
    /** Where an Ingress leads; without it there is no Ingress: whatever serves the certificate answers by itself. */
    readonly route?: ApiIngressRoute;
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
    /** The certificate, for whoever depends on it and not on the Ingress, which waits for its controller. */
    readonly certificate: pulumi.Resource;
    /** Name of the Secret with the certificate; resolves when the certificate is there. */
    readonly tlsSecretName: pulumi.Output<string>;
    /** Host of the URL: an IP address without brackets, or a DNS name. */
    readonly host: pulumi.Output<string>;
    /** URL of the API server for clients outside the cluster, such as https://10.1.2.3:60443. */
    readonly url: pulumi.Output<string>;

    constructor(name: string, args: ApiIngressArgs, opts?: pulumi.ComponentResourceOptions) {
        super("interlink:index:ApiIngress", name, args, opts);
        const { route, duration = "2160h" } = args;
        checkArguments(this, [
            ...(typeof args.address === "string" ? [addressCheck(args.address)] : []),
            { key: "duration", value: duration, ok: isCertificateDuration(duration), allowed: DURATION },
        ]);
        this.host = pulumi.output(args.address).apply((address) => {
            checkArguments(this, [addressCheck(address)]);
            return address;
        });
        const lifetime = durationSeconds(duration);
        const metadata = { name, namespace: args.namespace };

        const certificate = serverCertificate(
            `${name}-certificate`,
            {
                metadata,
                secretName: args.tlsSecretName,
                issuerRef: args.issuerRef,
                spec: {
                    dnsNames: this.host.apply((host) => (isIP(host) === 0 ? [host] : undefined)),
                    ipAddresses: this.host.apply((host) => (isIP(host) === 0 ? undefined : [host])),
                    duration: certificateDuration(lifetime),
                    renewBefore: certificateDuration(Math.floor(lifetime / 3)),
                },
            },
            this,
        );
        this.certificate = certificate;
        this.tlsSecretName = certificate.id.apply(() => args.tlsSecretName);

        if (route !== undefined) {
            apiIngress(name, route, this.host, this.tlsSecretName, metadata, this);
        }
        this.url = pulumi.all([this.host, certificate.id]).apply(([host]) => httpsUrl(host, args.port));
        this.registerOutputs({ tlsSecretName: this.tlsSecretName, host: this.host, url: this.url });
    }
}

function addressCheck(address: string): Check {
    return { key: "address", value: address, ok: isAddress(address), allowed: ADDRESS };
}

/** The Ingress: the same for every controller that reads ingress-nginx's annotations. */
function apiIngress(
    name: string,
    route: ApiIngressRoute,
    host: pulumi.Output<string>,
    tlsSecretName: pulumi.Output<string>,
    metadata: { readonly name: string; readonly namespace: pulumi.Input<string> },
    parent: pulumi.Resource,
): void {
    // Not the Secret of the Service's certificate: what is in there changes before the Service shows it.
    const authority = new k8s.core.v1.Secret(
        `${name}-ca`,
        {
            metadata: { name: `${name}-ca`, namespace: metadata.namespace },
            stringData: { "ca.crt": route.caCertificate },
        },
        { parent },
    );
    // Neither the host of a rule nor one of tls may be an IP address; a DNS name is both.
    const dnsName = host.apply((given) => (isIP(given) === 0 ? given : undefined));
    new k8s.networking.v1.Ingress(
        `${name}-ingress`,
        {
            metadata: {
                ...metadata,
                annotations: annotations(route, pulumi.interpolate`${metadata.namespace}/${authority.metadata.name}`),
            },
            spec: {
                ingressClassName: route.ingressClassName,
                rules: [
                    {
                        host: dnsName as pulumi.Output<string>,
                        http: {
                            paths: route.paths.map((path) => ({
                                path,
                                pathType: "Prefix",
                                backend: {
                                    service: { name: route.serviceName, port: { number: route.servicePort } },
                                },
                            })),
                        },
                    },
                ],
                // Clients that come by IP address name no host: they get the controller's default certificate, the same one.
                tls: [
                    {
                        hosts: dnsName.apply((name) => (name === undefined ? undefined : [name])) as pulumi.Output<
                            string[]
                        >,
                        secretName: tlsSecretName,
                    },
                ],
            },
        },
        { parent },
    );
}

/** What controllers are told by annotations: how the Service is spoken to, and that streams and large bodies pass. */
function annotations(route: ApiIngressRoute, caSecret: pulumi.Output<string>): Record<string, pulumi.Input<string>> {
    const { sourceRanges = [] } = route;
    return {
        "nginx.ingress.kubernetes.io/backend-protocol": "HTTPS",
        "nginx.ingress.kubernetes.io/proxy-ssl-secret": caSecret,
        "nginx.ingress.kubernetes.io/proxy-ssl-name": route.serverName,
        "nginx.ingress.kubernetes.io/proxy-ssl-verify": "on",
        // Watches, logs and exec stream, and large applies pass. Silence would end after 60 s.
        "nginx.ingress.kubernetes.io/proxy-read-timeout": String(SILENCE_SECONDS),
        "nginx.ingress.kubernetes.io/proxy-send-timeout": String(SILENCE_SECONDS),
        "nginx.ingress.kubernetes.io/proxy-body-size": MAX_BODY_SIZE,
        "nginx.ingress.kubernetes.io/proxy-request-buffering": "off",
        ...(sourceRanges.length > 0 && {
            "nginx.ingress.kubernetes.io/whitelist-source-range": sourceRanges.join(","),
        }),
    };
}
