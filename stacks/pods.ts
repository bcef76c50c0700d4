import { PodDefaults } from "../components/parts/pods";
import { ApiServer } from "../settings/apiServer";
import { Settings } from "../settings/schema";
import { Cluster } from "./releases";

/** Secret, in each namespace, for pulling images where registries ask for a login. */
const PULL_SECRET_NAME = "interlink-kube-api-registries";
/** The API server's addresses behind its Service, which one look needs no name of. */
const SLICES =
    "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices?labelSelector=kubernetes.io%2Fservice-name%3Dkubernetes";
/** TCP ports of API servers where the cluster cannot be asked: those of managed clusters and of kubeadm. */
const USUAL_API_SERVER_PORTS: readonly number[] = [443, 6443];

/** What the settings and the cluster say of all pods. */
export function podDefaultsOf(
    { pods, registryLogins, networkPolicies }: Settings,
    { apiServerPorts = USUAL_API_SERVER_PORTS }: Cluster,
): PodDefaults {
    const closed = Object.keys(registryLogins).length > 0;
    return {
        ...pods,
        ...(closed ? { pullSecret: { name: PULL_SECRET_NAME, logins: registryLogins } } : {}),
        ...(networkPolicies ? { networkPolicies: { apiServerPorts } } : {}),
    };
}

/** The TCP ports at which pods reach the API server, behind its Service; the usual ones where that may not be read. */
export async function apiServerPorts(api: ApiServer): Promise<readonly number[]> {
    const { body } = await api.get(SLICES).catch(() => ({ body: undefined }));
    const { items = [] } = (body ?? {}) as {
        readonly items?: readonly { readonly ports?: readonly { readonly port?: number }[] | null }[];
    };
    const ports = items.flatMap((slice) => (slice.ports ?? []).flatMap(({ port }) => port ?? []));
    return ports.length === 0 ? USUAL_API_SERVER_PORTS : [...new Set(ports)].sort((left, right) => left - right);
}
