import assert from "node:assert/strict";
import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { parse } from "yaml";
import { parseSettings } from "../../../settings/read";
import { deploy, NodeLook } from "../../../stacks";
import { images } from "../../../versions";
import { CLOUD, EXTERNAL, KIND, METALLB } from "../support/badSettings";
import { certificateFor } from "../support/fakeCluster";
import {
    CA_PEM,
    find,
    input,
    record,
    recordedResources,
    registered,
    SERVICE_IP,
    settledStack,
    valueOf,
} from "../support/mocks";

/** Composes the stack of settings, to the end. */
async function deployed(settings: Readonly<Record<string, unknown>>) {
    await record();
    const outputs = deploy(parseSettings(settings), { opts: { provider: new k8s.Provider("kubernetes", {}) } });
    await settledStack(outputs);
    return outputs;
}

for (const good of [KIND, CLOUD, METALLB]) {
    for (const controller of ["traefik", "ingress-nginx", "none"]) {
        describe(`the stack ${good.environment} with ${controller === "none" ? "no controller" : controller}`, () => {
            it("hands InterLink the address, the port and the CA of its outputs", async () => {
                const { apiServerHost, apiServerPort, apiServerUrl, caCertificate } = await deployed({
                    ...good,
                    controller,
                });
                assert.deepEqual(find("interlink").inputs.kubernetesApi, {
                    address: await valueOf(apiServerHost),
                    port: apiServerPort,
                    caCertificate: await valueOf(caCertificate),
                });
                assert.equal(await valueOf(caCertificate), CA_PEM);
                assert.equal(await valueOf(apiServerUrl), "https://10.1.2.3:60443");
            });

            it("leads clients outside to the controller or, without one, to the proxy", async () => {
                const { ingressClassName } = await deployed({ ...good, controller });
                assert.equal(await valueOf(ingressClassName), controller === "none" ? "" : "nginx-internal");
                const front = controller === "none" ? "my-nginx-kubernetes-api" : "my-ingress-nginx";
                if (good.environment === "kind") {
                    assert.ok(!registered().some((entry) => entry.includes("api-load-balancer")));
                } else {
                    const selector = { "app.kubernetes.io/instance": front };
                    assert.deepEqual(input("api-load-balancer-service", "spec", "selector"), selector);
                }
                assert.equal(
                    registered().filter((entry) => entry.includes(":Ingress ")).length,
                    controller === "ingress-nginx" ? 1 : 0,
                );
            });
        });
    }
}

for (const good of [CLOUD, METALLB, { ...METALLB, address: "10.1.2.3", metallb: { install: false } }] as readonly (
    typeof CLOUD | typeof METALLB
)[]) {
    for (const controller of ["traefik", "ingress-nginx", "none"]) {
        it(`port 443 of ${good.environment} with ${controller}: in the outputs, for InterLink and in redirects`, async () => {
            const loadBalancer = { ...("loadBalancer" in good ? good.loadBalancer : {}), port: 443 };
            const { apiServerPort, apiServerUrl } = await deployed({ ...good, controller, loadBalancer });
            assert.equal(apiServerPort, 443);
            assert.equal(await valueOf(apiServerUrl), "https://10.1.2.3:443");
            assert.equal((find("interlink").inputs.kubernetesApi as { port: number }).port, 443);
            const ports = input("api-load-balancer-service", "spec", "ports") as { port: number; targetPort: string }[];
            assert.deepEqual(
                ports.map(({ port, targetPort }) => [port, targetPort]),
                [
                    [80, "http"],
                    [443, "https"],
                ],
            );
            const everything = JSON.stringify(recordedResources().map(({ inputs }) => inputs));
            const redirect = {
                traefik: /redirections\.entrypoint\.to=:443"/,
                "ingress-nginx": /"use-port-in-redirects":"false"/,
                none: /return 308 https:\/\/\$host:443\$request_uri/,
            }[controller];
            assert.match(everything, redirect ?? /$^/);
            // The pods stay above 1023.
            assert.match(everything, /"containerPort":60443|"containerPort":\{"http":6080,"https":60443\}/);
        });
    }
}

