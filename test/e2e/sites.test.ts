import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { stringify } from "yaml";
import { applyManifest, attemptKubectl, kubectl } from "../../local/cluster/kubectl";
import { INTERLINK_PORT, NET, NET6, PROJECT, urlHost } from "../../local/machine/layout";
import { attempt } from "../../local/machine/shell";
import { template } from "../../local/machine/template";
import { ensureCloud } from "../../local/stacks/cloud";
import { Environment, settingsPath } from "../../local/stacks/environments";
import { outputs, pulumiUp } from "../../local/stacks/pulumi";
import { version } from "../../local/toolchain/tools";
import { idleWatch, withoutKeepAlive } from "../sites/idle";
import { approveKubelets, askAsVirtualKubelet, verifyKubelets } from "../sites/kubelets";
import { answer, ensureLoginRegistry, LOGIN_REGISTRY } from "../sites/loginRegistry";
import { assertStreams } from "./streams";
import { hpcCurl, inSteps, make, TABLE, upWith } from "./support";

/** Longer than any middle box of which we know waits before it forgets. */
const IDLE_SECONDS = 600;
/** After how many seconds the firewall forgets a silent connection. */
const FORGETS_SECONDS = 60;
/** What the nodes of two sites offer. */
const SMALL = { cpus: 1, memGiB: 2, pods: 5 };
/** The program for what a cluster has already. */
const PRESENT = {
    name: "present",
    folder: join(PROJECT, "test", "sites", "present"),
    settings: settingsPath("present"),
};

