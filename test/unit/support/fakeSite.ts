import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { IncomingMessage, ServerResponse } from "node:http";
import { createServer, Server } from "node:https";
import { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Outputs } from "../../../doctor/script";
import { parseSettings } from "../../../settings/read";
import { Answers, Certificate, FakeCluster, json } from "./fakeCluster";

/** A certificate authority, and what it signed. */
export class Authority {
    private readonly folder = mkdtempSync(join(tmpdir(), "interlink-authority-"));
    /** Its certificate, PEM. */
    readonly ca: string;

    constructor(commonName: string) {
        this.openssl(`req -x509 ${EC} -days 9 -subj /CN=${commonName} -keyout ca.key -out ca.crt`);
        this.ca = this.read("ca.crt");
        writeFileSync(join(this.folder, "index"), "");
        writeFileSync(join(this.folder, "openssl.cnf"), CA_CONFIGURATION);
    }

    /** A certificate for a name, such as IP:127.0.0.1, valid between two days from now. */
    issue(name: string, [from, to]: readonly [number, number] = [-1, 9]): Certificate {
        const day = (days: number) =>
            new Date(Date.now() + days * 86_400_000).toISOString().replace(/[-:T]|\.\d+/g, "");
        this.openssl(`req -new ${EC} -subj /CN=server -keyout key -out request`);
        writeFileSync(join(this.folder, "names"), `subjectAltName=${name}`);
        this.openssl(
            `ca -batch -config openssl.cnf -notext -rand_serial -extfile names -startdate ${day(from)} -enddate ${day(to)} ` +
                "-in request -out cert",
        );
        return { cert: this.read("cert"), key: this.read("key") };
    }

    /** Takes its files away. */
    remove(): void {
        rmSync(this.folder, { recursive: true });
    }

    private openssl(command: string): void {
        execFileSync("openssl", command.split(" "), { cwd: this.folder, stdio: "pipe" });
    }

    private read(file: string): string {
        return readFileSync(join(this.folder, file), "utf8");
    }
}

const EC = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes";
const CA_CONFIGURATION = `[ca]
default_ca=own
[own]
dir=.
database=index
serial=serial
new_certs_dir=.
certificate=ca.crt
private_key=ca.key
default_md=sha256
unique_subject=no
policy=any
[any]
commonName=supplied
`;

/** What a server answers to a request. */
export type Handler = (request: IncomingMessage, response: ServerResponse) => void;

const NAMESPACE = "ingress-nginx-internal";
const NODE = "interlink-slurm-node";
export const TOKEN = "the-token";

/** The paths of the fake cluster's objects, by what they are. */
export const AT = {
    version: "GET /version",
    certManager: "GET /apis/apps/v1/deployments",
    certificate: `GET /apis/cert-manager.io/v1/namespaces/${NAMESPACE}/certificates/kubernetes-api`,
    ingressClass: "GET /apis/networking.k8s.io/v1/ingressclasses/nginx-internal",
    ingress: `GET /apis/networking.k8s.io/v1/namespaces/${NAMESPACE}/ingresses/kubernetes-api`,
    deployments: `GET /apis/apps/v1/namespaces/${NAMESPACE}/deployments`,
    frontPods: `GET /api/v1/namespaces/${NAMESPACE}/pods`,
    nodes: "GET /api/v1/nodes",
    service: `GET /api/v1/namespaces/${NAMESPACE}/services/api-load-balancer`,
    token: "POST /api/v1/namespaces/default/serviceaccounts/default/token",
    configuration: `GET /api/v1/namespaces/interlink/configmaps/${NODE}-virtual-kubelet-config`,
    virtualKubelet: `GET /apis/apps/v1/namespaces/interlink/deployments/${NODE}-node`,
    node: `GET /api/v1/nodes/${NODE}`,
    kubelet: `GET /api/v1/nodes/${NODE}/proxy/healthz`,
    requests: "GET /apis/certificates.k8s.io/v1/certificatesigningrequests",
    vkPods: "GET /api/v1/namespaces/interlink/pods",
} as const;