describe("MetalLB's load balancer", () => {
    const service = (...path: string[]) => input("api-load-balancer-service", ...path);

    it("is of a class that the MetalLB of the stack alone serves", async () => {
        await deployed(METALLB);
        assert.equal(service("spec", "loadBalancerClass"), "interlink-kube-api/metallb");
        assert.equal(input("metallb-chart", "values", "loadBalancerClass"), "interlink-kube-api/metallb");
        await deployed({ ...METALLB, loadBalancer: { class: "site.example/lb" } });
        assert.equal(service("spec", "loadBalancerClass"), "site.example/lb");
        assert.equal(input("metallb-chart", "values", "loadBalancerClass"), "site.example/lb");
    });

    it("is of no class where the cluster has MetalLB, unless it has one", async () => {
        const present = { ...METALLB, metallb: { install: false, addresses: ["10.1.2.0/28"] } };
        await deployed(present);
        assert.equal(service("spec", "loadBalancerClass"), undefined);
        await deployed({ ...present, loadBalancer: { class: "site.example/lb" } });
        assert.equal(service("spec", "loadBalancerClass"), "site.example/lb");
    });

    it("asks a pool that is there for the address, and makes none, where no addresses are given", async () => {
        await deployed({ ...METALLB, metallb: { install: false } });
        assert.ok(!registered().some((entry) => /MetalLB|IPAddressPool|L2Advertisement/.test(entry)));
        assert.equal(service("metadata", "annotations", "metallb.io/loadBalancerIPs"), "10.1.2.3");
    });

    it("has no ports on the nodes, and the address's family", async () => {
        await deployed({
            ...METALLB,
            address: "fd00::10",
            metallb: { install: false, addresses: ["fd00::/120"] },
            controller: "none",
            loadBalancer: { externalTrafficPolicy: "Local" },
        });
        assert.equal(service("spec", "allocateLoadBalancerNodePorts"), false);
        assert.deepEqual(service("spec", "ipFamilies"), ["IPv6"]);
        assert.equal(service("spec", "externalTrafficPolicy"), "Local");
    });
});

describe("with Traefik", () => {
    it("TLS is passed through to the proxy's Service, and both have the certificate of the address", async () => {
        await deployed({ ...METALLB, controller: "traefik" });
        const traefik = input("my-ingress-nginx-configuration", "data", "traefik.yaml") as string;
        assert.match(traefik, new RegExp(`address: ${SERVICE_IP}:60443`));
        const proxy = input("my-nginx-kubernetes-api-configuration", "data", "nginx.conf") as string;
        assert.match(proxy, /listen 60443 ssl proxy_protocol /);
        for (const [name, ...path] of [
            ["my-nginx-kubernetes-api-deployment", 1, "secret", "secretName"],
            ["my-ingress-nginx-deployment", 0, "projected", "sources", 1, "secret", "name"],
        ] as const) {
            const secret = input(name, "spec", "template", "spec", "volumes", ...path);
            assert.equal(secret, "web-ssl-kubernetes-api");
        }
        assert.ok(
            !registered().includes("kubernetes:cert-manager.io/v1:Certificate my-nginx-kubernetes-api-certificate"),
        );
    });
});

describe("the networks of clients", () => {
    const sourceRanges = ["10.0.0.0/8"];
    const held = ["10.0.0.0/8", "127.0.0.0/8", "::1/128"];
    const annotation = () =>
        (input("kubernetes-api-ingress", "metadata", "annotations") as Record<string, string>)[
            "nginx.ingress.kubernetes.io/whitelist-source-range"
        ];
    const configuration = () => input("my-nginx-kubernetes-api-configuration", "data", "nginx.conf") as string;

    for (const [name, settings] of [
        ["kind", { ...KIND, sourceRanges }],
        ["cloud", { ...CLOUD, loadBalancer: { provider: "aws", sourceRanges, externalTrafficPolicy: "Local" } }],
        ["metallb", { ...METALLB, loadBalancer: { sourceRanges, externalTrafficPolicy: "Local" } }],
    ] as const) {
        it(`are held by the pods of ${name}, which see where clients come from`, async () => {
            await deployed({ ...settings, controller: "ingress-nginx" });
            assert.equal(annotation(), held.join(","));
            assert.doesNotMatch(configuration(), /deny all/);
            for (const controller of ["traefik", "none"]) {
                await deployed({ ...settings, controller });
                assert.match(
                    configuration(),
                    /allow 10\.0\.0\.0\/8;\s+allow 127\.0\.0\.0\/8;\s+allow ::1\/128;\s+deny all;/,
                );
            }
        });
    }

    it("are the load balancer's alone where nodes pass connections on, since everybody would be refused", async () => {
        await deployed({ ...METALLB, controller: "traefik", loadBalancer: { sourceRanges } });
        assert.doesNotMatch(configuration(), /deny all/);
        await deployed({ ...METALLB, controller: "ingress-nginx", loadBalancer: { sourceRanges } });
        assert.equal(annotation(), undefined);
        await deployed({ ...CLOUD, controller: "none", loadBalancer: { provider: "aws", sourceRanges } });
        assert.doesNotMatch(configuration(), /deny all/);
    });
});

