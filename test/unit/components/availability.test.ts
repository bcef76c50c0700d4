import assert from "node:assert/strict";
import { InternalIngressController } from "../../../components/internalIngressController";
import { NginxApiProxy } from "../../../components/nginxApiProxy";
import { HOST_PORTS, NAMESPACE, PORTS, PROXY } from "../support/arguments";
import { input, record, registered, settled } from "../support/mocks";

/** What every controller is given. */
const CONTROLLER = {
    namespace: NAMESPACE,
    ingressClassName: "nginx-internal",
    address: "10.1.2.3",
    ports: PORTS,
    outsidePort: 60443,
    defaultCertificateSecretName: "leaf",
};
/** The pods that lead clients in, by what makes them. */
const FRONTS = {
    "the proxy": (hostPorts?: typeof HOST_PORTS) =>
        new NginxApiProxy("front", {
            ...PROXY,
            clients: { type: "outside", tlsSecretName: "leaf", port: 60443, hostPorts },
        }),
    Traefik: (hostPorts?: typeof HOST_PORTS) =>
        new InternalIngressController("front", {
            ...CONTROLLER,
            software: { type: "traefik", image: "traefik:3" },
            hostPorts,
        }),
} as const;

for (const [name, front] of Object.entries(FRONTS)) {
    describe(`the pods of ${name}`, () => {
        beforeEach(() => record());
        const pod = (...path: (string | number)[]) => input("front-deployment", "spec", "template", "spec", ...path);

        it("are two behind a Service, apart, of which one may go at a time", async () => {
            await settled(front());
            assert.equal(input("front-deployment", "spec", "replicas"), 2);
            const labels = input("front-deployment", "spec", "selector", "matchLabels");
            assert.deepEqual(pod("topologySpreadConstraints", 0, "labelSelector", "matchLabels"), labels);
            assert.deepEqual(input("front-disruption-budget", "spec", "selector", "matchLabels"), labels);
            assert.equal(input("front-disruption-budget", "spec", "maxUnavailable"), 1);
        });

        it("take what still arrives there, and let watches go on", async () => {
            await settled(front());
            const withdrawal = pod("containers", 0, "lifecycle", "preStop", "sleep", "seconds") as number;
            assert.ok(withdrawal > 0);
            assert.ok((pod("terminationGracePeriodSeconds") as number) > withdrawal + 60);
        });

        it("end at once on a node's ports, for which the next one waits, and nothing keeps the node from being drained", async () => {
            await settled(front(HOST_PORTS));
            assert.equal(input("front-deployment", "spec", "replicas"), 1);
            assert.equal(pod("terminationGracePeriodSeconds"), 1);
            assert.equal(pod("containers", 0, "lifecycle"), undefined);
            assert.ok(!registered().some((entry) => entry.includes("PodDisruptionBudget")));
        });
    });
}

describe("the pods of ingress-nginx", () => {
    it("are as many and end in the same way, by the chart's values", async () => {
        for (const [hostPorts, replicas, grace] of [
            [undefined, 2, 320],
            [HOST_PORTS, 1, 1],
        ] as const) {
            await record();
            const software = { type: "ingress-nginx", chartVersion: "4.11.0", image: "controller:v1" } as const;
            await settled(new InternalIngressController("front", { ...CONTROLLER, software, hostPorts }));
            const values = ["values", "controller"] as const;
            assert.equal(input("front-chart", ...values, "replicaCount"), replicas);
            assert.equal(input("front-chart", ...values, "terminationGracePeriodSeconds"), grace);
        }
    });
});
