import { join } from "node:path";
import { ComponentProviderOptions } from "@pulumi/pulumi/provider/experimental";
import { ApiAccess } from "./apiAccess";

/** The Pulumi package, whose schema Pulumi derives from the sources. */
export const PROVIDER: ComponentProviderOptions = {
    name: "interlink-kube-api",
    components: [ApiAccess],
    // Of package.json, which has the version, and of tsconfig.json.
    dirname: join(__dirname, ".."),
};
