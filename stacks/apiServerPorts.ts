import { ApiServer } from "../settings/apiServer";

/** The API server's addresses behind its Service, which one look needs no name of. */
const SLICES =
    "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices?labelSelector=kubernetes.io%2Fservice-name%3Dkubernetes";
/** TCP ports of API servers where the cluster cannot be asked: those of managed clusters and of kubeadm. */
export const USUAL_API_SERVER_PORTS: readonly number[] = [443, 6443];

/** The TCP ports at which pods reach the API server, behind its Service; the usual ones where that may not be read. */
export async function apiServerPorts(api: ApiServer): Promise<readonly number[]> {
    const { body } = await api.get(SLICES).catch(() => ({ body: undefined }));
    const { items = [] } = (body ?? {}) as {
        readonly items?: readonly { readonly ports?: readonly { readonly port?: number }[] | null }[];
    };
    const ports = items.flatMap((slice) => (slice.ports ?? []).flatMap(({ port }) => port ?? []));
    return ports.length === 0 ? USUAL_API_SERVER_PORTS : [...new Set(ports)].sort((left, right) => left - right);
}
