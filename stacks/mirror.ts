import { mergeValues, Release } from "../components/parts/release";
import { chartImages } from "../versions";

/** A closed network's own copies of images and charts. */
export interface Mirror {
    /** Registry, with a path where the copies lie below one, that holds the images of all registries. */
    readonly registry?: string;
    /** OCI address or folder that holds the charts by their names. */
    readonly charts?: string;
}

/** The image's copy: its name below the mirror instead of its registry; an image of the mirror stays as it is. */
export function mirroredImage(image: string, registry: string | undefined): string {
    if (registry === undefined || image.startsWith(`${registry}/`)) {
        return image;
    }
    const [first = "", ...rest] = image.split("/");
    // The first part of a name is a registry where it could be a host's name.
    return rest.length > 0 && /[.:]|^localhost$/.test(first) ? `${registry}/${rest.join("/")}` : `${registry}/${image}`;
}

/** The chart that was given or, by its name, the mirror's; undefined where the chart's own source serves. */
export function mirroredChart(name: string, given: string | undefined, mirror: Mirror): string | undefined {
    return given ?? (mirror.charts === undefined ? undefined : `${mirror.charts}/${name}`);
}

/** The release with its chart from the mirror, and the images that its chart names by itself, by values for that. */
export function mirroredRelease(
    name: string,
    given: Release,
    images: Record<string, unknown>,
    mirror: Mirror,
): Release {
    return given.install
        ? { ...given, chart: mirroredChart(name, given.chart, mirror), values: mergeValues(images, given.values ?? {}) }
        : given;
}

/** Values by which cert-manager's chart takes its images from the mirror. */
export function certManagerImages(registry: string | undefined): Record<string, unknown> {
    if (registry === undefined) {
        return {};
    }
    const { controller, ...others } = repositories(chartImages.certManager, registry);
    return { ...controller, ...others };
}

/** Values by which MetalLB's chart takes its images from the mirror. */
export function metalLBImages(registry: string | undefined): Record<string, unknown> {
    return registry === undefined ? {} : repositories(chartImages.metalLB, registry);
}

/** A value `image.repository` for each part of a chart. */
function repositories<Part extends string>(images: Readonly<Record<Part, string>>, registry: string) {
    return Object.fromEntries(
        Object.entries<string>(images).map(([part, image]) => [
            part,
            { image: { repository: mirroredImage(image, registry) } },
        ]),
    ) as Record<Part, { image: { repository: string } }>;
}
