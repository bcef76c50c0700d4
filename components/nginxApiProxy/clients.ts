import * as pulumi from "@pulumi/pulumi";
import { clientsOutside, IngressRule, tcp } from "../parts/networkPolicy";
import { HostPorts, Ports } from "../parts/ports";
import { IssuerRef, serverCertificate, ServerCertificateArgs } from "../parts/serverCertificate";

/** Who the clients of the proxy are. */
export type Clients =
    | {
          /** An ingress controller: the proxy has a certificate for its Service's name. */
          readonly type: "controller";
          /** Issuer of that certificate. */
          readonly issuerRef: pulumi.Input<IssuerRef>;
          /** Labels of its pods, beside the proxy: the only ones that reach it. */
          readonly podLabels: Readonly<Record<string, string>>;
      }
    | {
          /** Clients outside the cluster: the proxy has the certificate for the site's address. */
          readonly type: "outside";
          /** Name of the Secret, in the namespace, with that certificate; the pods cannot start before it exists. */
          readonly tlsSecretName: pulumi.Input<string>;
          /** Port at which they come for HTTPS, to which plain HTTP is redirected. */
          readonly port: number;
          /** The nodes on whose ports the proxy answers; without, a load balancer leads to it. */
          readonly hostPorts?: HostPorts;
          /**
           * Networks, as CIDRs, from which they may come, where the pods see the clients' own addresses; empty lets all come.
           * @default []
           */
          readonly sourceRanges?: readonly string[];
      };

/** The nodes on whose ports they come; undefined where they come by a Service. */
export function hostPortsOf(clients: Clients): HostPorts | undefined {
    return clients.type === "outside" ? clients.hostPorts : undefined;
}

/** What lets them in. */
export function fromClients(clients: Clients, ports: Ports): IngressRule {
    return clients.type === "outside"
        ? clientsOutside(ports, clients.sourceRanges ?? [])
        : { from: [{ podSelector: { matchLabels: clients.podLabels } }], ports: [tcp(ports.https)] };
}

/**
 * The certificate that the clients see: for a controller one of the proxy's own, for clients outside the one that was given.
 * @returns the name of its Secret, and what makes it, if anything does
 */
export function certificateFor(
    name: string,
    clients: Clients,
    metadata: ServerCertificateArgs["metadata"],
    serverName: pulumi.Output<string>,
    parent: pulumi.Resource,
): { readonly tlsSecretName: pulumi.Input<string>; readonly needed: readonly pulumi.Resource[] } {
    if (clients.type === "outside") {
        return { tlsSecretName: clients.tlsSecretName, needed: [] };
    }
    const secretName = `${name}-tls`;
    const { issuerRef } = clients;
    const args = { metadata, secretName, issuerRef, spec: { dnsNames: [serverName] } };
    return { tlsSecretName: secretName, needed: [serverCertificate(`${name}-certificate`, args, parent)] };
}
