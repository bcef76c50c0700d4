import { LoadBalancer, outsidePorts, providerAnnotations } from "../components/loadBalancer";
import { CloudSettings } from "../settings/schema";
import { clientRanges, compose, createSite, NAMES } from "./compose";
import { DeployedOutputs } from "./outputs";
import { Place, placed } from "./place";
import { Cluster } from "./releases";

/** The guide's "Cloud": a load balancer of the provider's, whose address goes into the certificate in the same update. */
export function cloudStack(settings: CloudSettings, place: Place, cluster: Cluster): DeployedOutputs {
    const site = createSite(settings, place, cluster);
    const { loadBalancer } = settings;
    const ports = outsidePorts(settings.ports, loadBalancer.port);
    const { address } = new LoadBalancer(
        placed(NAMES.loadBalancer, place),
        {
            namespace: site.namespace,
            selector: site.front,
            ports,
            address: settings.address,
            annotations: {
                ...providerAnnotations({ ...loadBalancer, ports }),
                ...loadBalancer.annotations,
            },
            sourceRanges: loadBalancer.sourceRanges,
            class: loadBalancer.class,
            externalTrafficPolicy: loadBalancer.externalTrafficPolicy,
        },
        place.opts,
    );
    return compose(site, { address: settings.address ?? address, ports, sourceRanges: clientRanges(loadBalancer) });
}
