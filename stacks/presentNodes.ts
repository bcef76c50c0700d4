import { OwnWaySettings, Settings } from "../settings/schema";
import { sitesOf } from "../settings/sites";
import { Look, OTHER_NAME } from "./look";

/** Label that every virtual kubelet of InterLink puts on its node. */
const INTERLINK = "virtual-node.interlink/type";

/**
 * Nodes of the virtual nodes' names that are not this stack's: Kubernetes would let it take them over. One that the virtual
 * kubelet of the stack has made again has no mark.
 */
export async function virtualNodeFaults(look: Look, settings: Settings): Promise<string[]> {
    if (settings.uniqueNames) {
        return [];
    }
    const faults = await Promise.all(
        sitesOf(settings).map(async ({ key, nodeName, namespace }) => {
            const [node, kubelets] = await Promise.all([
                look.object(`/api/v1/nodes/${nodeName}`),
                look.object(`/api/v1/namespaces/${namespace}`),
            ]);
            const stranger = node ? look.stranger(node) : undefined;
            const madeAgain = node?.metadata.labels?.[INTERLINK] !== undefined && kubelets !== null;
            return node && stranger !== undefined && (look.hasMark(node) || !madeAgain)
                ? [`${key}.nodeName: the node ${nodeName} exists and ${stranger}; ${OTHER_NAME}.`]
                : [];
        }),
    );
    return faults.flat();
}

/** Where clients come to ports of nodes, and no node is one of those. */
export async function wayNodesFaults(look: Look, settings: OwnWaySettings): Promise<string[]> {
    if (settings.environment !== "kind") {
        return [];
    }
    const labels = Object.entries({ ...settings.pods.nodeSelector, ...settings.nodeSelector })
        .map(([name, value]) => `${name}=${value}`)
        .join(",");
    const nodes = await look.list(`/api/v1/nodes?limit=1&labelSelector=${encodeURIComponent(labels)}`);
    return nodes?.length === 0
        ? [`nodeSelector: no node has the labels ${labels}; give labels of nodes, or label one: kubectl label node.`]
        : [];
}
