import { NginxApiProxyArgs } from "../../../components/nginxApiProxy";
import { IssuerRef } from "../../../components/parts/serverCertificate";

/** Namespace of the components. */
export const NAMESPACE = "ingress-nginx-internal";
/** Issuer of their certificates. */
export const ISSUER: IssuerRef = { name: "ca", kind: "ClusterIssuer", group: "cert-manager.io" };
/** Ports of their pods. */
export const PORTS = { http: 6080, https: 60443 };
/** Nodes whose own ports lead to them. */
export const HOST_PORTS = { nodeSelector: { "ingress-ready": "true" } };
/** Arguments of a proxy behind a controller. */
export const PROXY: NginxApiProxyArgs = {
    namespace: NAMESPACE,
    image: "nginx:1",
    clients: { type: "controller", issuerRef: ISSUER },
    ports: PORTS,
};
