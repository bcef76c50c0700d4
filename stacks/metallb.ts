import { LoadBalancer, outsidePorts } from "../components/loadBalancer";
import { addressAnnotations, MetalLB } from "../components/metalLB";
import { MetalLBSettings } from "../settings/schema";
import { clientRanges, compose, createSite, NAMES, Site } from "./compose";
import { metalLBImages, mirroredImage, mirroredRelease } from "./mirror";
import { DeployedOutputs } from "./outputs";
import { Place, placed } from "./place";
import { Cluster } from "./releases";

/** Class of the MetalLB that a stack installs, so that it leaves the Services of others alone, and others leave ours. */
const OWN_CLASS = "interlink-kube-api/metallb";

/** The guide's "MetalLB": a fixed address from a pool of the site's own network. */
export function metalLBStack(settings: MetalLBSettings, place: Place, cluster: Cluster): DeployedOutputs {
    const site = createSite(settings, place, cluster);
    const { loadBalancer, metallb } = settings;
    const ports = outsidePorts(settings.ports, loadBalancer.port);
    const loadBalancerClass = loadBalancer.class ?? (metallb.install ? OWN_CLASS : undefined);
    const { addresses } = metallb;
    // Without addresses, a pool of the cluster's own MetalLB holds the one that the Service asks for.
    const pool = addresses && announcedPool(site, settings, addresses, loadBalancerClass);
    new LoadBalancer(
        placed(NAMES.loadBalancer, place),
        {
            namespace: site.namespace,
            selector: site.front,
            ports,
            address: settings.address,
            annotations: addressAnnotations(settings.address),
            sourceRanges: loadBalancer.sourceRanges,
            class: loadBalancerClass,
            externalTrafficPolicy: loadBalancer.externalTrafficPolicy,
            nodePorts: false,
        },
        { ...site.place.opts, dependsOn: pool },
    );
    return compose(site, { address: settings.address, ports, sourceRanges: clientRanges(loadBalancer) });
}

/** MetalLB with a pool of ours. */
function announcedPool(
    site: Site,
    settings: MetalLBSettings,
    addresses: readonly string[],
    loadBalancerClass: string | undefined,
): MetalLB {
    const { metallb, mirror, images } = settings;
    return new MetalLB(
        placed("metallb", site.place),
        {
            release: mirroredRelease("metallb", metallb, metalLBImages(mirror.registry), settings),
            poolName: site.unique("interlink-kube-api"),
            addresses,
            loadBalancerClass,
            kubectlImage: mirroredImage(images.kubectl, mirror.registry),
            pods: site.pods,
        },
        site.place.opts,
    );
}
