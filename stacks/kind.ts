import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { ApiIngress } from "../components/apiIngress";
import { InterlinkRelease } from "../components/interlinkRelease";
import { InternalIngressController } from "../components/internalIngressController";
import { NginxApiProxy } from "../components/nginxApiProxy";
import { SelfSignedCA } from "../components/selfSignedCA";
import { Settings } from "../config";
import { StackOutputs } from "./outputs";

/** The label by which kind marks the node that has the port mappings. */
const INGRESS_NODE = { "ingress-ready": "true" };
/** Secret for the certificate of the site's address; the guide's name. */
const TLS_SECRET_NAME = "web-ssl-kubernetes-api";

/** The guide's "KIND cluster": the controller on ports of the node that is labelled ingress-ready. */
export function kindStack(settings: Settings, provider: pulumi.ProviderResource): StackOutputs {
    const opts = { provider };
    const { address, ports, images } = settings;
    const namespace = new k8s.core.v1.Namespace("namespace", { metadata: { name: settings.namespace } }, opts);

    const ca = new SelfSignedCA(
        "ingress-nginx-internal-root-ca",
        { certManager: settings.certManager, duration: settings.ca.duration },
        // The CertManager component is remote: it takes its provider from this map.
        { providers: { kubernetes: provider } },
    );
    const proxy = new NginxApiProxy(
        "my-nginx-kubernetes-api",
        {
            namespace: namespace.metadata.name,
            image: images.nginx,
            issuerRef: ca.issuerRef,
            replicas: settings.proxy.replicas,
        },
        opts,
    );
    const ingress = new ApiIngress(
        "kubernetes-api",
        {
            namespace: namespace.metadata.name,
            ingressClassName: settings.ingressClassName,
            address,
            port: ports.https,
            issuerRef: ca.issuerRef,
            backend: {
                serviceName: proxy.serviceName,
                servicePort: proxy.servicePort,
                serverName: proxy.serverName,
                caSecretName: proxy.tlsSecretName,
                paths: proxy.paths,
            },
            tlsSecretName: TLS_SECRET_NAME,
            duration: settings.certificate.duration,
        },
        opts,
    );
    const controller = new InternalIngressController(
        "my-ingress-nginx",
        {
            controller: settings.controller,
            namespace: namespace.metadata.name,
            image: images.traefik,
            ingressClassName: settings.ingressClassName,
            address,
            ports,
            nodeSelector: INGRESS_NODE,
            defaultCertificateSecretName: ingress.tlsSecretName,
        },
        opts,
    );
    const interlink = new InterlinkRelease(
        "interlink",
        {
            ...settings.interlink,
            kubernetesApi: { address, port: ports.https, caCertificate: ca.caCertificate },
            interlink: { address: settings.interlink.address, port: settings.interlink.port },
            virtualKubeletImage: images.virtualKubelet,
            kubectlImage: images.kubectl,
            values: settings.interlinkValues,
        },
        opts,
    );

    return {
        apiServerUrl: ingress.url,
        apiServerHost: address,
        apiServerPort: ports.https,
        caCertificate: ca.caCertificate,
        ingressClassName: controller.ingressClassName,
        interlinkNodeName: interlink.nodeName,
        namespace: namespace.metadata.name,
    };
}
