import assert from "node:assert/strict";
import { CustomResourceOptions, ResourceTransformation } from "@pulumi/pulumi";
import {
    LoadBalancer,
    LoadBalancerArgs,
    outsidePorts,
    PROVIDER_TABLE,
    providerAnnotations,
    PROVIDERS,
} from "../../../components/loadBalancer";
import { NAMESPACE, PORTS } from "../support/arguments";
import { input, loadBalancerStatus, record, settled, valueOf } from "../support/mocks";

describe("LoadBalancer", () => {
    beforeEach(() => record());

    const args: LoadBalancerArgs = {
        namespace: NAMESPACE,
        selector: { app: "front" },
        ports: PORTS,
        annotations: { "example.site/internal": "true" },
        sourceRanges: ["10.0.0.0/8"],
    };
    const spec = (field: string) => input("lb-service", "spec", field);

    for (const [entry, address] of [
        [{ ip: "10.1.2.3" }, "10.1.2.3"],
        [{ hostname: "lb.site.example" }, "lb.site.example"],
    ] as const) {
        it(`waits for its address, here ${address}, and not for pods`, async () => {
            loadBalancerStatus({ ingress: [entry] });
            const loadBalancer = new LoadBalancer("lb", args);
            assert.equal(await valueOf(loadBalancer.address), address);
            assert.deepEqual(input("lb-service", "metadata", "annotations"), {
                "example.site/internal": "true",
                "pulumi.com/waitFor": "jsonpath={.status.loadBalancer.ingress[0]}",
            });
            assert.deepEqual(spec("loadBalancerSourceRanges"), ["10.0.0.0/8"]);
        });
    }

    it("has ports of its own, which lead to those of the pods by name", async () => {
        await settled(new LoadBalancer("lb", { ...args, ports: { http: 80, https: 443 } }));
        assert.deepEqual(spec("ports"), [
            { name: "http", port: 80, targetPort: "http" },
            { name: "https", port: 443, targetPort: "https" },
        ]);
    });

    for (const [address, families] of [
        ["10.1.2.3", ["IPv4"]],
        ["fd00::10", ["IPv6"]],
    ] as const) {
        it(`has the family of ${address}, whichever is the cluster's first`, async () => {
            await settled(new LoadBalancer("lb", { ...args, address }));
            assert.deepEqual([spec("ipFamilyPolicy"), spec("ipFamilies")], ["SingleStack", families]);
        });
    }

    for (const address of [undefined, "api.site.example"]) {
        it(`leaves the family to the cluster with ${address ?? "no address"}`, async () => {
            await settled(new LoadBalancer("lb", { ...args, address }));
            assert.deepEqual([spec("ipFamilyPolicy"), spec("ipFamilies")], [undefined, undefined]);
        });
    }

    it("may be of a class, keep the client's address, and leave the nodes' ports alone", async () => {
        await settled(
            new LoadBalancer("lb", {
                ...args,
                class: "site.example/lb",
                externalTrafficPolicy: "Local",
                nodePorts: false,
            }),
        );
        assert.equal(spec("loadBalancerClass"), "site.example/lb");
        assert.equal(spec("externalTrafficPolicy"), "Local");
        assert.equal(spec("allocateLoadBalancerNodePorts"), false);
    });

    it("is made anew where its class changes, which Kubernetes refuses to change", async () => {
        const seen: CustomResourceOptions[] = [];
        const transformations: ResourceTransformation[] = [
            ({ type, props, opts }) => {
                if (type.endsWith(":Service")) {
                    seen.push(opts);
                }
                return { props, opts };
            },
        ];
        await settled(new LoadBalancer("lb", args, { transformations }));
        assert.deepEqual(
            seen.map(({ replaceOnChanges, deleteBeforeReplace }) => [replaceOnChanges, deleteBeforeReplace]),
            [[["spec.loadBalancerClass"], true]],
        );
    });

    it("is by default of no class, and what Kubernetes makes of it else", async () => {
        await settled(new LoadBalancer("lb", args));
        for (const field of ["loadBalancerClass", "externalTrafficPolicy", "allocateLoadBalancerNodePorts"]) {
            assert.equal(spec(field), undefined, field);
        }
    });
});

describe("the ports of a load balancer", () => {
    for (const [asked, ports] of [
        [undefined, PORTS],
        [443, { http: 80, https: 443 }],
        [8443, { http: 6080, https: 8443 }],
        [80, { http: 6080, https: 80 }],
    ] as const) {
        it(`are ${ports.http} and ${ports.https} where ${asked ?? "none"} is asked for`, () => {
            assert.deepEqual(outsidePorts(PORTS, asked), ports);
        });
    }
});

describe("providers", () => {
    const ports = { http: 80, https: 443 };
    const annotations = (provider: (typeof PROVIDERS)[number], internal: boolean, sourceRanges: string[] = []) =>
        providerAnnotations({ provider, internal, ports, sourceRanges });

    it("aws: a silent connection lives as long as a listener allows", () => {
        const key = "service.beta.kubernetes.io/aws-load-balancer-listener-attributes.TCP-443";
        assert.equal(annotations("aws", true)[key], "tcp.idle_timeout.seconds=6000");
    });

    it("aws: one that shall not be internal is public, whoever makes it", () => {
        const aws = "service.beta.kubernetes.io/aws-load-balancer";
        const schemes = [true, false].map((internal) => {
            const made = annotations("aws", internal, ["10.0.0.0/8"]);
            return [made[`${aws}-scheme`], made[`${aws}-internal`]];
        });
        assert.deepEqual(schemes, [
            ["internal", "true"],
            ["internet-facing", undefined],
        ]);
    });

    it("gcp: an internal one is reached from other regions too", () => {
        const key = "networking.gke.io/internal-load-balancer-allow-global-access";
        assert.equal(annotations("gcp", true)[key], "true");
        assert.deepEqual(annotations("gcp", false), {});
    });

    it("azure: source ranges hold against the virtual network too", () => {
        const key = "service.beta.kubernetes.io/azure-deny-all-except-load-balancer-source-ranges";
        assert.equal(annotations("azure", true, ["10.0.0.0/8"])[key], "true");
        // Without ranges it would let nobody in.
        assert.ok(!(key in annotations("azure", true)));
    });

    for (const provider of PROVIDERS) {
        it(`${provider}: every annotation's name is one that Kubernetes takes`, () => {
            for (const key of Object.keys(annotations(provider, true, ["10.0.0.0/8"]))) {
                assert.match(key, /^[a-z0-9.-]+\/[A-Za-z0-9]([-\w.]{0,61}[A-Za-z0-9])?$/);
            }
        });
    }

    it("have sources, each an address", () => {
        for (const [provider, { sources }] of Object.entries(PROVIDER_TABLE)) {
            assert.equal(sources.length > 0, provider !== "other", provider);
            assert.ok(sources.every((source) => source.startsWith("https://")));
        }
    });
});
