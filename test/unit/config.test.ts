import assert from "node:assert/strict";
import { parseSettings } from "../../config";

const GOOD = { environment: "kind", address: "10.1.2.3", interlink: { address: "https://10.9.9.9", port: 3000 } };

/** What is changed of good settings, and the sentence that it gets. */
const BAD: readonly (readonly [Record<string, unknown>, string])[] = [
    [{ environment: "moon" }, 'interlink-kube-api:environment: "moon" is not allowed; give kind.'],
    [{ environment: undefined }, "interlink-kube-api:environment is missing; give kind."],
    [{ address: "my_host" }, 'interlink-kube-api:address: "my_host" is not allowed; give an IP address or a DNS name.'],
    [
        { address: "10.0.0.300" },
        'interlink-kube-api:address: "10.0.0.300" is not allowed; give an IP address or a DNS name.',
    ],
    [{ address: undefined }, "interlink-kube-api:address is missing; give an IP address or a DNS name."],
    [{ controller: "haproxy" }, 'interlink-kube-api:controller: "haproxy" is not allowed; give traefik.'],
    [
        { proxy: { replicas: -1 } },
        "interlink-kube-api:proxy.replicas: -1 is not allowed; give a whole number of pods, zero or more.",
    ],
    [
        { ca: { duration: "59m" } },
        'interlink-kube-api:ca.duration: "59m" is not allowed; give a duration of at least 1h, such as 2160h or 90h30m.',
    ],
    [
        { ports: { https: 70000 } },
        "interlink-kube-api:ports.https: 70000 is not allowed; give a TCP port between 1 and 65535.",
    ],
    [
        { certManager: { install: "yes" } },
        'interlink-kube-api:certManager.install: "yes" is not allowed; give an object with install: true or false.',
    ],
    [
        { interlink: { address: "10.9.9.9", port: 1 } },
        'interlink-kube-api:interlink.address: "10.9.9.9" is not allowed; give a URL that starts with http:// or https://, without a port.',
    ],
    [
        { interlink: undefined },
        "interlink-kube-api:interlink is missing; give an object with at least address and port.",
    ],
    [{ adress: "10.1.2.3" }, "interlink-kube-api:adress: there is no such setting."],
    [{ proxy: { replica: 1 } }, "interlink-kube-api:proxy.replica: there is no such setting."],
];

describe("settings", () => {
    it("have defaults that are the guide's", () => {
        const settings = parseSettings(GOOD);
        assert.deepEqual(settings.ports, { http: 6080, https: 60443 });
        assert.equal(settings.namespace, "ingress-nginx-internal");
        assert.equal(settings.ingressClassName, "nginx-internal");
        assert.equal(settings.interlink.nodeName, "interlink-slurm-node");
        assert.equal(settings.certManager.install, true);
    });

    for (const [change, sentence] of BAD) {
        it(sentence, () => {
            assert.throws(() => parseSettings({ ...GOOD, ...change }), { message: sentence });
        });
    }

    it("name all faults at once", () => {
        assert.throws(
            () => parseSettings({ ...GOOD, environment: "moon", controller: "x" }),
            (error: Error) => {
                assert.equal(error.message.split("\n").length, 2);
                return true;
            },
        );
    });
});
