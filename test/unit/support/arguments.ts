import { InterlinkReleaseArgs } from "../../../components/interlinkRelease";
import { NginxApiProxyArgs } from "../../../components/nginxApiProxy";
import { IssuerRef } from "../../../components/parts/serverCertificate";
import { CA_PEM } from "./mocks";

/** Namespace of the components. */
export const NAMESPACE = "ingress-nginx-internal";
/** Issuer of their certificates. */
export const ISSUER: IssuerRef = { name: "ca", kind: "ClusterIssuer", group: "cert-manager.io" };
/** Ports of their pods. */
export const PORTS = { http: 6080, https: 60443 };
/** Nodes whose own ports lead to them. */
export const HOST_PORTS = { nodeSelector: { "ingress-ready": "true" } };
/** Labels of a controller's pods. */
const CONTROLLER = { "app.kubernetes.io/instance": "controller" };
/** Arguments of a proxy behind a controller that ends TLS. */
export const PROXY: NginxApiProxyArgs = {
    namespace: NAMESPACE,
    image: "nginx:1",
    clients: { type: "controller", issuerRef: ISSUER, podLabels: CONTROLLER },
    ports: PORTS,
};
/** The same behind one that passes TLS through. */
export const PASSED_THROUGH = {
    ...PROXY,
    clients: { type: "passed-through", tlsSecretName: "leaf", podLabels: CONTROLLER },
} as const satisfies NginxApiProxyArgs;
/** Arguments of an InterLink release. */
export const RELEASE: InterlinkReleaseArgs = {
    namespace: "interlink",
    nodeName: "node",
    chartVersion: "0.6.1",
    kubernetesApi: { address: "10.1.2.3", port: 60443, caCertificate: CA_PEM },
    interlink: { address: "https://10.9.9.9", port: 3000, tls: { ca: CA_PEM } },
    virtualKubeletImage: "vk:1",
    refreshTokenImage: "refresh:1",
    kubectlImage: "kubectl:1",
    approverImage: "approver:1",
    resources: { cpus: 1, memGiB: 2, pods: 3 },
};
