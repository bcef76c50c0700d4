import assert from "node:assert/strict";
import { parseSettings } from "../../../settings/read";
import { BAD_SETTINGS, KIND } from "../support/badSettings";
import { exampleSettings } from "../support/generated";

describe("settings", () => {
    it("have defaults that are the guide's", () => {
        const settings = parseSettings(KIND);
        assert.deepEqual(settings.ports, { http: 6080, https: 60443 });
        assert.equal(settings.namespace, "ingress-nginx-internal");
        assert.equal(settings.ingressClassName, "nginx-internal");
        assert.equal(settings.interlink.nodeName, "interlink-slurm-node");
        assert.equal(settings.certManager.install, true);
    });

    for (const environment of ["kind", "cloud", "metallb"]) {
        it(`of the example Pulumi.${environment}.yaml are right`, () => {
            assert.equal(parseSettings(exampleSettings(environment)).environment, environment);
        });
    }

    for (const { good, change, says } of BAD_SETTINGS) {
        it(says.join(" "), () => {
            const changed = Object.entries({ ...good, ...change }).filter(([, value]) => value !== undefined);
            assert.throws(() => parseSettings(Object.fromEntries(changed)), {
                message: says.map((sentence) => `interlink-kube-api:${sentence}`).join("\n"),
            });
        });
    }
});
