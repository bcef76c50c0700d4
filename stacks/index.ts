import * as pulumi from "@pulumi/pulumi";
import { Settings } from "../settings/schema";
import { cloudStack } from "./cloud";
import { externalStack } from "./external";
import { kindStack } from "./kind";
import { metalLBStack } from "./metallb";
import { DeployedOutputs } from "./outputs";
import { Cluster } from "./releases";

export { frontPods } from "./compose";
export { apiServerPorts } from "./pods";
export type { NodeLook } from "./releases";

/** Composes the stack of the settings' environment. */
export function deploy(settings: Settings, provider: pulumi.ProviderResource, cluster: Cluster = {}): DeployedOutputs {
    switch (settings.environment) {
        case "kind":
            return kindStack(settings, provider, cluster);
        case "cloud":
            return cloudStack(settings, provider, cluster);
        case "metallb":
            return metalLBStack(settings, provider, cluster);
        case "external":
            return externalStack(settings, provider, cluster);
    }
}
