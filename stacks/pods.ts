import { PodDefaults } from "../components/parts/pods";
import { Settings } from "../settings/schema";

/** Secret, in each namespace, for pulling images where registries ask for a login. */
const PULL_SECRET_NAME = "interlink-kube-api-registries";

/** What the settings say of all pods. */
export function podDefaultsOf({ pods, registryLogins }: Settings): PodDefaults {
    const closed = Object.keys(registryLogins).length > 0;
    return { ...pods, ...(closed ? { pullSecret: { name: PULL_SECRET_NAME, logins: registryLogins } } : {}) };
}
