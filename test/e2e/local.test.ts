import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { CACHE, RUN, STATE } from "../../local/layout";
import { environment, Outputs, outputs } from "../../local/pulumi";
import { attempt, run } from "../../local/shell";

/** What command lines of our processes hold. */
const OURS = [STATE, RUN, join(CACHE, "tools")].join("|");
/** Kinds without a namespace that the program makes. */
const CLUSTER_SCOPED = [
    "clusterrolebindings",
    "clusterroles",
    "customresourcedefinitions",
    "ingressclasses",
    "mutatingwebhookconfigurations",
    "nodes",
    "validatingwebhookconfigurations",
].join(",");

/** The whole way on the local cluster: each step stands on the one before it. */
describe("on the local cluster", () => {
    it("`make up` ends in the Job's table", async () => {
        await make("down");
        const text = await make("up");
        assert.match(text, /selfsubjectrulesreviews\.authorization\.k8s\.io/);
    });

    it("the stack has its seven outputs, and no secret among them", async () => {
        const found = await outputs();
        assert.deepEqual(Object.keys(found).sort(), [
            "apiServerHost",
            "apiServerPort",
            "apiServerUrl",
            "caCertificate",
            "ingressClassName",
            "interlinkNodeName",
            "namespace",
        ] satisfies (keyof Outputs)[]);
        assert.match(found.caCertificate, /^-----BEGIN CERTIFICATE-----\n/);
    });

    it("the virtual kubelet reads the same CA back from its configuration", async () => {
        const { caCertificate, interlinkNodeName } = await outputs();
        const path = "jsonpath={.data.InterLinkConfig\\.yaml}";
        const name = `${interlinkNodeName}-virtual-kubelet-config`;
        const text = await kubectl("get", "configmap", name, "--namespace", "interlink", "-o", path);
        const { KubernetesApiCaCrt } = parse(text) as { KubernetesApiCaCrt: string };
        assert.equal(KubernetesApiCaCrt, caCertificate);
    });

    it("the virtual kubelet logs no token", async () => {
        const { interlinkNodeName } = await outputs();
        const log = await kubectl("logs", `deployment/${interlinkNodeName}-node`, "--namespace", "interlink");
        assert.notEqual(log, "");
        assert.doesNotMatch(log, /eyJhbGciOi/);
    });

    it("a second `make up` changes nothing", async () => {
        const text = await make("up");
        assert.match(text, /Resources:\n +\d+ unchanged\n/);
    });

    it("no private key is readable in the outputs or in Pulumi's state", async () => {
        const text =
            (await run(["pulumi", "stack", "export"], { env: environment() })) + JSON.stringify(await outputs());
        // Whole triples of bytes, so that the encoding does not depend on what follows.
        for (const header of ["-----BEGIN EC PRIVATE KEY-----", "-----BEGIN PRIVATE KEY-----"]) {
            assert.ok(!text.includes(header));
            assert.ok(!text.includes(Buffer.from(header.slice(0, 24)).toString("base64")));
        }
        assert.ok(text.includes("-----BEGIN CERTIFICATE-----"));
    });

    it("`make verify` notices that the proxy is gone, and that it is back", async () => {
        const { namespace } = await outputs();
        const proxy = ["deployment/my-nginx-kubernetes-api", "--namespace", namespace];
        await kubectl("scale", "--replicas=0", ...proxy);
        const pods = ["-l", "app.kubernetes.io/instance=my-nginx-kubernetes-api", "--namespace", namespace];
        await kubectl("wait", "--for=delete", "pod", "--timeout=60s", ...pods);
        const { status, stdout } = await attempt(["make", "verify"]);
        assert.notEqual(status, 0, stdout);
        await kubectl("scale", "--replicas=1", ...proxy);
        await kubectl("rollout", "status", ...proxy);
        await make("verify");
    });

    it("`make up` recovers when every process was killed", async () => {
        const names = readdirSync(join(RUN, "pids"));
        assert.ok(names.length >= 10, names.join(", "));
        for (const name of names) {
            const pid = readFileSync(join(RUN, "pids", name), "utf8").split(" ")[0];
            await run(["kill", "-9", pid ?? ""]);
        }
        await make("up");
    });

    it("`make destroy` leaves nothing of the program's", async () => {
        const before = (await outputs()).interlinkNodeName;
        await make("destroy");
        const namespaces = await kubectl("get", "namespaces", "-o", "name");
        assert.deepEqual(namespaces.trim().split("\n").sort(), [
            "namespace/default",
            "namespace/kube-node-lease",
            "namespace/kube-public",
            "namespace/kube-system",
        ]);
        const left = await kubectl("get", CLUSTER_SCOPED, "-o", "name");
        // Nothing exists now, not even cert-manager's kinds: a preview still lists everything.
        assert.match(await run(["pulumi", "preview", "--non-interactive"], { env: environment() }), /\d+ to create/);
        assert.doesNotMatch(left, new RegExp(`cert-manager|my-ingress-nginx|interlink-ready|nginx-internal|${before}`));
    });

    it("`make down` leaves nothing of ours", async () => {
        await make("down");
        assert.doesNotMatch(await run(["ip", "netns"]), /interlink|cni-/);
        assert.doesNotMatch(await run(["ip", "-o", "addr"]), /198\.1[89]\./);
        assert.doesNotMatch(
            readFileSync("/proc/mounts", "utf8"),
            new RegExp(` (${STATE}|${RUN}|/run/netns/interlink)`),
        );
        const processes = await attempt(["pgrep", "-af", OURS]);
        assert.equal(processes.stdout.trim(), "");
        assert.ok(!existsSync(STATE) && !existsSync(RUN));
    });
});

/** Runs a target of the Makefile; fails where it fails. */
async function make(target: string): Promise<string> {
    return run(["make", target], { echo: true });
}

function kubectl(...args: string[]): Promise<string> {
    return run(["kubectl", ...args], { env: environment() });
}
