/** Serves the Pulumi package to programs in any language; Pulumi runs it by PulumiPlugin.yaml. */
import { componentProviderHost } from "@pulumi/pulumi/provider/experimental";
import { PROVIDER } from "./provider";

void componentProviderHost(PROVIDER);
