import assert from "node:assert/strict";
import { examination } from "../../../doctor";
import { Finding } from "../../../doctor/chain";
import { Certificate, json } from "../support/fakeCluster";
import {
    apiServer,
    AT,
    Authority,
    condition,
    configuration,
    deployment,
    FakeSite,
    pods,
    refusal,
} from "../support/fakeSite";

/** How long a watch has to be silent here, in seconds. */
const SILENCE = 0.05;

/** A fault: what is changed in a healthy site, the first broken link, and what it says. */
type Fault = readonly [change: (site: FakeSite) => void, link: string, says: RegExp];

describe("the doctor", () => {
    const authority = new Authority("our-ca");
    const stranger = new Authority("another-ca");
    const certificates = {
        good: authority.issue("IP:127.0.0.1"),
        foreign: stranger.issue("IP:127.0.0.1"),
        expired: authority.issue("IP:127.0.0.1", [-9, -1]),
        future: authority.issue("IP:127.0.0.1", [1, 9]),
        old: authority.issue("IP:127.0.0.1", [-80, 10]),
        otherName: authority.issue("IP:127.0.0.2"),
    };
    let site: FakeSite;
    /** The certificate of the way in; undefined for none at all: the port is closed. */
    let certificate: Certificate | undefined;

    after(() => [authority, stranger].forEach((one) => one.remove()));
    beforeEach(async () => {
        site = new FakeSite(authority.ca);
        certificate = certificates.good;
        // Finds the port.
        await site.listen(certificates.good);
    });
    afterEach(() => site.stop());

    async function examined(): Promise<Finding[]> {
        // Before the port is free: the cluster could have it.
        const stack = { stack: "interlink-kube-api/test", ...(await site.start()) };
        await site.close();
        if (certificate !== undefined) {
            await site.listen(certificate);
        }
        const account = { namespace: "default", name: "default" };
        const { names, findings } = examination({ ...stack, account, silenceSeconds: SILENCE });
        const all: Finding[] = [];
        for await (const finding of findings) {
            all.push(finding);
        }
        assert.deepEqual(
            all.map(({ link }) => link),
            names,
        );
        assert.ok(!JSON.stringify(all).includes("the-token"));
        return all;
    }

    const state = (findings: readonly Finding[], link: string) => findings.find((one) => one.link === link)?.state;

    it("finds nothing broken or unseen in a healthy site, and asks everything", async () => {
        const findings = await examined();
        assert.deepEqual(
            findings.filter(({ state }) => state !== "ok"),
            [],
        );
        assert.equal(findings.length, 26);
    });

    const status = (code: number) => (site: FakeSite) => {
        site.handler = (_, response) => void response.writeHead(code).end("<h1>an error page</h1>");
    };
    const answers = (more: FakeSite["answers"]) => (site: FakeSite) => void (site.answers = more);
    const served = (other: Certificate | undefined) => () => void (certificate = other);
    const FAULTS: Readonly<Record<string, Fault>> = {
        "an update that never went through": [
            (site) => (site.outputs = { apiServerUrl: undefined }),
            "outputs",
            /^Output apiServerUrl of stack interlink-kube-api\/test is missing/,
        ],
        "a kubeconfig that is none": [
            (site) => (site.settings = { kubeconfig: "{]" }),
            "kubeconfig",
            /is not the YAML/,
        ],
        "a context that is not there": [
            (site) => (site.settings = { context: "prod" }),
            "kubeconfig",
            /"prod" is not allowed/,
        ],
        "an API server that does not answer": [
            (site) => (site.settings = { kubeconfig: KUBECONFIG_OF_NOBODY }),
            "API server",
            /^https:\/\/127\.0\.0\.1:1 does not answer as an API server does \(.*ECONNREFUSED/,
        ],
        "an API server that refuses the credentials": [
            answers({ [AT.version]: refusal(401) }),
            "API server",
            /refuses the credentials/,
        ],
        "a Kubernetes that is too old": [
            answers({ [AT.version]: json({ major: "1", minor: "29", gitVersion: "v1.29.1" }) }),
            "Kubernetes version",
            /^v1\.29\.1 is older than 1\.30$/,
        ],
        "no cert-manager": [answers({ [AT.certManager]: json({ items: [] }) }), "cert-manager", /no cert-manager runs/],
        "a certificate that is not issued": [
            answers({ [AT.certificate]: json({ status: condition("Ready", "False", "DoesNotExist", "no issuer") }) }),
            "certificate issued",
            /kubernetes-api: Ready is False \(DoesNotExist: no issuer\)$/,
        ],
        "no IngressClass": [
            answers({ [AT.ingressClass]: refusal(404) }),
            "IngressClass",
            /there is no IngressClass nginx-internal/,
        ],
        "an Ingress of another class": [
            (site) => {
                site.settings = { controller: "ingress-nginx" };
                site.answers = { [AT.ingress]: json({ spec: { ingressClassName: "public" } }) };
            },
            "IngressClass",
            /has the class public, not nginx-internal/,
        ],
        "a proxy that was scaled to nothing": [
            answers({
                [AT.deployments]: json({
                    items: [deployment("my-nginx-kubernetes-api", 0, 0), deployment("my-ingress-nginx", 1)],
                }),
            }),
            "proxy's pods",
            /^0 of 0 pods of my-nginx-kubernetes-api are available$/,
        ],
        "a controller whose pods do not start": [
            answers({
                [AT.deployments]: json({
                    items: [deployment("my-nginx-kubernetes-api", 1), deployment("my-ingress-nginx", 0)],
                }),
            }),
            "controller's pods",
            /^0 of 1 pods of my-ingress-nginx are available; Available is False \(MinimumReplicasUnavailable\)$/,
        ],
        "no node with the label": [
            answers({ [AT.nodes]: json({ items: [] }) }),
            "address published",
            /ingress-ready=true is Ready/,
        ],
        "a load balancer without an address": [
            (site) => {
                site.settings = CLOUD;
                site.answers = { [AT.service]: json({ status: { loadBalancer: {} } }) };
            },
            "address published",
            /api-load-balancer has no address/,
        ],
        "a load balancer with another address": [
            (site) => {
                site.settings = CLOUD;
                site.answers = { [AT.service]: json({ status: { loadBalancer: { ingress: [{ ip: "10.7.7.7" }] } } }) };
            },
            "address published",
            /has the address 10\.7\.7\.7, and the outputs say 127\.0\.0\.1/,
        ],
        "an address that is closed": [
            served(undefined),
            "address reached",
            /port \d+ refuses connections; what follows goes through a tunnel to the pod pod-0/,
        ],
        "somebody else's address that is closed": [
            (site) => {
                site.settings = external(site, authority.ca);
                site.outputs = { namespace: "", ingressClassName: "" };
                certificate = undefined;
            },
            "address reached",
            /port \d+ refuses connections$/,
        ],
        "another CA's certificate": [
            served(certificates.foreign),
            "certificate's chain",
            /issued by another-ca \(UNABLE_TO_VERIFY_LEAF_SIGNATURE\)/,
        ],
        "a certificate for another address": [
            served(certificates.otherName),
            "certificate's names",
            /^the certificate holds IP Address:127\.0\.0\.2, and not 127\.0\.0\.1$/,
        ],
        "a certificate that has expired": [served(certificates.expired), "certificate's lifetime", /has expired/],
        "a certificate that is not valid yet": [served(certificates.future), "certificate's lifetime", /is valid from/],
        "a certificate that nobody renews": [served(certificates.old), "certificate's lifetime", /^9 days are left/],
        "a proxy that does not reach the API server": [
            status(502),
            "proxy to API server",
            /^GET \/version is answered with HTTP 502 \(<h1>an error page<\/h1>\)$/,
        ],
        "a hop that does not answer": [
            (site) => (site.handler = (_, response) => response.socket?.destroy()),
            "proxy to API server",
            /^GET \/version is not answered \(socket hang up\)$/,
        ],
        "a controller without a route": [status(404), "proxy to API server", /HTTP 404/],
        "another server at the address": [status(200), "proxy to API server", /HTTP 200/],
        "a token that is refused": [
            (site) =>
                (site.handler = (request, response) =>
                    request.url === "/version" ? apiServer()(request, response) : refusal(401)(response)),
            "token accepted",
            /selfsubjectreviews with a token is answered with HTTP 401/,
        ],
        "a service account that is not there": [
            answers({ [AT.token]: refusal(404) }),
            "token accepted",
            /there is no service account default\/default/,
        ],
        "tokens that end before the longest job": [
            (site) => (site.settings = { interlink: { address: "https://10.9.9.9", port: 3000, longestJob: "2h" } }),
            "token's lifetime",
            /^a token ends 3600 s after its submission, .*longestJob: 2h$/,
        ],
        "a watch that is cut": [
            (site) =>
                (site.handler = (request, response) => {
                    if (!request.url?.includes("watch=1")) {
                        return apiServer()(request, response);
                    }
                    response.writeHead(200).flushHeaders();
                    setTimeout(() => response.socket?.destroy(), 20);
                }),
            "watch held",
            /^a silent watch ended.* after 0(\.[01])? s$/,
        ],
        "upgrades that do not pass": [
            (site) => (site.upgrades = false),
            "exec",
            /^an upgrade to WebSocket is answered with HTTP 403/,
        ],
        "a configuration of InterLink's that is no YAML": [
            answers({
                [AT.configuration]: json({ data: { "InterLinkConfig.yaml": "KubernetesApiCaCrt: |\n      a\n  b\n" } }),
            }),
            "InterLink's configuration",
            /is no YAML \(/,
        ],
        "no configuration of InterLink's": [
            answers({ [AT.configuration]: refusal(404) }),
            "InterLink's configuration",
            /there is no ConfigMap interlink\/interlink-slurm-node-virtual-kubelet-config/,
        ],
        "another CA for jobs": [
            (site) => (site.answers = { [AT.configuration]: configuration("127.0.0.1", site.port, stranger.ca) }),
            "InterLink's configuration",
            /^jobs are told otherwise than the outputs: the CA is another one, not that of the outputs$/,
        ],
        "another address and port for jobs": [
            (site) => (site.answers = { [AT.configuration]: configuration("10.7.7.7", 443, authority.ca) }),
            "InterLink's configuration",
            /the address is 10\.7\.7\.7, not 127\.0\.0\.1; the port is 443, not \d+$/,
        ],
        "projected volumes that are off": [
            (site) =>
                (site.answers = {
                    [AT.configuration]: configuration(
                        "127.0.0.1",
                        site.port,
                        authority.ca,
                        "DisableProjectedVolumes: true\n",
                    ),
                }),
            "projected volumes",
            /DisableProjectedVolumes is true/,
        ],
        "a virtual kubelet that does not run": [
            answers({ [AT.virtualKubelet]: json(deployment("interlink-slurm-node-node", 0)) }),
            "virtual kubelet",
            /^0 of 1 pods of interlink-slurm-node-node/,
        ],
        "a virtual node that is lost": [
            answers({ [AT.node]: refusal(404) }),
            "virtual node",
            /there is no node interlink-slurm-node/,
        ],
        "a virtual node whose InterLink does not answer": [
            answers({
                [AT.node]: json({
                    status: {
                        conditions: [
                            ...condition("Ready", "False", "KubeletPending").conditions,
                            ...condition("InterlinkConnectivity", "False", "InterlinkPingFailed", "no route to host")
                                .conditions,
                        ],
                    },
                }),
            }),
            "virtual node",
            /Ready is False \(KubeletPending\), InterlinkConnectivity is False \(InterlinkPingFailed: no route to host\)$/,
        ],
        "a virtual kubelet's certificate that the API server refuses": [
            answers({
                [AT.kubelet]: json(
                    {
                        kind: "Status",
                        message: "tls: failed to verify certificate: x509: certificate signed by unknown authority",
                    },
                    503,
                ),
            }),
            "kubelet's certificate",
            /x509: certificate signed by unknown authority\)$/,
        ],
        "a virtual kubelet that the API server does not reach": [
            answers({ [AT.kubelet]: json({ kind: "Status", message: "no route to host" }, 503) }),
            "kubelet's certificate",
            /does not reach the virtual kubelet \(HTTP 503, no route to host\)$/,
        ],
        "a request for a kubelet's certificate that nobody approves": [
            (site) => {
                site.settings = {
                    interlink: { address: "https://10.9.9.9", port: 3000, kubeletCertificate: "signed" },
                };
                const metadata = { name: "vk-csr", creationTimestamp: "2026-01-01T00:00:00Z" };
                const spec = { username: "system:serviceaccount:interlink:interlink-slurm-node" };
                site.answers = { [AT.requests]: json({ items: [{ metadata, spec, status: {} }] }) };
            },
            "kubelet's certificate",
            /the request vk-csr is not signed: Approved is missing/,
        ],
        "images that are not the mirror's": [
            answers({ [AT.vkPods]: pods("mirror.test/vk:1", "docker.io/library/busybox:1") }),
            "mirror",
            /^not from mirror\.test: docker\.io\/library\/busybox:1 of pod-1$/,
        ],
    };

    for (const [what, [change, link, says]] of Object.entries(FAULTS)) {
        it(`names the link of ${what}: ${link}`, async () => {
            change(site);
            const findings = await examined();
            const first = findings.find(({ state }) => state === "broken");
            assert.equal(first?.link, link, JSON.stringify(findings, undefined, 1));
            assert.match(first.seen, says);
            assert.match(first.advice ?? "", /\.$/);
        });
    }

    it("asks nothing of what depends on a broken link, and everything else", async () => {
        status(502)(site);
        const findings = await examined();
        for (const link of ["token accepted", "watch held", "exec"]) {
            assert.equal(state(findings, link), "not asked");
        }
        for (const link of ["certificate's names", "token's lifetime", "virtual node", "mirror"]) {
            assert.equal(state(findings, link), "ok");
        }
    });

    it("asks through a tunnel what is behind an address that is closed", async () => {
        site.outputs = { apiServerPort: 1 };
        const findings = await examined();
        assert.equal(state(findings, "address reached"), "broken");
        for (const link of ["TLS", "certificate's names", "proxy to API server", "watch held", "exec"]) {
            assert.equal(state(findings, link), "ok", JSON.stringify(findings, undefined, 1));
        }
    });

    it("takes for unseen what it may not ask, and says with what it could", async () => {
        site.answers = { [AT.configuration]: refusal(403), [AT.token]: refusal(403) };
        site.handler = apiServer(["get"]);
        const findings = await examined();
        const unseen = findings.filter(({ state }) => state === "unseen").map(({ link }) => link);
        assert.deepEqual(unseen, [
            "token accepted",
            "token's lifetime",
            "watch held",
            "exec",
            "InterLink's configuration",
            "projected volumes",
        ]);
        assert.ok(!findings.some(({ state }) => state === "broken"));
    });

    it("asks for an upgrade by an exec where the service account may watch nothing", async () => {
        site.handler = apiServer(["get"]);
        site.upgrades = false;
        const findings = await examined();
        assert.equal(state(findings, "watch held"), "unseen");
        assert.equal(state(findings, "exec"), "ok");
    });

    it("asks of no controller where there is none", async () => {
        site.settings = { controller: "none" };
        site.outputs = { ingressClassName: "" };
        const findings = await examined();
        assert.ok(!findings.some(({ link }) => /controller|IngressClass/.test(link)));
        assert.ok(findings.every(({ state }) => state === "ok"));
    });

    it("asks of somebody else's way in what it is, and of no controller", async () => {
        site.settings = external(site, authority.ca);
        site.outputs = { namespace: "", ingressClassName: "" };
        const findings = await examined();
        assert.ok(
            findings.every(({ state }) => state === "ok"),
            JSON.stringify(findings, undefined, 1),
        );
        assert.ok(!findings.some(({ link }) => /cert-manager|pods|IngressClass/.test(link)));
    });
});

const CLOUD = {
    environment: "cloud",
    address: undefined,
    loadBalancer: { provider: "other", sourceRanges: ["10.0.0.0/8"] },
};
const KUBECONFIG_OF_NOBODY = JSON.stringify({
    "current-context": "x",
    contexts: [{ name: "x", context: { cluster: "c", user: "u" } }],
    clusters: [{ name: "c", cluster: { server: "https://127.0.0.1:1" } }],
    users: [{ name: "u", user: {} }],
});

/** Settings for a way in of somebody else's. */
const external = ({ port }: FakeSite, caCertificate: string) => ({
    environment: "external",
    address: undefined,
    controller: undefined,
    api: { address: "127.0.0.1", port, caCertificate },
});
