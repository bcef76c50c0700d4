import * as pulumi from "@pulumi/pulumi";
import { LoadBalancer, providerAnnotations } from "../components/loadBalancer";
import { CloudSettings } from "../settings/schema";
import { compose, createSite } from "./compose";
import { StackOutputs } from "./outputs";

/** The guide's "Cloud": a load balancer of the provider's, whose address goes into the certificate in the same update. */
export function cloudStack(settings: CloudSettings, provider: pulumi.ProviderResource): StackOutputs {
    const site = createSite(settings, provider);
    const { loadBalancer } = settings;
    const { address } = new LoadBalancer(
        "api-load-balancer",
        {
            namespace: site.namespace,
            selector: site.front,
            ports: settings.ports,
            annotations: {
                ...providerAnnotations(loadBalancer.provider, loadBalancer.internal),
                ...loadBalancer.annotations,
            },
            sourceRanges: loadBalancer.sourceRanges,
        },
        site.opts,
    );
    return compose(site, { address: settings.address ?? address });
}
