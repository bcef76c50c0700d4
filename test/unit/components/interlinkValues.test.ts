import assert from "node:assert/strict";
import { parse } from "yaml";
import { valuesFile } from "../../../components/interlinkRelease";
import { RELEASE } from "../support/arguments";
import { CA_PEM, isSecret, record, valueOf } from "../support/mocks";

/** What InterLink's chart makes of the CA: each line indented, and the first once more. */
function configuration(ca: string): string {
    return `KubernetesApiCaCrt: |\n      ${ca.replace(/^/gm, "      ")}\nKubernetesApiPort: "60443"\n`;
}

describe("the values for who deploys InterLink's chart by other means", () => {
    beforeEach(() => record());

    for (const [what, caCertificate] of [
        ["a CA", CA_PEM],
        ["two CAs, as in a rotation", CA_PEM + CA_PEM],
    ] as const) {
        it(`give the virtual kubelet ${what} that it reads back from the chart's line`, async () => {
            const values = valuesFile({ ...RELEASE.kubernetesApi, caCertificate });
            const { interlink } = parse(await valueOf(values)) as { interlink: Record<string, string> };
            const { KubernetesApiCaCrt } = parse(configuration(interlink.kubernetesApiCaCrt ?? "")) as {
                KubernetesApiCaCrt: string;
            };
            assert.equal(KubernetesApiCaCrt, caCertificate);
        });
    }

    it("say where the API is, and that jobs get tokens which are not logged; they are no secret", async () => {
        const values = valuesFile(RELEASE.kubernetesApi);
        const { interlink } = parse(await valueOf(values)) as { interlink: Record<string, unknown> };
        const { kubernetesApiCaCrt, ...rest } = interlink;
        assert.equal(typeof kubernetesApiCaCrt, "string");
        assert.deepEqual(rest, {
            kubernetesApiAddr: "10.1.2.3",
            kubernetesApiPort: 60443,
            disableProjectedVolumes: false,
            logging: { verboseLogging: "false" },
        });
        assert.equal(await isSecret(values), false);
    });
});
