import { KindSettings } from "../settings/schema";
import { compose, createSite } from "./compose";
import { DeployedOutputs } from "./outputs";
import { Place } from "./place";
import { Cluster } from "./releases";

/** The guide's "KIND cluster": ports of the node that kind maps to the host. */
export function kindStack(settings: KindSettings, place: Place, cluster: Cluster): DeployedOutputs {
    return compose(createSite(settings, place, cluster), {
        address: settings.address,
        ports: settings.ports,
        hostPorts: { nodeSelector: settings.nodeSelector },
        sourceRanges: settings.sourceRanges,
    });
}
