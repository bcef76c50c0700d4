import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Finding } from "../../doctor/chain";
import { outsideScript } from "../../doctor/script";
import { applyManifest, kubectl } from "../../local/cluster/kubectl";
import { ensureHpc } from "../../local/hpc/hpc";
import { HPC, PROJECT } from "../../local/machine/layout";
import { stop } from "../../local/machine/processes";
import { attempt, Result, run, until } from "../../local/machine/shell";
import { settingsPath } from "../../local/stacks/environments";
import { environment, Outputs, outputs } from "../../local/stacks/pulumi";
import { NAMES } from "../../stacks/compose";
import { fromNothing, inSteps, make } from "./support";

/** Namespace of a service account that may watch. */
const NAMESPACE = "doctor";

/** The doctor and its script on the local cluster, healthy and with real faults. A row of docs/doctor.md is a step. */
describe("the doctor", () => {
    let found: Outputs;

    before(async () => {
        await fromNothing("CONTROLLER=traefik");
        found = await outputs("dev");
        await kubectl("create", "namespace", NAMESPACE);
        const grant = ["--clusterrole=view", `--serviceaccount=${NAMESPACE}:default`, "--namespace", NAMESPACE];
        await kubectl("create", "rolebinding", "view", ...grant);
    });

    inSteps("on the local cluster", {
        "finds every link whole": async () => {
            const findings = await examined();
            const others = findings.filter(({ state }) => state !== "ok");
            assert.deepEqual(others, []);
            return `${findings.length} links`;
        },
        "names the proxy's pods where they are scaled to nothing": () => {
            const scale = (replicas: number) => ["scale", `deployment/${NAMES.proxy}`, `--replicas=${replicas}`];
            return faulty(
                "proxy's pods",
                () => inFront(...scale(0)),
                () => inFront(...scale(1)),
            );
        },
        // Traefik, which passes TLS through, ends connections that it cannot pass on.
        "names TLS where the proxy's Service leads nowhere": () => {
            const select = (name: string) => {
                const spec = { selector: { "app.kubernetes.io/name": name } };
                return ["patch", "service", NAMES.proxy, "--patch", JSON.stringify({ spec })];
            };
            return faulty(
                "TLS",
                () => inFront(...select("nothing")),
                () => inFront(...select("nginx-api-proxy")),
            );
        },
        "names TLS where a NetworkPolicy keeps the controller out": async () => {
            const policy = ["networkpolicy", NAMES.proxy];
            const { spec } = JSON.parse(await inFront("get", ...policy, "-o", "json")) as {
                readonly spec: { readonly ingress: readonly object[] };
            };
            // Connections that are open stay so.
            const admit = async (ingress: readonly object[]) => {
                await inFront("patch", ...policy, "--type=merge", "--patch", JSON.stringify({ spec: { ingress } }));
                await inFront("rollout", "restart", `deployment/${NAMES.controller}`);
                await inFront("rollout", "status", `deployment/${NAMES.controller}`, "--timeout=120s");
            };
            return faulty(
                "TLS",
                () => admit([]),
                () => admit(spec.ingress),
            );
        },
        "names the class where it is gone": async () => {
            const ingressClass = ["ingressclass", found.ingressClassName];
            const before = await kubectl("get", ...ingressClass, "-o", "json");
            return faulty(
                "IngressClass",
                () => kubectl("delete", ...ingressClass),
                () => applyManifest(before),
            );
        },
        "names InterLink's configuration where it holds another CA": async () => {
            const map = ["configmap", `${found.interlinkNodeName}-virtual-kubelet-config`, "--namespace", "interlink"];
            const { data } = JSON.parse(await kubectl("get", ...map, "-o", "json")) as {
                readonly data: Readonly<Record<string, string>>;
            };
            const [, line = ""] = found.caCertificate.split("\n");
            const configuration = data["InterLinkConfig.yaml"] ?? "";
            const changed = configuration.replace(line, line.split("").reverse().join(""));
            assert.notEqual(changed, configuration);
            const write = (text: string) => {
                const patch = JSON.stringify({ data: { "InterLinkConfig.yaml": text } });
                return kubectl("patch", ...map, "--type=merge", "--patch", patch);
            };
            return faulty(
                "InterLink's configuration",
                () => write(changed),
                () => write(configuration),
            );
        },
        "names the virtual node, and why it is not Ready, where InterLink is stopped": () =>
            faulty(
                "virtual node",
                async () => {
                    await stop("interlink-api");
                    const path = "jsonpath={.status.conditions[?(@.type=='Ready')].status}";
                    const status = () => kubectl("get", "node", found.interlinkNodeName, "-o", path);
                    await until("NotReady", 120, async () => (await status()) !== "True");
                },
                async () => {
                    await ensureHpc();
                    const condition = ["--for=condition=Ready", "--timeout=120s"];
                    await kubectl("wait", `node/${found.interlinkNodeName}`, ...condition);
                },
            ),
        "the script finds every link whole from the HPC side, and a silent watch": async () => {
            const { status, stdout, stderr } = await carried("-w", "70");
            assert.equal(status, 0, stdout + stderr);
            assert.doesNotMatch(stdout, /^(broken|unseen)/m);
            return /^ok +watch +(.*)$/m.exec(stdout)?.[1] ?? "";
        },
        "the script names the route where a firewall drops": async () => {
            const port = `tcp dport ${found.apiServerPort} drop`;
            const table = "inet interlink_doctor";
            const rules = `table ${table} {\nchain out {\ntype filter hook output priority 0\n${port}\n}\n}\n`;
            await run(["nft", "-f", "-"], { netns: HPC, input: rules });
            try {
                const { status, stdout } = await carried("-w", "1");
                assert.equal(status, 1);
                return /^The first broken link is (route: .*)$/m.exec(stdout)?.[1] ?? assert.fail(stdout);
            } finally {
                await run(["nft", "delete", "table", ...table.split(" ")], { netns: HPC });
            }
        },
        // Last: `make up` makes it again.
        "names the virtual node where it is deleted": () =>
            faulty(
                "virtual node",
                () => kubectl("delete", "node", found.interlinkNodeName),
                () => make("up"),
            ),
    });

    /** What the doctor finds. */
    async function examined(): Promise<Finding[]> {
        const options = [
            "--config-file",
            settingsPath("dev"),
            "--service-account",
            `${NAMESPACE}/default`,
            "--silence",
            "2",
            "--json",
        ];
        const { stdout, stderr } = await attempt(
            ["npm", "run", "--silent", "doctor", "--", "--stack", "dev", ...options],
            {
                cwd: PROJECT,
                env: environment("dev"),
            },
        );
        assert.match(stdout, /^\[/, stderr);
        return JSON.parse(stdout) as Finding[];
    }

    /** Asserts that a link is the first broken one while a fault lasts, and that no link is after it; returns what was seen. */
    async function faulty(link: string, harm: () => Promise<unknown>, mend: () => Promise<unknown>): Promise<string> {
        await harm();
        let first: Finding | undefined;
        try {
            // What the fault leads to takes a moment.
            await until(`a fault of ${link}`, 120, async () => {
                first = (await examined()).find(({ state }) => state === "broken");
                return first?.link === link;
            });
        } finally {
            await mend();
        }
        await until("no fault", 120, async () => !(await examined()).some(({ state }) => state === "broken"));
        return first?.seen ?? "";
    }

    function inFront(...args: string[]): Promise<string> {
        return kubectl("--namespace", found.namespace, ...args);
    }

    /** What the script finds on the HPC side. */
    async function carried(...options: string[]): Promise<Result> {
        const folder = mkdtempSync(join(tmpdir(), "interlink-carried-"));
        try {
            const [script, token] = [join(folder, "check.sh"), join(folder, "token")];
            writeFileSync(script, outsideScript(found));
            writeFileSync(token, await kubectl("create", "token", "default", "--namespace", NAMESPACE));
            return await attempt(["sh", script, "-t", token, ...options], { netns: HPC });
        } finally {
            rmSync(folder, { recursive: true });
        }
    }
});
