import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Environment } from "../../local/stacks/environments";
import { kubectl } from "../../local/cluster/kubectl";
import { HPC } from "../../local/machine/layout";
import { outputs } from "../../local/stacks/pulumi";
import { attempt, Result, RunOptions } from "../../local/machine/shell";
import { program } from "../../local/toolchain/tools";
import { NAMES } from "../../stacks/compose";

const NAMESPACE = "streams";
/** Longer than the minute for which most proxies let a connection be silent. */
const SILENCE_SECONDS = 70;
const WATCH_SECONDS = SILENCE_SECONDS + 10;
/** As JSON twice as long: beyond the 1 MiB that nginx takes by default. */
const LARGE = {
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name: "large" },
    data: { text: "\n".repeat(900_000) },
};

/**
 * Asserts that what workflows need passes from the HPC side: exec by both of its protocols, large objects, and watches that
 * are silent for long, by HTTP/1.1 as from Python and as kubectl asks for them.
 */
export async function assertStreams(environment: Environment): Promise<void> {
    const { apiServerUrl, caCertificate, namespace } = await outputs(environment);
    const folder = mkdtempSync(join(tmpdir(), "interlink-streams-"));
    const ca = join(folder, "ca.crt");
    writeFileSync(ca, caCertificate);
    const large = join(folder, "large.json");
    writeFileSync(large, JSON.stringify(LARGE));
    const inside = (...args: string[]) => kubectl("--namespace", NAMESPACE, ...args);
    await kubectl("create", "namespace", NAMESPACE);
    try {
        await inside("create", "rolebinding", "admin", "--clusterrole=admin", `--serviceaccount=${NAMESPACE}:default`);
        const token = (await inside("create", "token", "default")).trim();
        const server = [`--server=${apiServerUrl}`, `--certificate-authority=${ca}`, `--token=${token}`];
        const outside = (args: readonly string[], options: RunOptions = {}): Promise<Result> =>
            attempt(
                [
                    program("kubernetes", "kubectl"),
                    "--kubeconfig=/dev/null",
                    `--namespace=${NAMESPACE}`,
                    ...server,
                    ...args,
                ],
                { ...options, netns: HPC },
            );

        const configMaps = `${apiServerUrl}/api/v1/namespaces/${NAMESPACE}/configmaps`;
        const query = `watch=1&fieldSelector=metadata.name%3Dlarge&timeoutSeconds=${WATCH_SECONDS}`;
        const curl = ["curl", "-sSN", "--http1.1", "--cacert", ca, "-H", "@-", `${configMaps}?${query}`];
        const watch = ["get", "configmaps", "--watch-only", "--output-watch-events", "--field-selector"];
        const watches = [
            attempt(curl, { netns: HPC, input: `Authorization: Bearer ${token}\n` }),
            outside([...watch, "metadata.name=large", `--request-timeout=${WATCH_SECONDS}s`]),
        ];
        const silence = sleep(SILENCE_SECONDS * 1000);

        const proxy = ["get", "deployment", NAMES.proxy, "--namespace", namespace];
        // An image with a shell's commands, which the node has already.
        const image = await kubectl(...proxy, "-o", "jsonpath={.spec.template.spec.containers[0].image}");
        await inside("run", "shell", `--image=${image}`, "--command", "--", "sleep", "infinity");
        await inside("wait", "--for=condition=Ready", "pod/shell", "--timeout=60s");
        for (const websockets of ["true", "false"]) {
            const { stdout, stderr } = await outside(["exec", "-i", "shell", "-v=4", "--", "cat"], {
                input: "there and back",
                env: { KUBECTL_REMOTE_COMMAND_WEBSOCKETS: websockets },
            });
            assert.equal(stdout, "there and back", stderr);
            // kubectl tries the other protocol where WebSockets do not pass.
            assert.doesNotMatch(stderr, /fallback/);
        }
        await inside("delete", "pod", "shell", "--now");

        await silence;
        const created = await outside(["create", "-f", large]);
        assert.equal(created.status, 0, created.stderr);
        const [byHttp11, byKubectl] = await Promise.all(watches);
        assert.match(byHttp11?.stdout ?? "", /^\{"type":"ADDED"/, byHttp11?.stderr);
        assert.match(byKubectl?.stdout ?? "", /^ADDED +large /m, byKubectl?.stderr);
    } finally {
        await kubectl("delete", "namespace", NAMESPACE);
        rmSync(folder, { recursive: true });
    }
}
