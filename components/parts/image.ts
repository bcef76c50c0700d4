/** The image's copy: its name below the mirror instead of its registry; an image of the mirror stays as it is. */
export function mirroredImage(image: string, registry: string | undefined): string {
    if (registry === undefined || image.startsWith(`${registry}/`)) {
        return image;
    }
    const [first = "", ...rest] = image.split("/");
    // The first part of a name is a registry where it could be a host's name.
    return rest.length > 0 && /[.:]|^localhost$/.test(first) ? `${registry}/${rest.join("/")}` : `${registry}/${image}`;
}
