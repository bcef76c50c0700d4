import { V1Pod } from "@kubernetes/client-node";
import { PlainSettings } from "../settings/schema";
import { Link } from "./chain";
import { Facts } from "./facts";
import { List } from "./objects";
import { must } from "./verdicts";

/** That the images of the stack's pods come from its mirror; nothing where it has none. */
export function mirror({ mirror: { registry } }: PlainSettings): readonly Link[] {
    return registry === undefined
        ? []
        : [{ name: "mirror", after: ["API server", "outputs"], ask: (facts) => mirrored(facts, registry) }];
}

async function mirrored(facts: Facts, registry: string): Promise<string> {
    const namespaces = [facts.given.outputs.namespace, ...facts.nodes.map(({ namespace }) => namespace)];
    const lists = await Promise.all(
        namespaces.filter(Boolean).map((name) => facts.read<List<V1Pod>>(`/api/v1/namespaces/${name}/pods`)),
    );
    const images = lists
        .flatMap((list) => list?.items ?? [])
        .flatMap(({ metadata, spec }) =>
            [...(spec?.initContainers ?? []), ...(spec?.containers ?? [])].map(
                ({ image }) => `${image} of ${metadata?.name}`,
            ),
        );
    const foreign = images.filter((image) => !image.startsWith(`${registry}/`));
    must(
        foreign.length === 0,
        `not from ${registry}: ${foreign.join(", ")}`,
        "Run `pulumi up`. An image that stays is one of the chart's values, interlinkValues: give it by the mirror's name.",
    );
    return `${images.length} images from ${registry}`;
}
