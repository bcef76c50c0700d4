import { Settings } from "../settings/schema";
import { cloudStack } from "./cloud";
import { externalStack } from "./external";
import { kindStack } from "./kind";
import { metalLBStack } from "./metallb";
import { DeployedOutputs } from "./outputs";
import { Place } from "./place";
import { Cluster } from "./releases";

export { frontPods } from "./compose";
export { apiServerPorts } from "./pods";
export type { NodeLook } from "./releases";

/** Composes the stack of the settings' environment. */
export function deploy(settings: Settings, place: Place, cluster: Cluster = {}): DeployedOutputs {
    switch (settings.environment) {
        case "kind":
            return kindStack(settings, place, cluster);
        case "cloud":
            return cloudStack(settings, place, cluster);
        case "metallb":
            return metalLBStack(settings, place, cluster);
        case "external":
            return externalStack(settings, place, cluster);
    }
}
