import * as pulumi from "@pulumi/pulumi";
import { KEPT_SECONDS } from "../parts/availability";
import { clientsOutside, IngressRule, tcp } from "../parts/networkPolicy";
import { HostPorts, Ports } from "../parts/ports";
import { IssuerRef, serverCertificate, ServerCertificateArgs } from "../parts/serverCertificate";

/** Who the clients of the proxy are. */
export type Clients =
    | {
          /** An ingress controller that ends TLS: the proxy has a certificate for its Service's name. */
          readonly type: "controller";
          /** Issuer of that certificate. */
          readonly issuerRef: pulumi.Input<IssuerRef>;
          /** Labels of its pods, beside the proxy: the only ones that reach it. */
          readonly podLabels: Readonly<Record<string, string>>;
      }
    | {
          /**
           * Clients outside the cluster, whose TLS an ingress controller passes through: the proxy has the certificate for the
           * site's address, and is told by PROXY protocol who they are.
           */
          readonly type: "passed-through";
          /** Name of the Secret, in the namespace, with that certificate; the pods cannot start before it exists. */
          readonly tlsSecretName: pulumi.Input<string>;
          /** Labels of the controller's pods, beside the proxy: the only ones that reach it, and that are believed. */
          readonly podLabels: Readonly<Record<string, string>>;
          /**
           * Networks, as CIDRs, from which they may come, where the controller sees the clients' own addresses; empty lets all come.
           * @default []
           */
          readonly sourceRanges?: readonly string[];
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

/** Networks, as CIDRs, to which the proxy holds its clients; none where a controller that ends TLS does that. */
export function sourceRangesOf(clients: Clients): readonly string[] {
    return clients.type === "controller" ? [] : (clients.sourceRanges ?? []);
}

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
 * The certificate that the clients see: for a controller that ends TLS one of the proxy's own, else the one that was given.
 * @returns the name of its Secret, and what makes it, if anything does
 */
export function certificateFor(
    name: string,
    clients: Clients,
    metadata: ServerCertificateArgs["metadata"],
    serverName: pulumi.Output<string>,
    parent: pulumi.Resource,
): { readonly tlsSecretName: pulumi.Input<string>; readonly needed: readonly pulumi.Resource[] } {
    if (clients.type !== "controller") {
        return { tlsSecretName: clients.tlsSecretName, needed: [] };
    }
    const secretName = `${name}-tls`;
    const { issuerRef } = clients;
    const args = { metadata, secretName, issuerRef, spec: { dnsNames: [serverName] } };
    return { tlsSecretName: secretName, needed: [serverCertificate(`${name}-certificate`, args, parent)] };
}

/** What nginx's configuration says of its clients. */
interface ClientsConfiguration {
    /** Variable that names a client in the log, also where what it sent is no request. */
    readonly logged: string;
    /** Options of `listen`. */
    readonly listen: string;
    /** Lines within the server for clients. */
    readonly server: string;
    /** Line that tells the API server who the client is; a controller that ends TLS has told it. */
    readonly location: string;
}

/** How nginx knows who its clients are, and for how long it keeps their connections. */
export function clientsConfiguration(type: Clients["type"]): ClientsConfiguration {
    const location = "            proxy_set_header X-Forwarded-For $remote_addr;\n";
    switch (type) {
        case "controller":
            return { logged: "$http_x_forwarded_for", listen: "", server: "", location: "" };
        case "outside":
            return { logged: "$remote_addr", listen: "", server: "", location };
        case "passed-through":
            return {
                logged: "$proxy_protocol_addr",
                listen: " proxy_protocol",
                server: `        # The network policy lets in the controller alone, which tells whose connection it is.
        set_real_ip_from 0.0.0.0/0;
        set_real_ip_from ::/0;
        real_ip_header proxy_protocol;
        # The controller cannot tell clients to leave before it ends.
        keepalive_time ${KEPT_SECONDS}s;
`,
                location,
            };
    }
}
