import assert from "node:assert/strict";
import { LoadBalancer, LoadBalancerArgs } from "../../../components/loadBalancer";
import { NAMESPACE, PORTS } from "../support/arguments";
import { input, loadBalancerStatus, record, valueOf } from "../support/mocks";

describe("LoadBalancer", () => {
    beforeEach(() => record());

    const args: LoadBalancerArgs = {
        namespace: NAMESPACE,
        selector: { app: "front" },
        ports: PORTS,
        annotations: { "example.site/internal": "true" },
        sourceRanges: ["10.0.0.0/8"],
    };

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
            assert.deepEqual(input("lb-service", "spec", "loadBalancerSourceRanges"), ["10.0.0.0/8"]);
        });
    }
});
