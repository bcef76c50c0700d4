import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { applyManifest, kubectl } from "../../local/cluster/kubectl";
import { HPC } from "../../local/machine/layout";
import { attempt, run } from "../../local/machine/shell";
import { outputs } from "../../local/stacks/pulumi";
import { file } from "./loginRegistry";

/** After how many seconds the firewall forgets a silent connection. */
export const FORGETS_SECONDS = 60;

/** Puts a firewall that forgets onto the link to the HPC side. */
export async function beginForgetting(): Promise<void> {
    await run(["nft", "-f", "-"], { input: file("forgetful.nft", { seconds: String(FORGETS_SECONDS) }) });
}

/** Takes it away again. */
export async function endForgetting(): Promise<void> {
    await run(["nft", "delete", "table", "inet", "interlink_forgetful"]);
}

/** What a watch without a keep-alive of its own gets when its first event comes after so many seconds. */
export async function idleWatch(seconds: number): Promise<string> {
    const { apiServerUrl, caCertificate } = await outputs("dev");
    const folder = mkdtempSync(join(tmpdir(), "interlink-idle-"));
    try {
        writeFileSync(join(folder, "ca.crt"), caCertificate);
        await kubectl("create", "namespace", "idle");
        await kubectl(
            "create",
            "rolebinding",
            "view",
            "--clusterrole=view",
            "--serviceaccount=idle:default",
            "-n",
            "idle",
        );
        const token = (await kubectl("create", "token", "default", "--namespace", "idle")).trim();
        const query = `watch=1&fieldSelector=metadata.name%3Devent&timeoutSeconds=${seconds + 60}`;
        const url = `${apiServerUrl}/api/v1/namespaces/idle/configmaps?${query}`;
        const curl = ["curl", "-sSN", "--http1.1", "--no-keepalive", "--max-time", String(seconds + 15)];
        const watch = attempt([...curl, "--cacert", join(folder, "ca.crt"), "-H", "@-", url], {
            netns: HPC,
            input: `Authorization: Bearer ${token}\n`,
        });
        await sleep(seconds * 1000);
        await kubectl("create", "configmap", "event", "--namespace", "idle");
        return (await watch).stdout;
    } finally {
        await kubectl("delete", "namespace", "idle");
        rmSync(folder, { recursive: true });
    }
}

/** Gives the proxy a configuration in which no side of its connections asks whether the other one is still there. */
export async function withoutKeepAlive(): Promise<void> {
    const { namespace } = await outputs("dev");
    const proxy = ["deployment/my-nginx-kubernetes-api", "--namespace", namespace];
    const deployment = await kubectl("get", ...proxy, "-o", "json");
    const [, name = ""] = /"name": "(my-nginx-kubernetes-api-configuration-[^"]+)"/.exec(deployment) ?? [];
    const text = await kubectl("get", "configmap", name, "--namespace", namespace, "-o", "json");
    const without = text.replaceAll(/so_keepalive=[^ ;]+/g, "so_keepalive=off");
    assert.notEqual(without, text);
    const metadata = { name: "without-keep-alive", namespace };
    const { data } = JSON.parse(without) as { data: unknown };
    await applyManifest(JSON.stringify({ apiVersion: "v1", kind: "ConfigMap", metadata, data }));
    await applyManifest(deployment.replaceAll(`"${name}"`, `"${metadata.name}"`));
    await kubectl("rollout", "status", ...proxy, "--timeout=120s");
}
