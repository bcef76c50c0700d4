import { Link } from "./chain";
import { Facts } from "./facts";
import { Broken } from "./verdicts";

/** That the images of the stack's pods come from the mirror. */
export const MIRROR: Link = { name: "mirror", after: ["API server", "outputs"], ask: mirrored };

async function mirrored(facts: Facts): Promise<string> {
    const { settings, outputs } = facts.given;
    const { registry = "" } = settings.mirror;
    const namespaces = [...new Set([outputs.namespace, ...facts.nodes.map(({ namespace }) => namespace)])].filter(
        Boolean,
    );
    const lists = await Promise.all(
        namespaces.map((namespace) =>
            facts.read<{ readonly items: readonly Pod[] }>(`/api/v1/namespaces/${namespace}/pods`),
        ),
    );
    const images = lists
        .flatMap((list) => list?.items ?? [])
        .flatMap(({ metadata, spec }) =>
            [...(spec.initContainers ?? []), ...spec.containers].map(({ image }) => ({ pod: metadata.name, image })),
        );
    const foreign = images.filter(({ image }) => !image.startsWith(`${registry}/`));
    if (foreign.length > 0) {
        throw new Broken(
            `not from ${registry}: ${foreign.map(({ pod, image }) => `${image} of ${pod}`).join(", ")}`,
            "Run `pulumi up`. An image that stays is one of the chart's values, interlinkValues: give it by the mirror's name.",
        );
    }
    return `${images.length} images from ${registry}`;
}

/** A pod, as far as it is read. */
interface Pod {
    readonly metadata: { readonly name: string };
    readonly spec: Readonly<
        Record<"containers", readonly Container[]> & Partial<Record<"initContainers", readonly Container[]>>
    >;
}

/** A container, as far as it is read. */
interface Container {
    readonly image: string;
}
