import { KubeConfig } from "@kubernetes/client-node";
import { KubeconfigArgs, kubeconfigOf } from "../components/parts/kubeconfig";
import { requestToken } from "./tokenLifetime";

/** How long the token of a service account is asked to live, in seconds: a day. */
const TOKEN_SECONDS = 24 * 3600;
/** Where a job has its token. */
const JOB_TOKEN = "/var/run/secrets/kubernetes.io/serviceaccount/token";

/** Where a kubeconfig leads. */
export type Endpoint = Pick<KubeconfigArgs, "server" | "caCertificate">;

/** The kubeconfig for jobs: it names the file in which each of them has its token, and holds none. */
export function jobKubeconfig(endpoint: Endpoint): string {
    return kubeconfigOf({ ...endpoint, user: "job", credentials: { tokenFile: JOB_TOKEN } });
}

/**
 * The kubeconfig for a service account, with a token that says at its head when it ends.
 * @param account the service account, as NAMESPACE/NAME
 * @throws NotChecked where no token may be asked for
 */
export async function accountKubeconfig(cluster: KubeConfig, account: string, endpoint: Endpoint): Promise<string> {
    const [namespace = "", name = ""] = account.split("/");
    const { status } = await requestToken(cluster, { namespace, name }, TOKEN_SECONDS);
    const { token = "", expirationTimestamp } = status ?? {};
    const end = expirationTimestamp?.toISOString();
    return (
        `# The token ends at ${end}; every \`pulumi up\` makes another one.\n` +
        kubeconfigOf({ ...endpoint, user: name, credentials: { token }, namespace })
    );
}
