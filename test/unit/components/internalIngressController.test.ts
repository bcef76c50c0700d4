import assert from "node:assert/strict";
import { parse } from "yaml";
import {
    InternalIngressController,
    InternalIngressControllerArgs,
} from "../../../components/internalIngressController";
import { HOST_PORTS, NAMESPACE, PORTS } from "../support/arguments";
import { hostPortsOf, input, record, settled } from "../support/mocks";

describe("InternalIngressController", () => {
    beforeEach(() => record());

    const args: InternalIngressControllerArgs = {
        software: { type: "traefik", image: "traefik:3" },
        namespace: NAMESPACE,
        ingressClassName: "nginx-internal",
        address: "10.1.2.3",
        ports: PORTS,
        outsidePort: 60443,
        hostPorts: HOST_PORTS,
        defaultCertificateSecretName: "leaf",
    };
    const ingressNginx = {
        ...args,
        software: { type: "ingress-nginx", chartVersion: "4.11.0", image: "mirror:5000/controller:v1@sha256:ab" },
    } as const;

    it("has a class and a controller value of its own", async () => {
        await settled(new InternalIngressController("controller", args));
        assert.equal(input("controller-class", "metadata", "name"), "nginx-internal");
        assert.equal(input("controller-class", "spec", "controller"), "k8s.io/nginx-internal");
        const flags = input("controller-deployment", "spec", "template", "spec", "containers", 0, "args") as string[];
        assert.ok(flags.includes("--providers.kubernetesingressnginx.controllerclass=k8s.io/nginx-internal"));
        assert.ok(flags.includes(`--providers.kubernetesingressnginx.watchnamespace=${NAMESPACE}`));
    });

    it("answers on the node's ports and shows the leaf to clients that name no host", async () => {
        await settled(new InternalIngressController("controller", args));
        assert.deepEqual(hostPortsOf("controller-deployment"), [6080, 60443, undefined]);
        const sources = ["spec", "template", "spec", "volumes", 0, "projected", "sources", 1, "secret", "name"];
        assert.equal(input("controller-deployment", ...sources), "leaf");
    });

    it("takes no port of a node where a load balancer leads to it", async () => {
        await settled(new InternalIngressController("controller", { ...args, hostPorts: undefined }));
        assert.deepEqual(hostPortsOf("controller-deployment"), [undefined, undefined, undefined]);
        const nodes = input("controller-deployment", "spec", "template", "spec", "nodeSelector");
        assert.deepEqual(nodes, { "kubernetes.io/os": "linux" });
    });

    for (const outsidePort of [443, 8443]) {
        it(`Traefik sends clients of plain HTTP to port ${outsidePort} where they come there`, async () => {
            await settled(new InternalIngressController("controller", { ...args, hostPorts: undefined, outsidePort }));
            const container = ["spec", "template", "spec", "containers", 0] as const;
            const flags = input("controller-deployment", ...container, "args") as string[];
            assert.ok(flags.includes(`--entrypoints.web.http.redirections.entrypoint.to=:${outsidePort}`));
            assert.ok(flags.includes("--entrypoints.websecure.address=:60443"));
        });
    }

    for (const [outsidePort, named] of [
        [60443, "true"],
        [443, "false"],
    ] as const) {
        it(`ingress-nginx sends them to port ${outsidePort}`, async () => {
            await settled(new InternalIngressController("controller", { ...ingressNginx, outsidePort }));
            const values = ["values", "controller", "config", "use-port-in-redirects"];
            assert.equal(input("controller-chart", ...values), named);
        });
    }

    it("reads Secrets in its own namespace alone", async () => {
        await settled(new InternalIngressController("controller", args));
        const rules = input("controller-cluster-role", "rules") as { resources: string[] }[];
        assert.deepEqual(
            rules.flatMap(({ resources }) => resources),
            ["ingressclasses"],
        );
        assert.equal(input("controller-role", "metadata", "namespace"), NAMESPACE);
    });

    it("runs ingress-nginx by its chart: without snippets and webhook, for its own class and namespace", async () => {
        await settled(new InternalIngressController("controller", ingressNginx));
        const values = (...path: string[]) => input("controller-chart", "values", "controller", ...path);
        assert.deepEqual(values("image"), { repository: "mirror:5000/controller", tag: "v1", digest: "sha256:ab" });
        assert.equal(values("allowSnippetAnnotations"), false);
        assert.deepEqual(values("admissionWebhooks"), { enabled: false });
        assert.deepEqual(values("ingressClassResource"), {
            enabled: false,
            name: "nginx-internal",
            controllerValue: "k8s.io/nginx-internal",
        });
        assert.deepEqual(values("scope"), { enabled: true });
        assert.deepEqual(values("hostPort"), { enabled: true, ports: PORTS });
        assert.equal(values("extraArgs", "default-ssl-certificate"), `${NAMESPACE}/leaf`);
    });

    describe("Traefik's own configuration", () => {
        const configuration = async (passThroughTo?: string) => {
            await record();
            const software = { type: "traefik", image: "traefik:3", passThroughTo } as const;
            await settled(new InternalIngressController("controller", { ...args, software }));
            return parse(input("controller-configuration", "data", "traefik.yaml") as string) as {
                readonly http: { readonly routers: object };
                readonly tcp?: {
                    readonly routers: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
                    readonly services: Readonly<
                        Record<string, { loadBalancer: { servers: object[]; serversTransport: string } }>
                    >;
                    readonly serversTransports: Readonly<Record<string, object>>;
                };
                readonly tls: { readonly stores: object };
            };
        };

        it("passes TLS through to a backend that is told whose it is, before Ingresses without a host", async () => {
            const { tcp } = await configuration("10.96.1.2:60443");
            const { rule, priority, ...router } = tcp?.routers.api ?? {};
            assert.deepEqual(router, { entryPoints: ["websecure"], tls: { passthrough: true }, service: "api" });
            // Any rule with a host is longer, and HostSNI(`*`) is the one that comes after Ingresses without a host.
            assert.deepEqual([rule, priority], ["HostSNIRegexp(`.*`)", 1]);
            assert.deepEqual(tcp?.services.api?.loadBalancer.servers, [{ address: "10.96.1.2:60443" }]);
            const transport = tcp.serversTransports[tcp.services.api.loadBalancer.serversTransport];
            assert.deepEqual(transport, { proxyProtocol: { version: 2 } });
        });

        it("has the certificate for Ingresses either way, and else leads nowhere", async () => {
            for (const passThroughTo of ["10.96.1.2:60443", undefined]) {
                const { http, tls } = await configuration(passThroughTo);
                assert.deepEqual(Object.keys(http.routers), ["ready"]);
                assert.deepEqual(Object.keys(tls.stores), ["default"]);
            }
            assert.equal((await configuration()).tcp, undefined);
        });

        it("believes no client that says by PROXY protocol whose connection it is", async () => {
            await configuration("10.96.1.2:60443");
            const flags = input("controller-deployment", "spec", "template", "spec", "containers", 0, "args");
            assert.ok(!(flags as string[]).some((flag) => /proxyprotocol|forwardedheaders/i.test(flag)));
        });
    });

    it("refuses an unknown controller", () => {
        const software = { type: "haproxy" as "traefik", image: "haproxy:3" };
        assert.throws(() => new InternalIngressController("controller", { ...args, software }), {
            message: 'software.type: "haproxy" is not allowed; give traefik or ingress-nginx.',
        });
    });
});
