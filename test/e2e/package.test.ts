import assert from "node:assert/strict";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { parse, stringify } from "yaml";
import { kubectl } from "../../local/cluster/kubectl";
import { PROJECT } from "../../local/machine/layout";
import { run } from "../../local/machine/shell";
import { settingsPath } from "../../local/stacks/environments";
import { outputsOf, pulumiDestroy, pulumiUp, Stack } from "../../local/stacks/pulumi";
import { ensureTools, toolPath } from "../../local/toolchain/tools";
import { assertNamespaces, curlOutside, fromNothing, inSteps, make, UNCHANGED } from "./support";

/** The example with the settings of the local cluster, as a stack. */
const STACK: Stack = {
    name: "yaml",
    folder: join(dirname(settingsPath("yaml")), "program"),
    settings: settingsPath("yaml"),
};

inSteps("a program in YAML", {
    "reads from the package what its component takes": async () => {
        await fromNothing();
        await ensureTools(["pulumi-language-yaml"]);
        const plugin = join(PROJECT, "local", "toolchain", "bin", "pulumi-resource-interlink-kube-api");
        // Not in the project's own folder, which is a program too: there Pulumi does not know which one is meant.
        const elsewhere = { cwd: tmpdir(), env: { PATH: toolPath() } };
        const schema = await run(["pulumi", "package", "get-schema", plugin], elsewhere);
        const { resources } = JSON.parse(schema) as { resources: Record<string, { inputProperties: object }> };
        const inputs = Object.keys(resources["interlink-kube-api:index:ApiAccess"]?.inputProperties ?? {});
        assert.ok(inputs.includes("environment") && inputs.includes("interlink"), schema);
        return `${inputs.length} inputs`;
    },

    "deploys access to the API, with a virtual node that gets Ready": async () => {
        // The ports of the node are taken by one way in at a time.
        const settings = localSettings();
        await make("destroy");
        writeProgram(settings);
        await pulumiUp(STACK);
        const { interlinkNodeName } = await outputsOf(STACK);
        const condition = 'jsonpath={.status.conditions[?(@.type=="Ready")].status}';
        assert.equal(await kubectl("get", "node", interlinkNodeName, "-o", condition), "True");
        return interlinkNodeName;
    },

    "opens the API to the HPC side, verified by its output and by who asks": async () => {
        const { apiServerUrl, caCertificate } = await outputsOf(STACK);
        const token = (await kubectl("create", "token", "default", "--namespace", "default")).trim();
        const review = JSON.stringify({ apiVersion: "authentication.k8s.io/v1", kind: "SelfSubjectReview" });
        const { stdout, stderr } = await curlOutside(
            caCertificate,
            ...["--header", `Authorization: Bearer ${token}`, "--json", review],
            `${apiServerUrl}/apis/authentication.k8s.io/v1/selfsubjectreviews`,
        );
        assert.equal(stderr, "");
        const { status } = JSON.parse(stdout) as { status: { userInfo: { username: string } } };
        assert.equal(status.userInfo.username, "system:serviceaccount:default:default");
        return apiServerUrl;
    },

    "changes nothing when it is deployed again": async () => {
        assert.match(await pulumiUp(STACK), UNCHANGED);
        return "all unchanged";
    },

    "leaves nothing when it is destroyed": async () => {
        await pulumiDestroy(STACK);
        await assertNamespaces();
        return "the cluster's own namespaces";
    },
});

/** The settings of the local cluster for the environment dev, as the component's arguments. */
function localSettings(): Record<string, unknown> {
    const { config } = parse(readFileSync(settingsPath("dev"), "utf8")) as { config: Record<string, unknown> };
    const settings = Object.fromEntries(
        Object.entries(config).map(([key, value]) => [key.replace("interlink-kube-api:", ""), value]),
    );
    const { charts, ...mirror } = settings.mirror as { charts: string };
    return { ...settings, mirror: { ...mirror, charts: resolve(PROJECT, charts) } };
}

/**
 * Writes the example with these settings. The local cluster's language host cannot run a package from its folder: Pulumi
 * finds the stand-in on PATH instead.
 */
function writeProgram(settings: Record<string, unknown>): void {
    const example = readFileSync(join(PROJECT, "examples", "yaml", "Pulumi.yaml"), "utf8");
    const program = parse(example) as { config: object; resources: { api: object } };
    // What the example asks a stack for is among the settings.
    const config = Object.fromEntries(Object.entries(program.config).filter(([key]) => key.startsWith("kubernetes:")));
    const resources = { api: { ...program.resources.api, properties: settings } };
    mkdirSync(STACK.folder, { recursive: true });
    writeFileSync(join(STACK.folder, "Pulumi.yaml"), stringify({ ...program, packages: undefined, config, resources }));
}
