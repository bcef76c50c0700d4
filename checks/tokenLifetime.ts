import { AuthenticationV1TokenRequest, CoreV1Api, KubeConfig } from "@kubernetes/client-node";
import { NotChecked, reasonOf } from "./notChecked";

/** What InterLink's virtual kubelet asks for when it hands a pod to the far side, in seconds: 100 years. It never asks again. */
const ASKED_SECONDS = 100 * 365 * 24 * 3600;

/** The least that the API server grants, in seconds. */
const SHORTEST_SECONDS = 600;

/**
 * How long the token of a pod on the virtual node lives, in seconds: what the API server makes of InterLink's wish. A token
 * is asked for in the name of the namespace's default service account, which has no rights, and is dropped unread.
 * @throws NotChecked where no token may be asked for
 */
export async function tokenLifetimeSeconds(cluster: KubeConfig, namespace: string): Promise<number> {
    const { spec } = await requestToken(cluster, { namespace, name: "default" }, ASKED_SECONDS);
    // The API server writes into the specification what it granted: the same in every `up`, unlike the end of the token.
    return spec?.expirationSeconds ?? ASKED_SECONDS;
}

/**
 * A token of the namespace's default service account, which has no rights, for a few minutes.
 * @throws NotChecked where no token may be asked for
 */
export async function powerlessToken(cluster: KubeConfig, namespace: string): Promise<string> {
    const { status } = await requestToken(cluster, { namespace, name: "default" }, SHORTEST_SECONDS);
    return status?.token ?? "";
}

/**
 * A token of a service account, and what the API server granted of the seconds that were asked for.
 * @throws NotChecked where no token may be asked for
 */
export async function requestToken(
    cluster: KubeConfig,
    account: { readonly namespace: string; readonly name: string },
    expirationSeconds: number,
): Promise<AuthenticationV1TokenRequest> {
    try {
        const body = { spec: { expirationSeconds } };
        return await cluster.makeApiClient(CoreV1Api).createNamespacedServiceAccountToken({ ...account, body });
    } catch (error) {
        const { namespace, name } = account;
        throw new NotChecked(
            `no token of the service account ${namespace}/${name} may be asked for (${reasonOf(error)})`,
        );
    }
}