/** Other people's clusters. A row of docs/sites.md is a step, with what was seen. */
describe("a site with", () => {
    inSteps("a registry with a login, PodSecurity restricted and tokens of an hour at most", {
        "`make up SITE=test/sites/strict.yaml` ends in the Job's table": async () => {
            await make("down");
            await ensureLoginRegistry();
            const [seen] = await Promise.all([up("dev", "SITE=test/sites/strict.yaml"), approveKubelets(2)]);
            return seen;
        },
        "every image was pulled with the login": async () => {
            const path = "jsonpath={range .items[*]}{.metadata.namespace} {.spec.containers[*].image}{'\\n'}{end}";
            const pods = (await kubectl("get", "pods", "--all-namespaces", "-o", path)).trim().split("\n");
            const ours = pods.filter((pod) => !/^(kube-system|default) /.test(pod));
            const foreign = ours.filter((pod) =>
                pod
                    .split(" ")
                    .slice(1)
                    .some((image) => !image.startsWith(`${LOGIN_REGISTRY}/`)),
            );
            assert.deepEqual(foreign, []);
            assert.equal(await answer(), "401");
            return `${ours.length} pods; without a login the registry answers 401`;
        },
        "namespaces without a label are restricted, and ours admit what they need": async () => {
            const pod = ["run", "root", "--image=registry.k8s.io/pause:3.10", "--dry-run=server", "--namespace"];
            await kubectl("create", "namespace", "unlabelled");
            const { stderr } = await attemptKubectl(...pod, "unlabelled");
            assert.match(stderr, /violates PodSecurity "restricted:latest"/);
            await kubectl("delete", "namespace", "unlabelled");
            const label = "{.metadata.labels.pod-security\\.kubernetes\\.io/enforce}";
            const path = `jsonpath={range .items[*]}{.metadata.name} ${label}{'\\n'}{end}`;
            const labelled = (await kubectl("get", "namespaces", "-o", path)).split("\n");
            return labelled.filter((line) => /\w \w/.test(line)).join(", ");
        },
        "the lifetime of tokens is put out": async () => {
            const { tokenLifetimeSeconds } = await outputs("dev");
            assert.equal(tokenLifetimeSeconds, 3600);
            return `${tokenLifetimeSeconds} s`;
        },
        "`make up ENV=metallb CONTROLLER=traefik` beside it": () =>
            up("metallb", "ENV=metallb", "UNIQUE_NAMES=true", "CONTROLLER=traefik"),
        "the approver lets the cluster sign the virtual kubelet's certificate": async () =>
            askAsVirtualKubelet((await outputs("dev")).interlinkNodeName, "interlink"),
        "with --kubelet-certificate-authority, logs of a virtual kubelet that signs for itself fail": async () => {
            await verifyKubelets();
            assert.notEqual(await kubectl("logs", "deployment/coredns", "--namespace", "kube-system"), "");
            const { stderr } = await attemptKubectl("logs", "job/helloworld");
            assert.match(stderr, /x509/);
            return stderr.replace(/^.*(x509: [^\n]+).*$/s, "$1");
        },
    });

    inSteps("Kubernetes 1.30", {
        "`make up SITE=test/sites/kubernetes-1.30.yaml` ends in the Job's table": () =>
            fresh("SITE=test/sites/kubernetes-1.30.yaml"),
        "its nodes' Kubernetes is that": async () => {
            const path =
                "jsonpath={.items[?(@.metadata.labels.beta\\.kubernetes\\.io/os)].status.nodeInfo.kubeletVersion}";
            const seen = [...new Set((await kubectl("get", "nodes", "-o", path)).split(" "))];
            assert.ok(seen.includes(version("kubernetes-1.30")), seen.join(" "));
            return seen.join(" ");
        },
        "exec, silent watches and large objects pass": async () => {
            await assertStreams("dev");
            return "they do";
        },
    });

    inSteps("a firewall that forgets silent connections", {
        [`a watch that is silent for ${IDLE_SECONDS} s gets its event`]: async () => {
            await make("up");
            assert.match(await idleWatch(IDLE_SECONDS, FORGETS_SECONDS), /"ADDED"/);
            return `the firewall forgets after ${FORGETS_SECONDS} s`;
        },
        "without keep-alive it gets none": async () => {
            await withoutKeepAlive();
            const idle = FORGETS_SECONDS + 30;
            assert.equal(await idleWatch(idle, FORGETS_SECONDS), "");
            assert.match(await idleWatch(idle), /"ADDED"/);
            return `nothing after ${idle} s; without the firewall the event came`;
        },
    });

    inSteps("two HPC sites", {
        "one way in serves two virtual nodes, and a Job runs on either": async () => {
            await make("up");
            const site = {
                address: `http://${NET.hpc}`,
                port: INTERLINK_PORT,
                resources: SMALL,
                tls: { insecure: true },
            };
            const sites = { one: site, two: site };
            await upWith("dev", { interlink: undefined, sites });
            const { interlinkNodeNames } = await outputs("dev");
            assert.deepEqual(interlinkNodeNames, ["interlink-one", "interlink-two"]);
            const nodes = await Promise.all(interlinkNodeNames.map(nodeOfJob));
            assert.deepEqual(nodes, interlinkNodeNames);
            return nodes.join(" and ");
        },
    });

    inSteps("a cert-manager and a MetalLB of its own", {
        "the program refuses to install another cert-manager": async () => {
            await make("up");
            await make("destroy");
            await kubectl("delete", "customresourcedefinitions", "--selector=app.kubernetes.io/name=cert-manager");
            mkdirSync(dirname(PRESENT.settings), { recursive: true });
            writeFileSync(PRESENT.settings, stringify({ config: {} }));
            await pulumiUp(PRESENT);
            return refused(/^.*cert-manager.*certManager\.install.*$/m, "up");
        },
        "it takes the one that is there": () =>
            upWith("dev", { certManager: { install: false, namespace: "security" } }),
        "it takes an address of a pool that is there": async () => {
            await ensureCloud();
            const metallb = { install: false };
            const certManager = { install: false, namespace: "security" };
            return upWith("metallb", { address: "198.18.64.120", metallb, certManager, uniqueNames: true });
        },
    });

    inSteps("IPv6 alone", {
        "`make up IP_FAMILY=ipv6` ends in the Job's table": () => fresh("IP_FAMILY=ipv6"),
        "nodes, pods and Services have IPv6 addresses alone": async () => {
            const addresses = await clusterAddresses();
            assert.deepEqual(
                addresses.filter((address) => !address.includes(":")),
                [],
            );
            return `${addresses.length} addresses`;
        },
        "exec, silent watches and large objects pass": async () => {
            await assertStreams("dev");
            return "they do";
        },
        "another family is refused while the cluster is up": () =>
            refused(/^IP_FAMILY: "dual" is not what .*$/m, "up", "IP_FAMILY=dual"),
        "`make up ENV=metallb CONTROLLER=traefik` beside it, at an IPv6 address that MetalLB announces": () =>
            up("metallb", "ENV=metallb", "UNIQUE_NAMES=true", "CONTROLLER=traefik"),
    });

    inSteps("IPv4 and IPv6", {
        "`make up IP_FAMILY=dual` ends in the Job's table": () => fresh("IP_FAMILY=dual"),
        "the API is reached at either address, verified": async () => {
            const { apiServerUrl, apiServerHost, apiServerPort } = await outputs("dev");
            for (const address of [NET.published, NET6.published]) {
                const way = `${apiServerHost}:${apiServerPort}:${urlHost(address)}:${apiServerPort}`;
                const { stdout, stderr } = await hpcCurl("dev", "--connect-to", way, `${apiServerUrl}/version`);
                assert.match(stdout, /gitVersion/, stderr);
            }
            return `${NET.published} and ${NET6.published}`;
        },
        "pods have an address of either family": async () => {
            const addresses = await clusterAddresses();
            const six = addresses.filter((address) => address.includes(":")).length;
            assert.ok(six > 0 && six < addresses.length, addresses.join(" "));
            return `${addresses.length - six} IPv4 and ${six} IPv6 addresses`;
        },
    });
});

