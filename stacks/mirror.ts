import { mirroredImage } from "../components/parts/image";
import { chartHost, ChartRegistry, mergeValues, Release } from "../components/parts/release";
import { Settings } from "../settings/schema";
import { chartImages } from "../versions";

export { mirroredImage } from "../components/parts/image";

/** The settings of a closed network: its own copies of images and charts, and the logins to their registries. */
type Closed = Pick<Settings, "mirror" | "registryLogins">;

/** The chart that was given or, by its name, the mirror's; undefined where the chart's own source serves. */
export function mirroredChart(
    name: string,
    given: string | undefined,
    mirror: { readonly charts?: string },
): string | undefined {
    return given ?? (mirror.charts === undefined ? undefined : `${mirror.charts}/${name}`);
}

/** How the registry of a chart is spoken to; undefined where it is none. */
export function chartRegistry(
    chart: string | undefined,
    { mirror, registryLogins }: Closed,
): ChartRegistry | undefined {
    const host = chartHost(chart);
    return host === undefined ? undefined : { login: registryLogins[host], caFile: mirror.chartsCa };
}

/** The release with its chart from the mirror, and the images that its chart names by itself, by values for that. */
export function mirroredRelease(
    name: string,
    given: Release,
    images: Record<string, unknown>,
    closed: Closed,
): Release {
    if (!given.install) {
        return given;
    }
    const chart = mirroredChart(name, given.chart, closed.mirror);
    const values = mergeValues(images, given.values ?? {});
    return { ...given, chart, values, registry: chartRegistry(chart, closed) };
}

/** Values by which cert-manager's chart takes its images from the mirror. */
export function certManagerImages(registry: string | undefined): Record<string, unknown> {
    if (registry === undefined) {
        return {};
    }
    const { controller, ...others } = repositories(chartImages.certManager, registry);
    return { ...(controller as object), ...others };
}

/** Values by which MetalLB's chart takes its images from the mirror. */
export function metalLBImages(registry: string | undefined): Record<string, unknown> {
    return registry === undefined ? {} : repositories(chartImages.metalLB, registry);
}

/** A value `image.repository` for each part of a chart; a dot leads to a part of a part. */
function repositories(images: Readonly<Record<string, string>>, registry: string): Record<string, unknown> {
    return Object.entries(images)
        .map(([part, image]) =>
            part.split(".").reduceRight<Record<string, unknown>>((inner, step) => ({ [step]: inner }), {
                image: { repository: mirroredImage(image, registry) },
            }),
        )
        .reduce(mergeValues, {});
}
