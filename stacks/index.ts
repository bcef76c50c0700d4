import * as pulumi from "@pulumi/pulumi";
import { Settings } from "../settings/schema";
import { cloudStack } from "./cloud";
import { externalStack } from "./external";
import { kindStack } from "./kind";
import { metalLBStack } from "./metallb";
import { DeployedOutputs } from "./outputs";
import { NodeLook } from "./releases";

export { frontPods } from "./compose";
export type { NodeLook } from "./releases";

/** Composes the stack of the settings' environment. */
export function deploy(settings: Settings, provider: pulumi.ProviderResource, lookAtNode?: NodeLook): DeployedOutputs {
    switch (settings.environment) {
        case "kind":
            return kindStack(settings, provider, lookAtNode);
        case "cloud":
            return cloudStack(settings, provider, lookAtNode);
        case "metallb":
            return metalLBStack(settings, provider, lookAtNode);
        case "external":
            return externalStack(settings, provider, lookAtNode);
    }
}
