import * as pulumi from "@pulumi/pulumi";
import * as random from "@pulumi/random";
import { Settings } from "../settings/schema";
import { Place, placed } from "./place";

/** Makes a name that no other stack in the cluster has, where the settings ask for that. */
export type Names = (name: string) => pulumi.Output<string>;

/** The names of a stack: with a random suffix by `uniqueNames`, else as they are. */
export function uniqueNames(settings: Settings, place: Place): Names {
    const opts = "parent" in place.opts ? place.opts : {};
    const suffix = settings.uniqueNames
        ? new random.RandomId(placed("suffix", place), { byteLength: 3 }, opts).hex
        : undefined;
    return (name) => (suffix === undefined ? pulumi.output(name) : pulumi.interpolate`${name}-${suffix}`);
}
