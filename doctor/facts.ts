import { connect } from "node:net";
import { Duplex } from "node:stream";
import { text } from "node:stream/consumers";
import { ApiException, CoreV1Api } from "@kubernetes/client-node";
import { readyPods, said } from "../checks/front";
import { reasonOf } from "../checks/notChecked";
import { Reply, Request, send, Server } from "../checks/send";
import { TunnelRefused, tunnelTo } from "../checks/tunnel";
import { ApiServer, apiServer } from "../settings/apiServer";
import { findKubeconfig, KubeconfigFault } from "../settings/kubeconfig";
import { PlainSettings } from "../settings/schema";
import { Site, sitesOf } from "../settings/sites";
import { frontPods } from "../stacks";
import { Outputs } from "./script";
import { Broken, MAKE_ANEW, must, Unseen } from "./verdicts";

/** How long a connection to the address may take, in milliseconds. */
const CONNECT_MS = 3000;
/** How long an answer through the way in may take, in milliseconds. */
const ANSWER_MS = 10_000;
/** How long the tokens live by which the doctor asks, in seconds: the shortest that an API server gives. */
const TOKEN_SECONDS = 600;

/** What the doctor is told. */
export interface Case {
    /** The stack's settings. */
    readonly settings: PlainSettings;
    /** The stack's outputs; what is missing is found by the first link. */
    readonly outputs: Outputs;
    /** The stack's name. */
    readonly stack: string;
    /** Service account as whom the way in is asked. */
    readonly account: { readonly namespace: string; readonly name: string };
    /** How long a watch has to be silent, in seconds. */
    readonly silenceSeconds: number;
}

/** A virtual node of the stack. */
export interface VirtualNode {
    /** Its name. */
    readonly name: string;
    /** Namespace of its virtual kubelet. */
    readonly namespace: string;
    /** Who signs its virtual kubelet's serving certificate. */
    readonly certificate: Site["kubeletCertificate"];
}

/** How the way in is reached from here. */
export interface WayIn {
    /** Why the address itself was not; then a tunnel leads to a pod behind it. */
    readonly unreached?: NodeJS.ErrnoException;
    /** What connections go to. */
    readonly end: string;
    /** Opens a connection. */
    readonly open: () => Promise<Duplex>;
}

/** What the links ask about: each fact is found when a link first wants it, and then stays. */
export class Facts {
    /** The virtual nodes. */
    readonly nodes: readonly VirtualNode[];
    /** The API server of the kubeconfig. */
    readonly api = once(() => this.findApi());
    /** The way in, as it is reached from here. */
    readonly wayIn = once(() => this.findWayIn());
    /** A token of the service account; never shown. */
    readonly token = once(() => this.askForToken());

    constructor(readonly given: Case) {
        const { settings, outputs } = given;
        const sites = sitesOf(settings);
        // uniqueNames gives all names one suffix.
        const suffix = outputs.interlinkNodeNames?.[0]?.slice(sites[0]?.nodeName.length) ?? "";
        this.nodes = sites.map(({ nodeName, namespace, kubeletCertificate }) => ({
            name: nodeName + suffix,
            namespace: namespace + suffix,
            certificate: kubeletCertificate,
        }));
    }

    /** The way in as clients outside know it. */
    get server(): Server {
        const { apiServerHost: host, apiServerPort: port, caCertificate } = this.given.outputs;
        return { host, port, caCertificate };
    }

    /**
     * An object or a list of the cluster; undefined where there is none.
     * @throws Unseen where it may not be read
     */
    async read<Kind>(path: string): Promise<Kind | undefined> {
        const { status, body } = await this.api().get(path);
        if (status === 200) {
            return body as Kind;
        }
        if (status === 404) {
            return undefined;
        }
        throw new Unseen(`GET ${path.replace(/\?.*/, "")} is answered with HTTP ${status}`, MORE_RIGHTS);
    }

    /**
     * An object of the cluster.
     * @throws Broken where there is none; Unseen where it may not be read
     */
    readonly need = async <Kind>(path: string, name: string): Promise<Kind> => {
        const found = await this.read<Kind>(path);
        must(found !== undefined, `there is no ${name}`, MAKE_ANEW);
        return found;
    };

    /** Asks through the way in; the caller destroys the connection by the reply's body. */
    async send(request: Request, limitMs = ANSWER_MS): Promise<Reply> {
        const connection = await (await this.wayIn()).open();
        return send(connection, this.server, request, limitMs).catch((error: unknown) => {
            const { method = "GET", path } = request;
            throw new Broken(`${method} ${path.replace(/\?.*/, "")} is not answered (${reasonOf(error)})`, HOP);
        });
    }

