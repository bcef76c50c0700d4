import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { applyManifest, kubectl } from "../../local/cluster/kubectl";
import { HPC } from "../../local/machine/layout";
import { attempt, run } from "../../local/machine/shell";
import { template } from "../../local/machine/template";
import { outputs } from "../../local/stacks/pulumi";
import { NAMES } from "../../stacks/compose";

/**
 * What a watch without a keep-alive of its own gets when its first event comes after so many seconds, through a firewall that
 * forgets silent connections after `forgets` seconds; without that it never does.
 */
export async function idleWatch(seconds: number, forgets?: number): Promise<string> {
    const { apiServerUrl, caCertificate } = await outputs("dev");
    const folder = mkdtempSync(join(tmpdir(), "interlink-idle-"));
    try {
        writeFileSync(join(folder, "ca.crt"), caCertificate);
        await kubectl("create", "namespace", "idle");
        const grant = ["--clusterrole=view", "--serviceaccount=idle:default", "--namespace=idle"];
        await kubectl("create", "rolebinding", "view", ...grant);
        const token = (await kubectl("create", "token", "default", "--namespace", "idle")).trim();
        if (forgets !== undefined) {
            await run(["nft", "-f", "-"], { input: template(join(__dirname, "forgetful.nft"), { seconds: forgets }) });
        }
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
        await attempt(["nft", "delete", "table", "inet", "interlink_forgetful"]);
        await kubectl("delete", "namespace", "idle");
        rmSync(folder, { recursive: true });
    }
}

/** Gives the proxy a configuration in which no side of its connections asks whether the other one is still there. */
export async function withoutKeepAlive(): Promise<void> {
    const { namespace } = await outputs("dev");
    const proxy = [`deployment/${NAMES.proxy}`, "--namespace", namespace];
    const deployment = await kubectl("get", ...proxy, "-o", "json");
    const [, name = ""] = new RegExp(`"name": "(${NAMES.proxy}-configuration-[^"]+)"`).exec(deployment) ?? [];
    const text = await kubectl("get", "configmap", name, "--namespace", namespace, "-o", "json");
    const without = text.replaceAll(/so_keepalive=[^ ;]+/g, "so_keepalive=off");
    assert.notEqual(without, text);
    const metadata = { name: "without-keep-alive", namespace };
    const { data } = JSON.parse(without) as { data: unknown };
    await applyManifest(JSON.stringify({ apiVersion: "v1", kind: "ConfigMap", metadata, data }));
    await applyManifest(deployment.replaceAll(`"${name}"`, `"${metadata.name}"`));
    await kubectl("rollout", "status", ...proxy, "--timeout=120s");
}
