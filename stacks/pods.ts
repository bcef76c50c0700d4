import { PodDefaults } from "../components/parts/pods";
import { Settings } from "../settings/schema";
import { USUAL_API_SERVER_PORTS } from "./apiServerPorts";
import { Cluster } from "./releases";

/** Secret, in each namespace, for pulling images where registries ask for a login. */
const PULL_SECRET_NAME = "interlink-kube-api-registries";

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