for (const good of [KIND, CLOUD, METALLB, EXTERNAL]) {
    it(`the output interlinkValues of ${good.environment} leads where the stack's own virtual node does`, async () => {
        const { interlinkValues } = await deployed(good);
        const { interlink } = parse(await valueOf(interlinkValues)) as { interlink: Record<string, unknown> };
        const { address, port } = find("interlink").inputs.kubernetesApi as Record<string, unknown>;
        assert.deepEqual([interlink.kubernetesApiAddr, interlink.kubernetesApiPort], [address, port]);
        assert.match(String(interlink.kubernetesApiCaCrt), /^-----BEGIN CERTIFICATE-----\n/);
    });
}

describe("unique names", () => {
    it("are the namespaces' and those of what has none", async () => {
        await deployed({ ...KIND, controller: "traefik", uniqueNames: true });
        for (const [resource, name] of [
            ["namespace", "ingress-nginx-internal"],
            ["interlink-namespace", "interlink"],
            ["interlink-node", "interlink-slurm-node"],
            ["my-ingress-nginx-class", "nginx-internal"],
            ["ingress-nginx-internal-root-ca-issuer", "ingress-nginx-internal-root-ca"],
        ] as const) {
            assert.equal(input(resource, "metadata", "name"), `${name}-c0ffee`);
        }
        assert.equal(input("my-ingress-nginx-class", "spec", "controller"), "k8s.io/nginx-internal-c0ffee");
    });
});

describe("whom the proxy admits", () => {
    const proxy = "my-nginx-kubernetes-api";

    it("is everybody, unless the settings say otherwise", async () => {
        await deployed(KIND);
        assert.ok(!registered().some((entry) => entry.includes("ValidatingAdmissionPolicy")));
        await deployed({ ...KIND, admit: "tokens" });
        assert.match(input(`${proxy}-configuration`, "data", "nginx.conf") as string, /return 401;/);
    });

    it("are the jobs of all sites, by the names that the nodes have in the cluster", async () => {
        const sites = { one: KIND.interlink, two: { ...KIND.interlink, nodeName: "second" } };
        for (const controller of ["traefik", "none"]) {
            await deployed({ ...KIND, interlink: undefined, sites, controller, admit: "jobs", uniqueNames: true });
            const script = input(`${proxy}-configuration`, "data", "gate.js") as string;
            assert.match(script, /NODES = \["interlink-one-c0ffee","second-c0ffee"\];/);
            const condition = input(`${proxy}-jobs-policy`, "spec", "matchConditions", 0, "expression") as string;
            assert.match(condition, /node in \["interlink-one-c0ffee","second-c0ffee"\]/);
            for (const object of ["gate-role", "jobs-policy", "jobs-policy-binding"]) {
                assert.equal(input(`${proxy}-${object}`, "metadata", "name"), `${proxy}-c0ffee`);
            }
        }
    });
});

describe("the virtual kubelet's certificate", () => {
    it("is its own; where the cluster signs it, the approver's image comes through the mirror", async () => {
        await deployed(KIND);
        assert.ok(!registered().some((entry) => entry.includes("approver")));
        const interlink = { ...KIND.interlink, kubeletCertificate: "signed" };
        await deployed({ ...KIND, interlink, mirror: { registry: "mirror.site.example" } });
        const container = ["spec", "template", "spec", "containers", 0] as const;
        assert.equal(input("interlink-approver", ...container, "image"), "mirror.site.example/alpine/k8s:1.35.4");
    });
});

