import assert from "node:assert/strict";
import {
    copyFileSync,
    existsSync,
    mkdirSync,
    mkdtempSync,
    readdirSync,
    readFileSync,
    rmSync,
    writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { parse, stringify } from "yaml";
import { settingsPath } from "../../local/stacks/environments";
import { applyManifest, kubectl } from "../../local/cluster/kubectl";
import { CACHE, HPC, RUN, STATE } from "../../local/machine/layout";
import { environment, mainStack, Outputs, outputs, pulumiDestroy, pulumiUp } from "../../local/stacks/pulumi";
import { attempt, run, until } from "../../local/machine/shell";
import { program, version } from "../../local/toolchain/tools";
import { assertStreams } from "./streams";
import { assertNamespaces, make, TABLE, UNCHANGED } from "./support";

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
    /** How many resources the first update made. */
    let created = "";

    it("`make up` ends in the Job's table", async () => {
        await make("down");
        const text = await make("up");
        assert.match(text, TABLE);
        created = /Resources:\n +\+ (\d+) created\n/.exec(text)?.[1] ?? "";
    });

    it("the stack has its seven outputs, and no secret among them", async () => {
        const found = await outputs("dev");
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

    it("another controller and its Ingress stay untouched, and leave ours alone", async () => {
        const manifest = readFileSync(join(__dirname, "public.yaml"), "utf8");
        await applyManifest(manifest.replaceAll("${TRAEFIK_VERSION}", version("traefik")));
        await kubectl("rollout", "status", "deployment/public", "--namespace", "public", "--timeout=60s");
        const { apiServerUrl, apiServerHost, namespace } = await outputs("dev");
        const status = async (url: string) =>
            (
                await attempt(["curl", "-sk", "--max-time", "5", "-o", "/dev/null", "-w", "%{http_code}", url], {
                    netns: HPC,
                })
            ).stdout;
        await until(
            "the public Ingress",
            30,
            async () => (await status(`http://${apiServerHost}:8000/ping`)) === "200",
        );
        assert.equal(await status(`${apiServerUrl}/version`), "200");
        assert.equal(await status(`${apiServerUrl}/ping`), "404");
        assert.equal(await status(`http://${apiServerHost}:8000/version`), "404");
        const address = "jsonpath={.status.loadBalancer.ingress[*].ip}";
        assert.equal(await kubectl("get", "ingress", "kubernetes-api", "-n", namespace, "-o", address), apiServerHost);
        assert.equal(await kubectl("get", "ingress", "ping", "-n", "public", "-o", address), "198.18.0.99");
        await make("verify");
        await kubectl(
            "delete",
            "namespace/public",
            "ingressclass/nginx",
            "clusterrole/public",
            "clusterrolebinding/public",
        );
    });

    it("another stack's service account works from the HPC side: lists, watches and logs, in its namespace", async () => {
        const settings = settingsPath("argo");
        mkdirSync(dirname(settings), { recursive: true });
        writeFileSync(
            settings,
            stringify({
                config: {
                    "interlink-kube-api-argo:apiStack": "organization/interlink-kube-api/dev",
                    "interlink-kube-api-argo:namespace": "workflows",
                },
            }),
        );
        const stack = { name: "argo", folder: join("examples", "argo"), settings };
        await pulumiUp(stack);
        const output = ["pulumi", "stack", "output", "kubeconfig", "--show-secrets"];
        const file = join(dirname(settings), "kubeconfig");
        writeFileSync(file, await run(output, { cwd: stack.folder, env: environment("argo") }));
        const outside = (...args: string[]) =>
            attempt([program("kubernetes", "kubectl"), "--kubeconfig", file, ...args], { netns: HPC });

        const watch = outside("get", "pods", "--watch", "--output-watch-events", "--request-timeout=15s");
        await kubectl(
            ...["run", "hello", "-n", "workflows", `--image=registry.k8s.io/kubectl:${version("kubernetes")}`],
            ...["--restart=Never", "--", "version", "--client"],
        );
        const { stdout } = await watch;
        assert.match(stdout, /^ADDED +hello /m);
        assert.match(stdout, /^MODIFIED +hello +0\/1 +Completed /m);
        assert.match((await outside("get", "pods")).stdout, /^hello /m);
        assert.match((await outside("logs", "hello", "--follow")).stdout, /Client Version: v/);
        assert.match((await outside("get", "pods", "--namespace", "kube-system")).stderr, /Forbidden/);
        await pulumiDestroy(stack);
        // The API server remembers a token for some seconds.
        await until("the end of the token", 30, async () =>
            (await outside("get", "pods")).stderr.includes("Unauthorized"),
        );
    });

    it("`make verify` notices that the proxy is gone, and that it is back", async () => {
        const { namespace } = await outputs("dev");
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
        const before = (await outputs("dev")).interlinkNodeName;
        await make("destroy");
        await assertNamespaces();
        const left = await kubectl("get", CLUSTER_SCOPED, "-o", "name");
        assert.doesNotMatch(left, new RegExp(`cert-manager|my-ingress-nginx|interlink-ready|nginx-internal|${before}`));
    });

    it("`make preview` lists every resource", async () => {
        // Nothing exists now, not even cert-manager's kinds.
        assert.match(await make("preview"), new RegExp(`\\+ ${created} to create`));
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
