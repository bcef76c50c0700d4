import * as pulumi from "@pulumi/pulumi";
import { Settings } from "../settings/schema";
import { cloudStack } from "./cloud";
import { externalStack } from "./external";
import { kindStack } from "./kind";
import { metalLBStack } from "./metallb";
import { DeployedOutputs } from "./outputs";

export { frontPods } from "./compose";

/** Composes the stack of the settings' environment. */
export function deploy(settings: Settings, provider: pulumi.ProviderResource): DeployedOutputs {
    switch (settings.environment) {
        case "kind":
            return kindStack(settings, provider);
        case "cloud":
            return cloudStack(settings, provider);
        case "metallb":
            return metalLBStack(settings, provider);
        case "external":
            return externalStack(settings, provider);
    }
}