/** Makes a cluster anew, as the variables ask for it, up to the Job's table. */
async function fresh(...variables: string[]): Promise<string> {
    await make("down");
    return up("dev", ...variables);
}

/** Deploys an environment up to the Job's table; returns where the API is, and as what the Job ran. */
async function up(environment: Environment, ...variables: string[]): Promise<string> {
    const text = await make("up", ...variables);
    assert.match(text, TABLE);
    return `${(await outputs(environment)).apiServerUrl}, ${/JobId=\d+/.exec(text)?.[0]}`;
}

/** Runs make, which must fail with a sentence. */
async function refused(sentence: RegExp, ...target: string[]): Promise<string> {
    const { status, stdout, stderr } = await attempt(["make", ...target]);
    assert.notEqual(status, 0);
    assert.match(stdout + stderr, sentence);
    return (sentence.exec(stdout + stderr)?.[0] ?? "").trim();
}

/** The addresses of the cluster's own nodes, pods and Services. */
async function clusterAddresses(): Promise<string[]> {
    const path =
        "{.items[*].status.podIPs[*].ip} {.items[*].spec.clusterIPs[*]} {.items[*].status.addresses[?(@.type=='InternalIP')].address}";
    const all = await kubectl("get", "pods,services,nodes", "--all-namespaces", "-o", `jsonpath=${path}`);
    // A pod on the virtual node has none of the cluster's.
    return all.split(" ").filter((word) => !["", "None", "127.0.0.1"].includes(word));
}

/** Runs the guide's Job on a virtual node, and returns the node on which it ran to its end. */
async function nodeOfJob(nodeName: string): Promise<string> {
    const job = template("verify/job.yaml", { nodeName, kubectlVersion: version("kubernetes") });
    await applyManifest(job.replaceAll("helloworld", nodeName));
    await kubectl("wait", "--for=condition=Complete", `job/${nodeName}`, "--timeout=120s");
    assert.match(`\n${await kubectl("logs", `job/${nodeName}`)}`, TABLE);
    return kubectl("get", "pods", `--selector=app=${nodeName}`, "-o", "jsonpath={.items[0].spec.nodeName}");
}
