import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { readOutputs } from "../../outputs";
import { isSecret, valueOf } from "./support/mocks";

const STACK = "organization/interlink-kube-api/dev";
/** What a stack returns. */
const OUTPUTS: Readonly<Record<string, unknown>> = {
    apiServerUrl: "https://10.1.2.3:60443",
    apiServerHost: "10.1.2.3",
    apiServerPort: 60443,
    caCertificate: "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n",
    ingressClassName: "",
    interlinkNodeName: "interlink-slurm-node",
    interlinkNodeNames: ["interlink-slurm-node"],
    namespace: "ingress-nginx-internal",
    tokenLifetimeSeconds: 3153600000,
    kubeconfig: "apiVersion: v1\n",
    interlinkValues: "interlink: {}\n",
    summary: "Kubernetes API: https://10.1.2.3:60443\n",
};

/** A reference to a stack that has these outputs; unknown outputs are for previews. */
async function reference(outputs: unknown, secretOutputNames: string[] = []): Promise<pulumi.StackReference> {
    await pulumi.runtime.setMocks(
        {
            newResource: ({ type, id, inputs }) => {
                assert.equal(type, "pulumi:pulumi:StackReference");
                return { id: id ?? "", state: { ...(inputs as object), outputs, secretOutputNames } };
            },
            call: ({ inputs }) => inputs as Record<string, unknown>,
        },
        "interlink-kube-api-argo",
        "test",
        outputs === pulumi.unknown,
    );
    return new pulumi.StackReference("interlink-kube-api", { name: STACK });
}

/** Asserts that a stack with these outputs is refused with these sentences. */
async function refused(outputs: Readonly<Record<string, unknown>>, ...sentences: string[]): Promise<void> {
    const stack = await reference(outputs);
    await assert.rejects(readOutputs(stack), (error) => {
        assert.ok(pulumi.RunError.isInstance(error));
        assert.deepEqual(error.message.split("\n"), sentences);
        return true;
    });
}

describe("the outputs", () => {
    const read = (path: string) => readFileSync(join(__dirname, "..", "..", path), "utf8");

    it("stand in the README's table, all of them", () => {
        const [, table = ""] = /^## Outputs\n([^]*?)\n## /m.exec(read("README.md")) ?? [];
        const names = Array.from(table.matchAll(/^\| `(\w+)`/gm), ([, name]) => name);
        assert.deepEqual(names, [...Object.keys(OUTPUTS), "readme"]);
    });

    it("are all that Pulumi.README.md names, which the console fills in", () => {
        const names = Array.from(read("Pulumi.README.md").matchAll(/\$\{([^}]*)\}/g), ([, name = ""]) => name);
        assert.ok(names.length > 0);
        assert.deepEqual(
            names.filter((name) => !Object.keys(OUTPUTS).some((output) => name === `outputs.${output}`)),
            [],
        );
    });
});

describe("readOutputs", () => {
    it("gives every output of the contract and nothing else", async () => {
        const outputs = await readOutputs(await reference({ ...OUTPUTS, somethingElse: 1 }));
        assert.deepEqual(await valueOf(pulumi.output(outputs)), OUTPUTS);
        const port: pulumi.Output<number> = outputs.apiServerPort;
        assert.equal(await valueOf(port), 60443);
    });

    it("loses no secret and makes none", async () => {
        const stack = await reference({ ...OUTPUTS, namespace: pulumi.secret("hidden") }, ["namespace"]);
        const outputs = await readOutputs(stack);
        assert.equal(await valueOf(outputs.namespace), "hidden");
        const secrets = await Promise.all(
            Object.entries(outputs).map(async ([name, output]) => ((await isSecret(output)) ? [name] : [])),
        );
        assert.deepEqual(secrets.flat(), ["namespace"]);
    });

    it("leaves unknown in a preview what the reference does not know", async () => {
        const outputs = await readOutputs(await reference(pulumi.unknown));
        for (const [name, output] of Object.entries<pulumi.Output<unknown>>(outputs)) {
            let called = false;
            await pulumi.isSecret(output.apply(() => (called = true)));
            assert.equal(called, false, name);
        }
    });

    it("refuses a stack without one of them", async () => {
        const outputs = { ...OUTPUTS, caCertificate: undefined };
        await refused(outputs, `Output caCertificate of stack ${STACK} is missing; it must be a string.`);
    });

    for (const [value, found] of [
        ["60443", "a string"],
        [true, "a boolean"],
        [null, "null"],
        [[60443], "a list"],
        [{ https: 60443 }, "an object"],
    ] as const) {
        it(`refuses a port that is ${found}`, async () => {
            const sentence = `Output apiServerPort of stack ${STACK} is ${found}; it must be a number.`;
            await refused({ ...OUTPUTS, apiServerPort: value }, sentence);
        });
    }

    for (const [value, found] of [
        ["interlink-slurm-node", "a string"],
        [undefined, "missing"],
        [["interlink-slurm-node", 1], "a list"],
        [{ 0: "interlink-slurm-node" }, "an object"],
    ] as const) {
        it(`refuses names that are ${found}`, async () => {
            const sentence = `Output interlinkNodeNames of stack ${STACK} is ${found}; it must be a list of strings.`;
            await refused({ ...OUTPUTS, interlinkNodeNames: value }, sentence);
        });
    }

    it("names several faults at once, and no value of a secret", async () => {
        await refused(
            { ...OUTPUTS, apiServerUrl: undefined, namespace: pulumi.secret(4711), apiServerPort: "60443" },
            `Output apiServerUrl of stack ${STACK} is missing; it must be a string.`,
            `Output apiServerPort of stack ${STACK} is a string; it must be a number.`,
            `Output namespace of stack ${STACK} is a number; it must be a string.`,
        );
    });
});
