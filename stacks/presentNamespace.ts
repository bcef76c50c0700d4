import { Look } from "./look";

/** What keeps a namespace from being made: one of its name that is not this stack's, or that is going. */
export async function namespaceFaults(
    look: Look,
    key: string,
    name: string,
    remedy = "give another name",
): Promise<string[]> {
    const namespace = await look.object(`/api/v1/namespaces/${name}`);
    if (!namespace) {
        return [];
    }
    if (namespace.metadata.deletionTimestamp !== undefined) {
        return [`${key}: the namespace ${name} is being deleted; wait until it is gone, or give another name.`];
    }
    const stranger = look.stranger(namespace);
    return stranger === undefined ? [] : [`${key}: the namespace ${name} exists and ${stranger}; ${remedy}.`];
}