/** An object's status with one condition. */
export function condition(type: string, status: string, reason = "", message = "") {
    return { conditions: [{ type, status, reason, message }] };
}

/** A Deployment of an instance. */
export function deployment(instance: string, available: number, replicas = 1, namespace = NAMESPACE) {
    return {
        metadata: {
            name: instance,
            namespace,
            labels: { "app.kubernetes.io/instance": instance, "app.kubernetes.io/name": instance },
        },
        spec: { replicas },
        status: {
            availableReplicas: available,
            ...condition("Available", available > 0 ? "True" : "False", "MinimumReplicasUnavailable"),
        },
    };
}

/** A list of pods with images. */
export function pods(...images: string[]) {
    const item = (image: string, index: number) => ({
        metadata: { name: `pod-${index}` },
        spec: { containers: [{ image }] },
        status: condition("Ready", "True"),
    });
    return json({ kind: "PodList", apiVersion: "v1", metadata: {}, items: images.map(item) });
}

/** What the virtual kubelet is told. */
export function configuration(address: string, port: number, ca: string, more = "") {
    const text = `KubernetesApiAddr: "${address}"\nKubernetesApiPort: "${port}"\nKubernetesApiCaCrt: |\n${ca.trim().replace(/^/gm, "  ")}\n${more}`;
    return json({ data: { "InterLinkConfig.yaml": text } });
}

/** A Status of the API server's. */
export const refusal = (code: number) => json({ kind: "Status", apiVersion: "v1", status: "Failure", code }, code);

/** What the API server answers through the way in; `may` are the verbs on pods. */
export function apiServer(may: readonly string[] = ["get", "list", "watch"]): Handler {
    return (request, response) => {
        const url = new URL(request.url ?? "", "https://any");
        const known = request.headers.authorization === `Bearer ${TOKEN}`;
        if (url.pathname === "/version") {
            return json({ major: "1", minor: "37", gitVersion: "v1.37.2" })(response);
        }
        if (!known) {
            return refusal(401)(response);
        }
        if (url.pathname.endsWith("/selfsubjectreviews")) {
            const userInfo = { username: "system:serviceaccount:default:default" };
            return json({ kind: "SelfSubjectReview", status: { userInfo } }, 201)(response);
        }
        if (url.pathname.endsWith("/selfsubjectrulesreviews")) {
            const resourceRules = [
                { verbs: ["create"], apiGroups: ["authorization.k8s.io"], resources: ["selfsubjectrulesreviews"] },
                { verbs: may, apiGroups: [""], resources: ["pods"] },
            ];
            return json({ status: { resourceRules, nonResourceRules: [], incomplete: false } }, 201)(response);
        }
        if (url.searchParams.has("watch") && url.pathname.endsWith("/pods") && may.includes("watch")) {
            response.writeHead(200).flushHeaders();
            setTimeout(() => response.end(), Number(url.searchParams.get("timeoutSeconds")) * 1000);
            return;
        }
        refusal(403)(response);
    };
}

/** A site in which every link holds, unless it is told otherwise: a cluster, and a way in at an address of this machine. */
export class FakeSite {
    /** The settings, as Pulumi spells them. */
    settings: Record<string, unknown> = {};
    /** What the API server answers, besides what a healthy one does. */
    answers: Record<string, Answers[string]> = {};
    /** What the way in answers. */
    handler: Handler = apiServer();
    /** Whether it passes upgrades. */
    upgrades = true;
    /** The stack's outputs, besides those of a healthy one. */
    outputs: Partial<Outputs> = {};
    /** The way in's port. */
    port = 0;
    private cluster: FakeCluster | undefined;
    private wayIn: Server | undefined;

    constructor(private readonly ca: string) {}

