import * as pulumi from "@pulumi/pulumi";
import { ApiIngress } from "../components/apiIngress";
import { InternalIngressController, InternalIngressControllerArgs } from "../components/internalIngressController";
import { Admit, NginxApiProxy } from "../components/nginxApiProxy";
import { podNamespace } from "../components/parts/namespace";
import { networkPolicy } from "../components/parts/networkPolicy";
import { HostPorts, Ports } from "../components/parts/ports";
import { IssuerRef } from "../components/parts/serverCertificate";
import { SelfSignedCA } from "../components/selfSignedCA";
import { LoadBalancerSettings, OwnWaySettings, Settings } from "../settings/schema";
import { sitesOf } from "../settings/sites";
import { certManagerImages, chartRegistry, mirroredChart, mirroredImage, mirroredRelease } from "./mirror";
import { uniqueNames } from "./names";
import { DeployedOutputs, FrontPods } from "./outputs";
import { podDefaultsOf } from "./pods";
import { Named, Place, placed } from "./place";
import { Cluster, interlinkReleases, ReleasePlace } from "./releases";

/** Secret for the certificate of the site's address; the guide's name. */
export const TLS_SECRET_NAME = "web-ssl-kubernetes-api";
/** Names of the guide's objects; those without a namespace and the namespaces get a suffix by `uniqueNames`. */
export const NAMES = {
    ca: "ingress-nginx-internal-root-ca",
    proxy: "my-nginx-kubernetes-api",
    controller: "my-ingress-nginx",
    ingress: "kubernetes-api",
    loadBalancer: "api-load-balancer",
} as const;

/** What every stack has before it knows the address under which clients come. */
export interface Site extends ReleasePlace {
    /** The settings. */
    readonly settings: OwnWaySettings;
    /** Namespace of what clients outside reach; resolves when it exists. */
    readonly namespace: pulumi.Output<string>;
    /** Labels of the pods that clients outside reach: the controller's or, without one, the proxy's. */
    readonly front: Readonly<Record<string, string>>;
}

/** Makes the namespace, and the names that depend on the settings. */
export function createSite(settings: OwnWaySettings, place: Place, cluster: Cluster): Site {
    const unique = uniqueNames(settings, place);
    const pods = podDefaultsOf(settings, cluster);
    // Ports of nodes are more than the baseline admits.
    const level = settings.environment === "kind" ? "privileged" : "restricted";
    const name = placed("namespace", place);
    const namespace = podNamespace(name, { name: unique(settings.namespace), level, pods }, place.opts);
    networkPolicy(
        `${name}-default-deny`,
        { metadata: { name: "default-deny", namespace }, traffic: () => ({}) },
        pods,
        place.opts,
    );
    return {
        settings,
        place,
        unique,
        namespace,
        front: frontLabels(settings, place),
        pods,
        lookAtNode: cluster.lookAtNode,
    };
}

/** Labels of the pods that clients outside reach. */
function frontLabels({ controller }: OwnWaySettings, named: Named): Readonly<Record<string, string>> {
    return { "app.kubernetes.io/instance": placed(controller === "none" ? NAMES.proxy : NAMES.controller, named) };
}

/** The pods of the program that clients outside reach; undefined where somebody else provides the way in. */
export function frontPods(settings: Settings): FrontPods | undefined {
    return settings.environment === "external"
        ? undefined
        : { labels: frontLabels(settings, {}), port: settings.ports.https, admit: settings.admit };
}

/** How clients outside the cluster reach the site. */
export interface Access {
    /** Address under which they come. */
    readonly address: pulumi.Input<string>;
    /** Ports at which they come. */
    readonly ports: Ports;
    /** The nodes on whose ports they come; without, a load balancer leads to the pods. */
    readonly hostPorts?: HostPorts;
    /** Networks, as CIDRs, to which the pods hold clients by themselves; none where they do not see the clients' addresses. */
    readonly sourceRanges: readonly string[];
}

