import * as pulumi from "@pulumi/pulumi";
import { clientsOutside, IngressRule, tcp } from "../parts/networkPolicy";
import { HostPorts, Ports } from "../parts/ports";
import { IssuerRef } from "../parts/serverCertificate";

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

/** What lets them in. */
export function fromClients(clients: Clients, ports: Ports): IngressRule {
    return clients.type === "outside"
        ? clientsOutside(ports, clients.sourceRanges ?? [])
        : { from: [{ podSelector: { matchLabels: clients.podLabels } }], ports: [tcp(ports.https)] };
}