describe("the virtual kubelet", () => {
    const restarted = async (look?: NodeLook) => {
        await record();
        const provider = new k8s.Provider("kubernetes", {});
        await settledStack(
            deploy(parseSettings({ ...KIND, uniqueNames: true }), { opts: { provider } }, { lookAtNode: look }),
        );
        return find("interlink").inputs.restarted;
    };

    it("starts anew when the cluster has lost its node, by the name that the node has there", async () => {
        assert.equal(
            await restarted((...names) => Promise.resolve(names.join())),
            "interlink-slurm-node-c0ffee,interlink-c0ffee",
        );
        assert.equal(await restarted(() => Promise.resolve(undefined)), undefined);
        assert.equal(await restarted(), undefined);
    });

    it("has the key for mutual TLS as a secret", async () => {
        const { cert, key } = certificateFor("IP:127.0.0.1");
        await deployed({ ...KIND, interlink: { ...KIND.interlink, tls: { ca: cert, cert, key } } });
        const given = find("interlink").inputs.interlink;
        assert.ok(pulumi.runtime.isRpcSecret(given));
        assert.deepEqual((pulumi.runtime.unwrapRpcSecret(given) as { tls: object }).tls, {
            ca: cert,
            cert,
            key,
            insecure: false,
        });
    });
});

describe("the cloud's load balancer", () => {
    for (const [provider, annotation] of [
        ["aws", "service.beta.kubernetes.io/aws-load-balancer-internal"],
        ["gcp", "networking.gke.io/load-balancer-type"],
        ["azure", "service.beta.kubernetes.io/azure-load-balancer-internal"],
        ["openstack", "service.beta.kubernetes.io/openstack-internal-load-balancer"],
    ] as const) {
        it(`is internal with ${provider}, unless it is told not to be`, async () => {
            const annotations = () => input("api-load-balancer-service", "metadata", "annotations") as object;
            await deployed({ ...CLOUD, loadBalancer: { provider } });
            assert.ok(annotation in annotations());
            await deployed({ ...CLOUD, loadBalancer: { provider, internal: false, sourceRanges: ["10.0.0.0/8"] } });
            assert.ok(!(annotation in annotations()));
        });
    }

    it("may have another address outside, which stands in the certificate", async () => {
        const { apiServerUrl } = await deployed({ ...CLOUD, address: "api.site.example" });
        assert.equal(await valueOf(apiServerUrl), "https://api.site.example:60443");
        assert.deepEqual(input("kubernetes-api-certificate", "spec", "dnsNames"), ["api.site.example"]);
    });
});

const SITES = {
    south: { address: "https://10.8.8.8", port: 3001, namespace: "hpc", values: { OAUTH: { ClientSecret: "s3cret" } } },
    north: { address: "https://10.9.9.9", port: 3000, nodeName: "cluster-9", resources: { cpus: 512 } },
};

for (const good of [KIND, CLOUD, METALLB, EXTERNAL]) {
    describe(`several sites in the environment ${good.environment}`, () => {
        const settings = { ...good, interlink: undefined, sites: SITES };

        it("get a virtual node each, and the same way back", async () => {
            const { interlinkNodeName, interlinkNodeNames } = await deployed(settings);
            assert.deepEqual(await valueOf(interlinkNodeNames), ["cluster-9", "interlink-south"]);
            assert.equal(await valueOf(interlinkNodeName), "cluster-9");
            const [north, south] = [find("interlink-north").inputs, find("interlink-south").inputs];
            assert.deepEqual(north.kubernetesApi, south.kubernetesApi);
            assert.deepEqual(north.interlink, { address: "https://10.9.9.9", port: 3000, tls: { insecure: false } });
            assert.deepEqual(south.interlink, { address: "https://10.8.8.8", port: 3001, tls: { insecure: false } });
            assert.deepEqual(north.resources, { cpus: 512, memGiB: 49, pods: 100 });
            assert.deepEqual([north.namespace, south.namespace], ["interlink-north", "hpc"]);
        });

        it("share no name of an object", async () => {
            await deployed(settings);
            const keys = recordedResources()
                .filter(({ type, name }) => type.startsWith("kubernetes:") && name.startsWith("interlink-"))
                .map(({ type, inputs }) => {
                    // The chart's own objects have its name or its namespace.
                    const { name, namespace } = (inputs.metadata ?? { name: inputs.name }) as Record<string, unknown>;
                    return JSON.stringify([type, namespace, name]);
                });
            assert.deepEqual(
                keys.filter((key, index) => keys.indexOf(key) !== index),
                [],
            );
        });

        it("keep their values secret, and from each other", async () => {
            await deployed(settings);
            assert.ok(pulumi.runtime.isRpcSecret(find("interlink-south-chart").inputs.values));
            assert.ok(!JSON.stringify(find("interlink-north-chart").inputs).includes("s3cret"));
            assert.ok(!pulumi.runtime.isRpcSecret(find("interlink-north-chart").inputs.values));
        });
    });
}