/**
 * The networks to which the pods behind a load balancer hold clients by themselves, since not every load balancer does:
 * none where nodes pass connections on to each other, and the pods see the nodes' addresses.
 */
export function clientRanges({ externalTrafficPolicy, sourceRanges }: LoadBalancerSettings): readonly string[] {
    return externalTrafficPolicy === "Local" ? sourceRanges : [];
}

/** Composes the components: from the CA to the InterLink release, the same in every environment. */
export function compose(site: Site, access: Access): DeployedOutputs {
    const { settings, place } = site;
    const { opts } = place;
    const { mirror } = settings;
    const certManager = certManagerImages(mirror.registry);
    const name = placed(NAMES.ca, place);
    const ca = new SelfSignedCA(
        name,
        {
            certManager: mirroredRelease("cert-manager", settings.certManager, certManager, settings),
            pods: site.pods,
            issuerName: site.unique(name),
            duration: settings.ca.duration,
            generation: settings.ca.generation,
            rotation: settings.ca.rotation,
            protect: settings.ca.protect,
        },
        // The CertManager component is remote: it takes its provider from this map or, as all do, from their parent.
        "provider" in opts ? { providers: { kubernetes: opts.provider } } : opts,
    );
    const way = { none: withoutController, traefik: behindTraefik, "ingress-nginx": behindIngressNginx };
    const api = way[settings.controller](site, access, ca);
    const kubernetesApi = { address: api.ingress.host, port: access.ports.https, caCertificate: ca.caCertificate };
    const nodes = interlinkReleases(settings, kubernetesApi, site);
    return {
        apiServerUrl: pulumi.all([api.ingress.url, api.ingressClassName]).apply(([url]) => url),
        apiServerHost: api.ingress.host,
        apiServerPort: access.ports.https,
        caCertificate: ca.caCertificate,
        ingressClassName: api.ingressClassName,
        ...nodes,
        namespace: site.namespace,
    };
}

/** The way in, and the class of its controller, which resolves when the way is open. */
interface Api {
    readonly ingress: ApiIngress;
    readonly ingressClassName: pulumi.Output<string>;
}

/** The guide's way: the controller ends TLS, and an Ingress leads to the proxy. */
function behindIngressNginx(site: Site, access: Access, ca: SelfSignedCA): Api {
    const { settings, place } = site;
    const { issuerRef, caCertificate } = ca;
    const proxy = new NginxApiProxy(
        placed(NAMES.proxy, place),
        { ...proxyArgs(site), clients: { type: "controller", issuerRef, podLabels: site.front } },
        place.opts,
    );
    const ingress = new ApiIngress(
        placed(NAMES.ingress, place),
        {
            ...ingressArgs(site, access, issuerRef),
            route: {
                ingressClassName: site.unique(settings.ingressClassName),
                serviceName: proxy.serviceName,
                servicePort: proxy.servicePort,
                serverName: proxy.serverName,
                caCertificate,
                paths: proxy.paths,
                sourceRanges: heldTo(access),
            },
        },
        place.opts,
    );
    const chart = mirroredChart("ingress-nginx", settings.ingressNginx.chart, settings.mirror);
    return withController(site, access, ingress, {
        type: "ingress-nginx",
        chart,
        registry: chartRegistry(chart, settings),
        chartVersion: settings.ingressNginx.chartVersion,
        image: mirroredImage(settings.images.ingressNginx, settings.mirror.registry),
    });
}

/** The way by which a second service has the same address: the controller passes TLS through to the proxy, which ends it. */
function behindTraefik(site: Site, access: Access, ca: SelfSignedCA): Api {
    const { images, mirror } = site.settings;
    const { ingress, proxy } = proxyOfAddress(site, access, ca, { type: "passed-through", podLabels: site.front });
    const image = mirroredImage(images.traefik, mirror.registry);
    return withController(site, access, ingress, { type: "traefik", image, passThroughTo: proxy.serviceAddress });
}

