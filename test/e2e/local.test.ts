import assert from "node:assert/strict";
import { copyFileSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parse } from "yaml";
import { applyManifest, kubectl } from "../../local/cluster/kubectl";
import { CACHE, HPC, PROJECT, RUN, STATE } from "../../local/machine/layout";
import { podmanEnvironment } from "../../local/machine/podman";
import { environment, mainStack, Outputs, outputs, pulumiUp } from "../../local/stacks/pulumi";
import { attempt, run, until } from "../../local/machine/shell";
import { NAMES } from "../../stacks/compose";
import { assertStreams } from "./streams";
import { assertNamespaces, deployWith, make, TABLE, UNCHANGED } from "./support";

/** What command lines of our processes hold. */
const OURS = [STATE, RUN, join(CACHE, "tools")].join("|");
/** A Certificate that is not the program's. */
const OTHERS_CERTIFICATE = JSON.stringify({
    apiVersion: "cert-manager.io/v1",
    kind: "Certificate",
    metadata: { name: "others", namespace: "default" },
    spec: { secretName: "others", dnsNames: ["others.example"], issuerRef: { name: "others" } },
});
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
    /** How many resources the first update made. */
    let created = "";

    it("`make up` ends in the Job's table", async () => {
        await make("down");
        const text = await make("up");
        assert.match(text, TABLE);
        created = /Resources:\n +\+ (\d+) created\n/.exec(text)?.[1] ?? "";
    });

    it("the stack has its outputs, and no secret among them", async () => {
        const found = await outputs("dev");
        assert.deepEqual(Object.keys(found).sort(), [
            "apiServerHost",
            "apiServerPort",
            "apiServerUrl",
            "caCertificate",
            "ingressClassName",
            "interlinkNodeName",
            "interlinkNodeNames",
            "interlinkValues",
            "kubeconfig",
            "namespace",
            "readme",
            "summary",
            "tokenLifetimeSeconds",
        ] satisfies (keyof Outputs | "readme")[]);
        assert.match(found.caCertificate, /^-----BEGIN CERTIFICATE-----\n/);
    });

    it("the virtual kubelet reads the same CA back from its configuration", async () => {
        const { caCertificate, interlinkNodeName } = await outputs("dev");
        const path = "jsonpath={.data.InterLinkConfig\\.yaml}";
        const name = `${interlinkNodeName}-virtual-kubelet-config`;
        const text = await kubectl("get", "configmap", name, "--namespace", "interlink", "-o", path);
        const { KubernetesApiCaCrt } = parse(text) as { KubernetesApiCaCrt: string };
        assert.equal(KubernetesApiCaCrt, caCertificate);
    });

    it("the virtual kubelet logs no token", async () => {
        const { interlinkNodeName } = await outputs("dev");
        const log = await kubectl("logs", `deployment/${interlinkNodeName}-node`, "--namespace", "interlink");
        assert.notEqual(log, "");
        assert.doesNotMatch(log, /eyJhbGciOi/);
    });

    it("exec, silent watches and large objects pass", async () => {
        await assertStreams("dev");
    });

    it("a second `make up` changes nothing", async () => {
        assert.match(await make("up"), UNCHANGED);
    });

    it("a changed setting reaches the virtual kubelet", async () => {
        const stack = mainStack("dev");
        const settings = readFileSync(stack.settings, "utf8");
        writeFileSync(stack.settings, settings.replace(/cpus: \d+/, "cpus: 3"));
        await pulumiUp(stack);
        const { interlinkNodeName } = await outputs("dev");
        const capacity = ["get", "node", interlinkNodeName, "-o", "jsonpath={.status.capacity.cpu}"];
        await until("the virtual node's new capacity", 60, async () => (await kubectl(...capacity)) === "3");
        writeFileSync(stack.settings, settings);
        await pulumiUp(stack);
    });

    it("the kubeconfig of a service account works on the HPC side, and is a secret", async () => {
        const stack = mainStack("dev");
        const settings = readFileSync(stack.settings, "utf8");
        await deployWith("dev", { kubeconfigFor: "default/default" });
        assert.equal((await outputs("dev")).kubeconfig, "[secret]");
        const folder = mkdtempSync(join(tmpdir(), "interlink-kubeconfig-"));
        const path = join(folder, "config");
        const env = environment("dev");
        const output = ["pulumi", "stack", "output", "kubeconfig", "--show-secrets"];
        writeFileSync(path, await run(output, { cwd: PROJECT, env }), { mode: 0o600 });
        const asked = ["kubectl", "--kubeconfig", path, "auth", "whoami"];
        const { status, stdout, stderr } = await attempt(asked, { netns: HPC, env });
        assert.equal(status, 0, stderr);
        assert.match(stdout, /system:serviceaccount:default:default/);
        rmSync(folder, { recursive: true });
        writeFileSync(stack.settings, settings);
        await pulumiUp(stack);
    });

    it("no private key is readable in the outputs or in Pulumi's state", async () => {
        const text =
            (await run(["pulumi", "stack", "export"], { env: environment("dev") })) +
            JSON.stringify(await outputs("dev"));
        // Whole triples of bytes, so that the encoding does not depend on what follows.
        for (const header of ["-----BEGIN EC PRIVATE KEY-----", "-----BEGIN PRIVATE KEY-----"]) {
            assert.ok(!text.includes(header));
            assert.ok(!text.includes(Buffer.from(header.slice(0, 24)).toString("base64")));
        }
        assert.ok(text.includes("-----BEGIN CERTIFICATE-----"));
    });

    it("`make up` and `make verify` fail where the way in serves nothing, and pass where it does again", async () => {
        const { namespace } = await outputs("dev");
        const proxy = [`deployment/${NAMES.proxy}`, "--namespace", namespace];
        await kubectl("scale", "--replicas=0", ...proxy);
        const pods = ["-l", `app.kubernetes.io/instance=${NAMES.proxy}`, "--namespace", namespace];
        await kubectl("wait", "--for=delete", "pod", "--timeout=60s", ...pods);
        const update = await attempt(["make", "up"]);
        assert.notEqual(update.status, 0, update.stdout);
        assert.match(
            update.stdout,
            /The Kubernetes API is not served at .* was tried for 60 s, and no pod with the labels .* is ready/,
        );
        const { status, stdout } = await attempt(["make", "verify"]);
        assert.notEqual(status, 0, stdout);
        await kubectl("scale", "--replicas=1", ...proxy);
        await kubectl("rollout", "status", ...proxy);
        await make("verify");
    });

    it("`make up` makes a virtual node again that the cluster has lost, with its taint and provider ID", async () => {
        const { interlinkNodeName } = await outputs("dev");
        await kubectl("delete", "node", interlinkNodeName);
        assert.match(await make("up"), TABLE);
        const path = "jsonpath={.spec.providerID} {.spec.taints[*].key}";
        const spec = await kubectl("get", "node", interlinkNodeName, "-o", path);
        assert.equal(spec, `external:///${interlinkNodeName} virtual-node.interlink/no-schedule`);
        assert.match(await make("up"), UNCHANGED);
    });

    it("`make up` recovers when every process and both nodes were killed", async () => {
        const names = readdirSync(join(RUN, "pids"));
        assert.ok(names.length >= 6, names.join(", "));
        for (const name of names) {
            const pid = readFileSync(join(RUN, "pids", name), "utf8").split(" ")[0];
            await run(["kill", "-9", pid ?? ""]);
        }
        await run(["podman", "kill", "interlink-control-plane", "interlink-worker"], { env: podmanEnvironment() });
        await make("up");
    });

    it("`make destroy` leaves cert-manager's kinds and others' certificates, and else nothing of the program's", async () => {
        const before = (await outputs("dev")).interlinkNodeName;
        await applyManifest(OTHERS_CERTIFICATE);
        await make("destroy");
        await assertNamespaces();
        const left = (await kubectl("get", CLUSTER_SCOPED, "-o", "name")).trim().split("\n");
        const kinds = left.filter((name) => /^customresourcedefinition\S*\/\S*cert-manager\.io$/.test(name));
        const others = left.filter((name) => !kinds.includes(name)).join("\n");
        assert.equal(kinds.length, 6);
        assert.doesNotMatch(others, new RegExp(`cert-manager|my-nginx|interlink-ready|nginx-internal|${before}`));
        assert.match(await kubectl("get", "certificates", "-A", "-o", "name"), /^certificate\S*\/others\n$/);
        await kubectl("delete", ...kinds);
    });

    it("`make preview` lists every resource", async () => {
        // Nothing exists now, not even cert-manager's kinds.
        assert.match(await make("preview"), new RegExp(`\\+ ${created} to create`));
    });

    it("`make down` leaves nothing of ours", async () => {
        await make("down");
        assert.ok(!existsSync(STATE) && !existsSync(RUN));
        assert.doesNotMatch(await run(["ip", "netns"]), /interlink/);
        assert.doesNotMatch(await run(["ip", "-o", "addr"]), /198\.1[89]\./);
        assert.doesNotMatch(await run(["nft", "list", "ruleset"]), /198\.1[89]\.|interlink/);
        const mounts = [STATE, RUN, join(CACHE, "containers"), "/run/netns/"].join("|");
        assert.doesNotMatch(readFileSync("/proc/mounts", "utf8"), new RegExp(` (${mounts})`));
        const podman = (...command: string[]) => run(["podman", ...command, "--quiet"], { env: podmanEnvironment() });
        assert.equal(await podman("ps", "--all"), "");
        assert.equal(await podman("volume", "ls"), "");
        assert.doesNotMatch(await podman("network", "ls"), /interlink/);
        const processes = await attempt(["pgrep", "-af", OURS]);
        assert.equal(processes.stdout.trim(), "");
    });

    it("`make preview` lists every resource without a cluster, and says what it did not check", async () => {
        const text = await make("preview");
        assert.match(text, new RegExp(`\\+ ${created} to create`));
        assert.match(text, /The preview goes on without a cluster/);
    });

    it("a preview that breaks a policy fails and names it", async () => {
        const folder = mkdtempSync(join(tmpdir(), "interlink-policy-"));
        const settings = join(folder, "Pulumi.dev.yaml");
        copyFileSync("Pulumi.yaml", join(folder, "Pulumi.yaml"));
        const good = readFileSync("Pulumi.dev.yaml", "utf8");
        writeFileSync(
            settings,
            good.replace("interlink-kube-api:images:", "$&\n    kubectl: registry.k8s.io/kubectl:latest"),
        );
        const env = { ...environment("dev"), PULUMI_BACKEND_URL: `file://${folder}` };
        await run(["pulumi", "stack", "init", "dev"], { cwd: folder, env });
        const broken = await attempt(["npm", "run", "preview", "--", "--config-file", settings], { env });
        rmSync(folder, { recursive: true });
        assert.notEqual(broken.status, 0);
        assert.match(broken.stdout, /pinned-images/);
    });
});
