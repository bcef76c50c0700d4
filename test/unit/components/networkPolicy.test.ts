import assert from "node:assert/strict";
import { isDeepStrictEqual } from "node:util";
import * as k8s from "@pulumi/kubernetes";
import { InterlinkRelease } from "../../../components/interlinkRelease";
import { NginxApiProxy } from "../../../components/nginxApiProxy";
import { ApiServer } from "../../../settings/apiServer";
import { parseSettings } from "../../../settings/read";
import { apiServerPorts, deploy } from "../../../stacks";
import { PROXY, RELEASE } from "../support/arguments";
import { CLOUD, EXTERNAL, KIND } from "../support/badSettings";
import { input, record, recordedResources, settled, settledStack } from "../support/mocks";

const TCP = (...ports: number[]) => ports.map((port) => ({ protocol: "TCP", port }));
const API_SERVER = { ports: TCP(443, 6443) };
const DNS = {
    ports: [53, 5353].flatMap((port) => ["UDP", "TCP"].map((protocol) => ({ protocol, port }))),
};
const OUTSIDE = { ports: TCP(6080, 60443) };
const POLICY = "kubernetes:networking.k8s.io/v1:NetworkPolicy";
const pods = { networkPolicies: { apiServerPorts: [443, 6443] } };

interface Spec {
    readonly podSelector: { readonly matchLabels: Readonly<Record<string, string>> };
    readonly policyTypes: readonly string[];
    readonly ingress?: readonly unknown[];
    readonly egress?: readonly unknown[];
}

/** The specification of a recorded policy. */
function spec(name: string): Spec {
    return input(name, "spec") as Spec;
}

/** What each recorded policy lets in and out, by its name. */
function traffic(): Record<string, Pick<Spec, "ingress" | "egress">> {
    return Object.fromEntries(
        recordedResources()
            .filter(({ type }) => type === POLICY)
            .map(({ name }) => {
                const { policyTypes, ingress, egress } = spec(name);
                assert.deepEqual(policyTypes, ["Ingress", "Egress"]);
                return [name, { ...(ingress && { ingress }), ...(egress && { egress }) }];
            }),
    );
}

async function deployed(settings: Readonly<Record<string, unknown>>, ports?: readonly number[]): Promise<void> {
    await record();
    const cluster = ports && { apiServerPorts: ports };
    await settledStack(
        deploy(parseSettings(settings), { opts: { provider: new k8s.Provider("kubernetes", {}) } }, cluster),
    );
}

describe("the network policies of a stack", () => {
    const release = {
        ingress: [{ ports: TCP(10250) }],
        egress: [API_SERVER, { to: [{ ipBlock: { cidr: "10.9.9.9/32" } }], ports: TCP(3000) }],
    };
    const proxyEgress = [API_SERVER, DNS];

    for (const controller of ["traefik", "ingress-nginx"]) {
        it(`with ${controller}: clients reach the controller, and only it the proxy`, async () => {
            await deployed({ ...KIND, controller });
            const from = [{ podSelector: { matchLabels: { "app.kubernetes.io/instance": "my-ingress-nginx" } } }];
            assert.deepEqual(traffic(), {
                "namespace-default-deny": {},
                "my-ingress-nginx-network-policy": {
                    ingress: [OUTSIDE],
                    egress: [API_SERVER, { to: [{ podSelector: {} }] }],
                },
                "my-nginx-kubernetes-api-network-policy": {
                    ingress: [{ from, ports: TCP(60443) }],
                    egress: proxyEgress,
                },
                "interlink-network-policy": release,
            });
        });
    }

    it("without a controller: clients reach the proxy", async () => {
        await deployed({ ...KIND, controller: "none" });
        assert.deepEqual(traffic(), {
            "namespace-default-deny": {},
            "my-nginx-kubernetes-api-network-policy": { ingress: [OUTSIDE], egress: proxyEgress },
            "interlink-network-policy": release,
        });
    });

    for (const [controller, policy] of [
        ["none", "my-nginx-kubernetes-api-network-policy"],
        ["traefik", "my-ingress-nginx-network-policy"],
    ] as const) {
        it(`hold clients to the networks given where the pods see their addresses, with controller ${controller}`, async () => {
            const loadBalancer = { ...CLOUD.loadBalancer, sourceRanges: ["10.0.0.0/8"] };
            const from = () => {
                const [rule] = spec(policy).ingress as [{ from?: { ipBlock: { cidr: string } }[] }];
                return rule.from?.map(({ ipBlock }) => ipBlock.cidr).filter((cidr) => !/^(127|::1)/.test(cidr));
            };
            await deployed({ ...CLOUD, controller, loadBalancer: { ...loadBalancer, externalTrafficPolicy: "Local" } });
            assert.deepEqual(from(), ["10.0.0.0/8"]);
            await deployed({ ...CLOUD, controller, loadBalancer });
            assert.equal(from(), undefined);
        });
    }

    it("select pods by labels that they have", async () => {
        await deployed({ ...KIND, controller: "traefik" });
        for (const name of ["my-nginx-kubernetes-api", "my-ingress-nginx"]) {
            const { matchLabels } = spec(`${name}-network-policy`).podSelector;
            const labels = input(`${name}-deployment`, "spec", "template", "metadata", "labels") as object;
            assert.deepEqual({ ...labels, ...matchLabels }, labels);
            assert.notDeepEqual(matchLabels, {});
        }
        for (const name of ["namespace-default-deny", "interlink-network-policy"]) {
            assert.deepEqual(spec(name).podSelector.matchLabels, {});
        }
    });

    it("let out to the ports at which the cluster has its API server", async () => {
        await deployed({ ...KIND, controller: "traefik" }, [16443]);
        assert.deepEqual(
            Object.values(traffic()).map(({ egress }) => egress?.[0]),
            [undefined, { ports: TCP(16443) }, { ports: TCP(16443) }, { ports: TCP(16443) }],
        );
    });

    it("are left out where somebody says so", async () => {
        for (const good of [KIND, EXTERNAL]) {
            await deployed(good);
            assert.notDeepEqual(traffic(), {});
            await deployed({ ...good, networkPolicies: false });
            assert.deepEqual(traffic(), {});
        }
    });
});

