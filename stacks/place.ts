import * as pulumi from "@pulumi/pulumi";

/** How a stack's resources are named. */
export interface Named {
    /**
     * What the resources' names begin with, and those of the objects that are called by them.
     * @default ""
     */
    readonly prefix?: string;
}

/** Where a stack's resources go. */
export interface Place extends Named {
    /** The provider of them all or, where a component composes them, that component, whose providers they get. */
    readonly opts: { readonly provider: pulumi.ProviderResource } | { readonly parent: pulumi.ComponentResource };
}

/** The name of a resource in its place. */
export function placed(name: string, { prefix = "" }: Named): string {
    return prefix + name;
}