describe("the only site", () => {
    it("is the only one of the list", async () => {
        const { interlinkNodeName, interlinkNodeNames } = await deployed(KIND);
        assert.deepEqual(await valueOf(interlinkNodeNames), [await valueOf(interlinkNodeName)]);
    });

    for (const mirror of [{}, { registry: "mirror.site.example:5000" }]) {
        it(`runs in the cluster with images that are pinned, ${"registry" in mirror ? "from a mirror" : "its own"}`, async () => {
            const plugin = { image: "ghcr.io/site/plugin:1", config: "SidecarPort: 4000" };
            await deployed({ ...EXTERNAL, mirror, interlink: { mode: "in-cluster", plugin } });
            const registry = mirror.registry ?? "ghcr.io";
            assert.equal(input("interlink-chart", "values", "plugin", "image"), `${registry}/site/plugin:1`);
            const image = input("interlink-chart", "values", "interlink", "image");
            assert.equal(image, images.interlinkApi.replace("ghcr.io", registry));
        });
    }
});

describe("the stack external", () => {
    it("makes nothing but the InterLink release", async () => {
        await deployed(EXTERNAL);
        const outside = recordedResources().filter(({ type, name, read }) => {
            return !read && !/^pulumi:/.test(type) && !name.startsWith("interlink");
        });
        assert.deepEqual(
            outside.map(({ name }) => name),
            [],
        );
    });

    it("hands on the cluster's own CA, unless it is given one", async () => {
        const own = await deployed(EXTERNAL);
        assert.equal(await valueOf(own.caCertificate), CA_PEM);
        assert.ok(find("cluster-ca").read);
        const given = await deployed({ ...EXTERNAL, api: { ...EXTERNAL.api, caCertificate: SITE_CA } });
        assert.equal(await valueOf(given.caCertificate), SITE_CA);
        assert.ok(!registered().some((entry) => entry.endsWith(" cluster-ca")));
        assert.equal(await valueOf(given.apiServerUrl), "https://10.1.2.3:6443");
        assert.deepEqual(find("interlink").inputs.kubernetesApi, { ...EXTERNAL.api, caCertificate: SITE_CA });
    });

    it("takes several certificates, as while a site changes its own", async () => {
        const bundle = `${SITE_CA}\n${SITE_CA}`;
        const { caCertificate } = await deployed({ ...EXTERNAL, api: { ...EXTERNAL.api, caCertificate: bundle } });
        assert.equal(await valueOf(caCertificate), bundle);
    });

    it("has an URL for an IPv6 address, and neither namespace nor class", async () => {
        const { apiServerUrl, apiServerHost, namespace, ingressClassName } = await deployed({
            ...EXTERNAL,
            api: { address: "fd00::1", port: 443 },
        });
        assert.equal(await valueOf(apiServerUrl), "https://[fd00::1]:443");
        assert.equal(await valueOf(apiServerHost), "fd00::1");
        assert.deepEqual([await valueOf(namespace), await valueOf(ingressClassName)], ["", ""]);
    });

    it("has unique names too", async () => {
        await deployed({ ...EXTERNAL, uniqueNames: true });
        assert.equal(input("interlink-node", "metadata", "name"), "interlink-slurm-node-c0ffee");
    });
});

/** A certificate authority of a site's own. */
const SITE_CA = `-----BEGIN CERTIFICATE-----
MIIBdTCCARugAwIBAgIUdJcOsRdtEa3XYglk/R354AxEWuAwCgYIKoZIzj0EAwIw
DzENMAsGA1UEAwwEc2l0ZTAgFw0yNjExMjUxMjM0NThaGA8yMTI2MTEwMTEyMzQ1
OFowDzENMAsGA1UEAwwEc2l0ZTBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABGYI
faS06+YCRLoLxGxKuZdVITcqyhA5q/bjyTjzdUdrYXu5FvEa3N3VrfGTEIgW/v+x
CxzS8+7JpGKw9+g4+jajUzBRMB0GA1UdDgQWBBSL4g1acqJ72Wt0DxmzOt6nzh/U
HjAfBgNVHSMEGDAWgBSL4g1acqJ72Wt0DxmzOt6nzh/UHjAPBgNVHRMBAf8EBTAD
AQH/MAoGCCqGSM49BAMCA0gAMEUCIHdVrHteGhG702GEGl/8Zt5gKvXYW0ATKu6c
xuw6mY1AAiEA6jSqfC/sWBhAMX5Hr526lvphc6LqM/NT91ipwAYaXCo=
-----END CERTIFICATE-----
`;