describe("the network policy of a component", () => {
    beforeEach(() => record());

    it("is none unless it is asked for", async () => {
        await settled(new NginxApiProxy("proxy", PROXY));
        await settled(new InterlinkRelease("interlink", RELEASE));
        assert.deepEqual(traffic(), {});
    });

    const egressTo = async (address: string, values: Readonly<Record<string, unknown>> = {}) => {
        const interlink = { address, port: 3000, tls: { insecure: true } };
        await settled(new InterlinkRelease("interlink", { ...RELEASE, interlink, values, pods }));
        return spec("interlink-network-policy").egress;
    };

    for (const [address, rules] of [
        ["http://10.9.9.9", [{ to: [{ ipBlock: { cidr: "10.9.9.9/32" } }], ports: TCP(3000) }]],
        ["http://[fd00::9]", [{ to: [{ ipBlock: { cidr: "fd00::9/128" } }], ports: TCP(3000) }]],
        ["https://edge.site.example", [DNS, { ports: TCP(3000) }]],
        ["https://edge.tunnels.svc", [DNS, { to: [{ namespaceSelector: {} }] }]],
    ] as const) {
        it(`lets the virtual kubelet out to InterLink's API at ${address}`, async () => {
            assert.deepEqual(await egressTo(address), [API_SERVER, ...rules]);
        });
    }

    for (const [TokenURL, port] of [
        ["https://iam.site.example/token", 443],
        ["https://iam.site.example:8443/token", 8443],
    ] as const) {
        it(`lets it out to where its tokens come from, ${TokenURL}`, async () => {
            const egress = await egressTo("http://10.9.9.9", { OAUTH: { enabled: true, TokenURL } });
            assert.deepEqual(egress?.slice(1), [
                DNS,
                { to: [{ ipBlock: { cidr: "10.9.9.9/32" } }], ports: TCP(3000) },
                { ports: TCP(port) },
            ]);
        });
    }

    for (const [HTTPProxies, rules] of [
        [{ HTTPs: "http://proxy.site.example:3128" }, [{ ports: TCP(3128) }]],
        [
            { HTTP: "10.9.9.1:8080", HTTPs: "https://[fd00::1]" },
            [
                { to: [{ ipBlock: { cidr: "10.9.9.1/32" } }], ports: TCP(8080) },
                { to: [{ ipBlock: { cidr: "fd00::1/128" } }], ports: TCP(443) },
            ],
        ],
        [{ HTTP: null, HTTPs: "" }, []],
    ] as const) {
        it(`lets it out to the proxies ${JSON.stringify(HTTPProxies)}`, async () => {
            const egress = await egressTo("http://10.9.9.9", { virtualNode: { HTTPProxies } });
            const interlink = { to: [{ ipBlock: { cidr: "10.9.9.9/32" } }], ports: TCP(3000) };
            assert.deepEqual(
                egress?.filter((rule) => !isDeepStrictEqual(rule, DNS)),
                [API_SERVER, interlink, ...rules],
            );
        });
    }

    for (const values of [
        { plugin: { enabled: true } },
        { sshBastion: { enabled: true } },
        { virtualNode: { network: { enableTunnel: true } } },
    ]) {
        it(`leaves all open with ${JSON.stringify(values)}`, async () => {
            assert.deepEqual(await egressTo("http://localhost", values), [{}]);
            assert.deepEqual(spec("interlink-network-policy").ingress, [{}]);
        });
    }

    it("leaves all open where InterLink's API is in the cluster", async () => {
        const interlink = { image: "api:1", plugin: { image: "plugin:1" }, sockets: true };
        await settled(new InterlinkRelease("interlink", { ...RELEASE, interlink, pods }));
        assert.deepEqual(spec("interlink-network-policy").egress, [{}]);
    });
});

describe("the API server's ports", () => {
    const answering = (get: ApiServer["get"]) => ({ get }) as ApiServer;

    it("are those of its addresses behind its Service", async () => {
        const slices = [{ ports: [{ port: 8443 }] }, { ports: [{ port: 6443 }, { port: 8443 }] }, { ports: null }];
        const paths: string[] = [];
        const ports = await apiServerPorts(
            answering((path) => {
                paths.push(path);
                return Promise.resolve({ status: 200, body: { items: slices }, text: "" });
            }),
        );
        assert.deepEqual(ports, [6443, 8443]);
        assert.match(paths.join(), /^\/apis\/discovery\.k8s\.io\/v1\/namespaces\/default\/endpointslices\?/);
    });

    it("are the usual ones where they may not be read, or nobody answers", async () => {
        const refused = answering(() => Promise.resolve({ status: 403, body: { kind: "Status" }, text: "" }));
        const silent = answering(() => Promise.reject(new Error("no answer")));
        assert.deepEqual(await apiServerPorts(refused), [443, 6443]);
        assert.deepEqual(await apiServerPorts(silent), [443, 6443]);
    });
});