/** The way in through a controller. */
function withController(
    { settings, place, namespace, unique, pods }: Site,
    access: Access,
    ingress: ApiIngress,
    software: InternalIngressControllerArgs["software"],
): Api {
    const { ingressClassName } = new InternalIngressController(
        placed(NAMES.controller, place),
        {
            software,
            namespace,
            ingressClassName: unique(settings.ingressClassName),
            address: access.address,
            ports: settings.ports,
            outsidePort: access.ports.https,
            hostPorts: access.hostPorts,
            sourceRanges: access.sourceRanges,
            defaultCertificateSecretName: TLS_SECRET_NAME,
            pods,
            metrics: settings.metrics.enabled ? settings.metrics : undefined,
        },
        // A pod that mounts a Secret which comes later waits up to a minute for kubelet's next try.
        { ...place.opts, dependsOn: ingress.certificate },
    );
    return { ingress, ingressClassName };
}

/** The short way: clients outside come to the proxy itself. */
function withoutController(site: Site, access: Access, ca: SelfSignedCA): Api {
    const { hostPorts, ports } = access;
    const { ingress, proxy } = proxyOfAddress(site, access, ca, { type: "outside", port: ports.https, hostPorts });
    return { ingress, ingressClassName: proxy.serviceName.apply(() => "") };
}

/** The certificate of the address, and a proxy that shows it, however clients are led to that. */
function proxyOfAddress(
    site: Site,
    access: Access,
    { issuerRef }: SelfSignedCA,
    led:
        { type: "passed-through"; podLabels: Site["front"] } | { type: "outside"; port: number; hostPorts?: HostPorts },
): { readonly ingress: ApiIngress; readonly proxy: NginxApiProxy } {
    const { opts } = site.place;
    const ingress = new ApiIngress(placed(NAMES.ingress, site.place), ingressArgs(site, access, issuerRef), opts);
    const clients = { ...led, tlsSecretName: ingress.tlsSecretName, sourceRanges: heldTo(access) };
    const proxy = new NginxApiProxy(placed(NAMES.proxy, site.place), { ...proxyArgs(site), clients }, opts);
    return { ingress, proxy };
}

/** The networks to which the pods hold clients, with the address of a port-forward: the end of an update asks by one. */
function heldTo({ sourceRanges }: Access): readonly string[] {
    return sourceRanges.length === 0 ? [] : [...sourceRanges, "127.0.0.0/8", "::1/128"];
}

function proxyArgs(site: Site) {
    const { settings, namespace, pods } = site;
    return {
        namespace,
        image: mirroredImage(settings.images.nginx, settings.mirror.registry),
        ports: settings.ports,
        replicas: settings.proxy.replicas,
        pods,
        limits: settings.limits,
        metrics: settings.metrics.enabled
            ? {
                  image: mirroredImage(settings.images.mtail, settings.mirror.registry),
                  podMonitor: settings.metrics.podMonitor,
              }
            : undefined,
        admit: admitted(site),
    };
}

/** Whose requests the proxy passes on; jobs are those on the virtual nodes of the settings. */
function admitted({ settings, place, unique }: Site): Admit {
    if (settings.admit !== "jobs") {
        return { type: settings.admit };
    }
    const nodeNames = pulumi.all(sitesOf(settings).map(({ nodeName }) => unique(nodeName)));
    return { type: "jobs", nodeNames, uniqueName: unique(placed(NAMES.proxy, place)) };
}

function ingressArgs({ settings, namespace }: Site, { address, ports }: Access, issuerRef: pulumi.Input<IssuerRef>) {
    return {
        namespace,
        address,
        port: ports.https,
        issuerRef,
        tlsSecretName: TLS_SECRET_NAME,
        duration: settings.certificate.duration,
    };
}