    /** Starts the way in, with a certificate. */
    async listen(certificate: Certificate): Promise<void> {
        this.wayIn = createServer(certificate, (request, response) => this.handler(request, response));
        this.wayIn.on("upgrade", (request, socket) => {
            // As the API server, which refuses a watch by a WebSocket without an origin.
            const passes =
                this.upgrades && request.headers.origin !== undefined && request.url?.includes("/pods?watch=1");
            socket.end(
                passes
                    ? "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
                    : 'HTTP/1.1 403 Forbidden\r\nConnection: close\r\n\r\n{"kind":"Status","code":403}',
            );
        });
        await new Promise<void>((done) => this.wayIn?.listen(this.port, "127.0.0.1", done));
        this.port = (this.wayIn.address() as AddressInfo).port;
    }

    /** Ends the way in. */
    async close(): Promise<void> {
        const { wayIn } = this;
        wayIn?.closeAllConnections();
        await new Promise((done) => (wayIn === undefined ? done(undefined) : wayIn.close(done)));
    }

    /** Starts the cluster; returns what the doctor is told. */
    async start() {
        this.cluster = new FakeCluster({ ...this.healthy(), ...this.answers }, () => this.port);
        const kubeconfig = (await this.cluster.start()).exportConfig();
        const given = Object.entries({ ...SETTINGS, kubeconfig, ...this.settings });
        const settings = parseSettings(Object.fromEntries(given.filter(([, value]) => value !== undefined)));
        return { settings, outputs: { ...this.expected(), ...this.outputs } };
    }

    /** Ends all of it. */
    async stop(): Promise<void> {
        this.cluster?.stop();
        await this.close();
    }

    /** The outputs of a stack that is up. */
    expected(): Outputs {
        return {
            apiServerUrl: `https://127.0.0.1:${this.port}`,
            apiServerHost: "127.0.0.1",
            apiServerPort: this.port,
            caCertificate: this.ca,
            ingressClassName: "nginx-internal",
            interlinkNodeName: NODE,
            interlinkNodeNames: [NODE],
            namespace: NAMESPACE,
            tokenLifetimeSeconds: 3600,
            kubeconfig: "",
            interlinkValues: "",
            summary: "",
        };
    }

    private healthy(): Answers {
        const list = (...items: object[]) => json({ items });
        return {
            [AT.version]: json({ major: "1", minor: "37", gitVersion: "v1.37.2" }),
            [AT.certManager]: list(deployment("cert-manager", 1, 1, "cert-manager")),
            "GET /apis/apps/v1/namespaces/cert-manager/deployments": list(),
            [AT.certificate]: json({ status: condition("Ready", "True") }),
            [AT.ingressClass]: json({ metadata: { name: "nginx-internal" } }),
            [AT.ingress]: json({ spec: { ingressClassName: "nginx-internal" } }),
            [AT.deployments]: list(deployment("my-nginx-kubernetes-api", 2), deployment("my-ingress-nginx", 1)),
            [AT.frontPods]: pods("mirror.test/nginx:1"),
            [AT.nodes]: list({ metadata: { name: "kind-control-plane" }, status: condition("Ready", "True") }),
            [AT.service]: json({ status: { loadBalancer: { ingress: [{ ip: "127.0.0.1" }] } } }),
            [AT.token]: json({ spec: { expirationSeconds: 3600 }, status: { token: TOKEN } }),
            [AT.configuration]: configuration("127.0.0.1", this.port, this.ca),
            [AT.virtualKubelet]: json(deployment(`${NODE}-node`, 1)),
            [AT.node]: json({ status: condition("Ready", "True", "KubeletPending") }),
            [AT.kubelet]: (response) => void response.writeHead(404).end("404 page not found"),
            [AT.vkPods]: pods("mirror.test/virtual-kubelet:1"),
        };
    }
}

const SETTINGS = {
    environment: "kind",
    address: "127.0.0.1",
    controller: "traefik",
    mirror: { registry: "mirror.test" },
    interlink: { address: "https://10.9.9.9", port: 3000, longestJob: "1h" },
};
