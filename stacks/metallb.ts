import * as pulumi from "@pulumi/pulumi";
import { LoadBalancer } from "../components/loadBalancer";
import { addressAnnotations, MetalLB } from "../components/metalLB";
import { MetalLBSettings } from "../settings/schema";
import { compose, createSite } from "./compose";
import { metalLBImages, mirroredImage, mirroredRelease } from "./mirror";
import { StackOutputs } from "./outputs";

/** The guide's "MetalLB": a fixed address from a pool of the site's own network. */
export function metalLBStack(settings: MetalLBSettings, provider: pulumi.ProviderResource): StackOutputs {
    const site = createSite(settings, provider);
    const { metallb, mirror } = settings;
    const metalLB = new MetalLB(
        "metallb",
        {
            release: mirroredRelease("metallb", metallb, metalLBImages(mirror.registry), mirror),
            poolName: site.unique("interlink-kube-api"),
            addresses: metallb.addresses,
            kubectlImage: mirroredImage(settings.images.kubectl, mirror.registry),
        },
        site.opts,
    );
    new LoadBalancer(
        "api-load-balancer",
        {
            namespace: site.namespace,
            selector: site.front,
            ports: settings.ports,
            annotations: addressAnnotations(settings.address),
            sourceRanges: settings.loadBalancer.sourceRanges,
        },
        { ...site.opts, dependsOn: metalLB },
    );
    return compose(site, { address: settings.address });
}
