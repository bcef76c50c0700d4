import * as pulumi from "@pulumi/pulumi";
import { KindSettings } from "../settings/schema";
import { compose, createSite } from "./compose";
import { DeployedOutputs } from "./outputs";
import { NodeLook } from "./releases";

/** The guide's "KIND cluster": ports of the node that kind maps to the host. */
export function kindStack(
    settings: KindSettings,
    provider: pulumi.ProviderResource,
    lookAtNode?: NodeLook,
): DeployedOutputs {
    return compose(createSite(settings, provider, lookAtNode), {
        address: settings.address,
        ports: settings.ports,
        hostPorts: { nodeSelector: settings.nodeSelector },
        sourceRanges: settings.sourceRanges,
    });
}