    /** Has the API server review something, through the way in and as the service account; it keeps nothing of it. */
    async review<Status>(path: string, spec: object): Promise<Status> {
        const headers = { ...(await this.bearer()), "content-type": "application/json" };
        const { status, body } = await this.send({ path, method: "POST", headers, body: JSON.stringify({ spec }) });
        const answer = await text(body);
        if (status !== 201) {
            throw new Broken(
                `POST ${path} with a token is answered with HTTP ${said(status, answer)}`,
                status === 401
                    ? "See whether the address leads to the kubeconfig's cluster, and whether something on the way drops the " +
                          "header Authorization."
                    : HOP,
            );
        }
        return (JSON.parse(answer) as { readonly status: Status }).status;
    }

    /** The header that shows the token. */
    async bearer(): Promise<{ readonly authorization: string }> {
        return { authorization: `Bearer ${await this.token()}` };
    }

    private findApi(): ApiServer {
        const { kubeconfig, context } = this.given.settings;
        try {
            return apiServer(findKubeconfig(kubeconfig), context);
        } catch (error) {
            if (!(error instanceof KubeconfigFault)) {
                throw error;
            }
            throw new Broken(
                error.message,
                "Mend what the sentence names; `pulumi up` looks for the kubeconfig alike.",
            );
        }
    }

    private async findWayIn(): Promise<WayIn> {
        const { host, port } = this.server;
        try {
            (await connection(host, port)).destroy();
            return { end: `${host}, port ${port}`, open: () => connection(host, port) };
        } catch (error) {
            const unreached = error as NodeJS.ErrnoException;
            const front = frontPods(this.given.settings);
            if (front === undefined) {
                must(unreached.code !== "ECONNREFUSED", `${host}, port ${port} refuses connections`, REFUSED);
                throw new Unseen(`${host}, port ${port} cannot be reached from here (${unreached.message})`, CARRY);
            }
            const place = { namespace: this.given.outputs.namespace, labels: front.labels };
            const cluster = this.api().client();
            const [pod] = await readyPods(cluster, place);
            if (pod === undefined) {
                throw new Broken("no pod of the way in is ready", `See \`kubectl get pods -n ${place.namespace}\`.`);
            }
            const open = () => tunnelTo(cluster, { ...place, pod, port: front.port }).catch(refused);
            return { unreached, end: `a tunnel to the pod ${pod}`, open };
        }
    }

    private async askForToken(): Promise<string> {
        const { namespace, name } = this.given.account;
        try {
            const body = { spec: { expirationSeconds: TOKEN_SECONDS } };
            const core = this.api().client().makeApiClient(CoreV1Api);
            const { status } = await core.createNamespacedServiceAccountToken({ namespace, name, body });
            return status?.token ?? "";
        } catch (error) {
            const code = error instanceof ApiException ? error.code : 0;
            if (code === 404) {
                throw new Broken(
                    `there is no service account ${namespace}/${name}`,
                    "Name one that is there: --service-account NAMESPACE/NAME.",
                );
            }
            throw new Unseen(`no token of ${namespace}/${name} may be asked for (HTTP ${code})`, MORE_RIGHTS);
        }
    }
}

const MORE_RIGHTS = "Run the doctor with the rights with which `pulumi up` runs.";
/** What to do where the address can be asked on the HPC side alone. */
export const CARRY =
    "Carry the script to the HPC side: npm run --silent doctor -- --stack NAME --script > check.sh, and there: sh check.sh.";

/** What to do where the way in is reached, and something behind it is not. */
export const HOP =
    "A hop behind the address does not reach the next one: see the logs of the way in's pods, and what their NetworkPolicies let " +
    "in and out.";
/** What to do where a port refuses connections. */
export const REFUSED =
    "See where the address leads: a load balancer without a port, a node without the pod, a firewall that refuses. " +
    CARRY;

/** What a function found when it was first called. */
function once<T>(find: () => T): () => T {
    let found: { readonly fact: T } | undefined;
    return () => (found ??= { fact: find() }).fact;
}

/** A TCP connection. */
function connection(host: string, port: number): Promise<Duplex> {
    return new Promise((resolve, reject) => {
        const socket = connect({ host, port }, () => {
            socket.setTimeout(0);
            resolve(socket);
        });
        socket.setTimeout(CONNECT_MS, () => socket.destroy(new Error(`no answer within ${CONNECT_MS / 1000} s`)));
        socket.once("error", reject);
    });
}

function refused(error: unknown): never {
    throw error instanceof TunnelRefused && (error.status === 401 || error.status === 403)
        ? new Unseen(`ports of pods may not be forwarded (HTTP ${error.status})`, MORE_RIGHTS)
        : error;
}
