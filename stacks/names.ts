import * as pulumi from "@pulumi/pulumi";
import * as random from "@pulumi/random";
import { Settings } from "../settings/schema";

/** Makes a name that no other stack in the cluster has, where the settings ask for that. */
export type Names = (name: string) => pulumi.Output<string>;

/** The names of a stack: with a random suffix by `uniqueNames`, else as they are. */
export function uniqueNames(settings: Settings): Names {
    const suffix = settings.uniqueNames ? new random.RandomId("suffix", { byteLength: 3 }).hex : undefined;
    return (name) => (suffix === undefined ? pulumi.output(name) : pulumi.interpolate`${name}-${suffix}`);
}
