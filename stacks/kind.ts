import * as pulumi from "@pulumi/pulumi";
import { KindSettings } from "../settings/schema";
import { compose, createSite } from "./compose";
import { DeployedOutputs } from "./outputs";
import { Cluster } from "./releases";

/** The guide's "KIND cluster": ports of the node that kind maps to the host. */
export function kindStack(
    settings: KindSettings,
    provider: pulumi.ProviderResource,
    cluster: Cluster,
): DeployedOutputs {
    return compose(createSite(settings, provider, cluster), {
        address: settings.address,
        ports: settings.ports,
        hostPorts: { nodeSelector: settings.nodeSelector },
        sourceRanges: settings.sourceRanges,
    });
}
