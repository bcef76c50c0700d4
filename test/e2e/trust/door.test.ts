import assert from "node:assert/strict";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { podman, runEngine } from "../../../local/cluster/engine";
import { applyManifest, kubectl } from "../../../local/cluster/kubectl";
import { HPC, urlHost } from "../../../local/machine/layout";
import { run, until } from "../../../local/machine/shell";
import { template } from "../../../local/machine/template";
import { outputs } from "../../../local/stacks/pulumi";
import { version } from "../../../local/toolchain/tools";
import { NAMES } from "../../../stacks/compose";
import { cluster } from "../../trust/cluster";
import { everythingPasses } from "../../trust/everything";
import { abandonLoads } from "../../trust/load";
import { Received, Sent, Target } from "../../trust/exchange";
import { agent, attack, FORGED } from "../../trust/hostile";
import { certificatesRotate } from "../../trust/rotation";
import { certificateFor } from "../../unit/support/fakeCluster";
import { deployWith, hpcCurl, inSteps, TABLE } from "../support";

const NAMESPACE = "door";
/** The proxy's pods. */
const PROXY = "app.kubernetes.io/name=nginx-api-proxy";
/** What the proxy passes on. */
const LISTED = /^\/(api|apis|openapi|version|healthz|livez|readyz|\.well-known|openid)([/?]|$)/;
const AUDIT_LOG = "/var/log/kubernetes/audit.log";
/** As long as a verdict is kept, and nginx counts whole seconds. */
const FORGOTTEN_MS = 12_000;

/** What the API server wrote down of a request. */
interface AuditEvent {
    readonly requestURI: string;
    readonly sourceIPs: readonly string[];
    readonly userAgent?: string;
    readonly user?: { readonly username?: string };
}

/** What gets through, from the HPC side. */
describe("a door", () => {
    after(abandonLoads);

    inSteps("for jobs alone", {
        "`make up`, then admit: jobs": async () => {
            await cluster();
            await deployWith("dev", { admit: "jobs" });
            return "an update in place, whose check at its end passed";
        },
        "the guide's Job prints its table from the virtual node": async () => {
            await kubectl("delete", "job/helloworld", "--ignore-not-found", "--wait");
            const values = {
                nodeName: (await outputs("dev")).interlinkNodeName,
                kubectlVersion: version("kubernetes"),
            };
            await applyManifest(template("verify/job.yaml", values));
            await kubectl("wait", "--for=condition=Complete", "job/helloworld", "--timeout=120s");
            const table = await kubectl("logs", "job/helloworld");
            assert.match(table, TABLE);
            return `${table.trim().split("\n").length} lines`;
        },
        "of an account that may do anything, the token of a pod on the virtual node passes, and no other": async () => {
            await kubectl("create", "namespace", NAMESPACE);
            await kubectl("create", "serviceaccount", "admin", "--namespace", NAMESPACE);
            const grant = ["--clusterrole=cluster-admin", `--serviceaccount=${NAMESPACE}:admin`];
            await kubectl("create", "clusterrolebinding", NAMESPACE, ...grant);
            await makePod("job", (await outputs("dev")).interlinkNodeName);
            await makePod("elsewhere", "interlink-worker");
            const seen = {
                job: await statusOf(await tokenOf("job")),
                elsewhere: await statusOf(await tokenOf("elsewhere")),
                "without a pod": await statusOf(await tokenOf()),
                nobody: await statusOf("nobody"),
                "no token": await statusOf(undefined),
            };
            const expected = { job: 200, elsewhere: 403, "without a pod": 403, nobody: 401, "no token": 401 };
            assert.deepEqual(seen, expected);
            return Object.entries(seen)
                .map(([who, status]) => `${who} ${status}`)
                .join(", ");
        },
        "its log says whose requests these were": async () => {
            const account = `system:serviceaccount:${NAMESPACE}:admin`;
            const { namespace } = await outputs("dev");
            const ofJob = `"status":200,.*"user":"${account}","pod":"job"`;
            const ofOther = `"status":403,.*"user":"${account}","pod":"elsewhere"`;
            // nginx keeps lines back for a second.
            await until("the lines of both pods", 10, async () => {
                const log = await kubectl("logs", "--namespace", namespace, "--selector", PROXY, "--tail=-1");
                return [ofJob, ofOther].every((line) => new RegExp(line).test(log));
            });
            return `${account} of the pod job, and of elsewhere, which was refused`;
        },
        "each hostile request with such a token is answered as it should be": async () =>
            attackWith(await tokenOf("job"), "admin"),
        "the policy keeps that job from what outlives it, and from nothing else": async () => {
            const token = await tokenOf("job");
            const metadata = { name: "from-a-job" };
            const here = `/api/v1/namespaces/${NAMESPACE}`;
            const bound = { boundObjectRef: { apiVersion: "v1", kind: "Pod", name: "job" } };
            const group = "rbac.authorization.k8s.io";
            const roleRef = { apiGroup: group, kind: "ClusterRole", name: "view" };
            for (const [path, object, says] of [
                [`/apis/${group}/v1/clusterrolebindings`, { metadata, roleRef }, /a job may change neither/],
                ["/api/v1/nodes", { metadata }, /a job may change neither/],
                [`${here}/secrets`, serviceAccountSecret(metadata), /a job may make no token without an end/],
                [`${here}/serviceaccounts/admin/token`, { spec: {} }, /a job may have new tokens of its own alone/],
                [
                    `${here}/serviceaccounts/default/token`,
                    { spec: bound },
                    /a job may have new tokens of its own alone/,
                ],
                [`${here}/serviceaccounts/admin/token`, { spec: bound }, /"token": ?"/],
                [`${here}/secrets`, { metadata }, /"uid"/],
                [`${here}/configmaps`, { metadata }, /"uid"/],
            ] as const) {
                const answer = await post(token, path, object);
                assert.match(answer, says, `${path}: ${answer}`);
            }
            return "no rights, nodes or tokens of others; a new token of its own, Secrets and ConfigMaps";
        },
        "where the proxy may not ask, nobody gets in": async () => {
            const token = await tokenOf("job");
            await kubectl("delete", "clusterrolebinding", NAMES.proxy);
            try {
                await sleep(FORGOTTEN_MS);
                const text = await answerTo(token);
                assert.match(text, /"code":503/);
                assert.match(text, /could not be asked/);
                return text;
            } finally {
                const { namespace } = await outputs("dev");
                const grant = [`--clusterrole=${NAMES.proxy}`, `--serviceaccount=${namespace}:${NAMES.proxy}`];
                await kubectl("create", "clusterrolebinding", NAMES.proxy, ...grant);
                await kubectl("delete", "namespace", NAMESPACE, "--wait=false");
                await kubectl("delete", "clusterrolebinding", NAMESPACE);
            }
        },
    });

    inSteps("for tokens alone", {
        "`make up`, then admit: tokens": async () => {
            await cluster();
            await deployWith("dev", { admit: "tokens" });
            return "an update in place, whose check at its end passed";
        },
        "without a token, /version is not answered by the API server": async () => {
            const text = await answerTo(undefined);
            assert.match(text, /"code":401/);
            assert.match(text, /this way in takes requests with a valid bearer token alone/);
            assert.equal(await statusOf((await kubectl("create", "token", "default")).trim()), 200);
            return text;
        },
    });

    for (const controller of ["none", "ingress-nginx", "traefik"]) {
        const variables = controller === "none" ? [] : [`CONTROLLER=${controller}`];
        everythingPasses(controller, variables);

        let token = "";
        inSteps(`against hostile requests, with the controller ${controller}`, {
            [`\`make up\` with ${controller}`]: () => cluster(...variables),
            "each is answered as it should be": async () => {
                await kubectl("create", "namespace", NAMESPACE);
                token = (await kubectl("create", "token", "default", "--namespace", NAMESPACE)).trim();
                return attackWith(token, "default");
            },
            "no log of the way in has the token, nor a part of it": () => assertNotLogged(token),
            "the audit log has none from outside the list, of another user or from a forged address": async () => {
                const events = await auditEvents();
                assert.notEqual(events.length, 0);
                const users = [`system:serviceaccount:${NAMESPACE}:default`, "system:anonymous", ""];
                const bad = events.filter(
                    ({ requestURI, sourceIPs, user }) =>
                        !LISTED.test(requestURI) || sourceIPs.includes(FORGED) || !users.includes(user?.username ?? ""),
                );
                assert.deepEqual(bad, []);
                await kubectl("delete", "namespace", NAMESPACE);
                const addresses = new Set(events.flatMap(({ sourceIPs }) => sourceIPs));
                return `${events.length} events, from ${[...addresses].join(", ")}`;
            },
        });
        if (controller === "none") {
            // On the same cluster, which nobody needs any more.
            certificatesRotate("whose certificates are rotated", "dev", variables);
        }
    }
});

/** Sends all hostile requests from the HPC side, with a token of an account in the namespace. */
async function attackWith(token: string, account: string): Promise<string> {
    const { apiServerHost, apiServerPort } = await outputs("dev");
    const attacker = {
        token,
        username: `system:serviceaccount:${NAMESPACE}:${account}`,
        host: `${urlHost(apiServerHost)}:${apiServerPort}`,
        certificate: certificateFor("DNS:kubernetes-admin"),
    };
    return attack(attacker, { host: apiServerHost, port: apiServerPort }, fromHpc);
}

async function fromHpc(target: Target, sent: readonly Sent[]): Promise<readonly Received[]> {
    const program = join(__dirname, "..", "..", "trust", "exchange.ts");
    const node = [process.execPath, "-r", "ts-node/register/transpile-only", program];
    return JSON.parse(await run(node, { netns: HPC, input: JSON.stringify({ target, sent }) })) as Received[];
}

/** Asserts that none of the logs of the stack's pods has a part of a token: header, claims or signature. */
async function assertNotLogged(token: string): Promise<string> {
    const { namespace } = await outputs("dev");
    const pods = (await kubectl("get", "pods", "--namespace", namespace, "-o", "name")).trim().split("\n");
    const logs = await Promise.all(
        pods.map((pod) => kubectl("logs", pod, "--namespace", namespace, "--all-containers")),
    );
    const found = pods.filter((_, at) => token.split(".").some((part) => logs[at]?.includes(part)));
    assert.deepEqual(found, []);
    const lines = logs.join("").split("\n").length - 1;
    // Else there is nothing that could have it.
    assert.ok(lines > 100, `${lines} lines`);
    return `${lines} lines of ${pods.length} pods`;
}

/** What the API server wrote down of the hostile requests. */
async function auditEvents(): Promise<AuditEvent[]> {
    const grep = ["exec", "interlink-control-plane", "grep", "-h", `"userAgent":"${agent("")}`, AUDIT_LOG];
    const lines = (await runEngine(podman(), grep)).trim().split("\n");
    return lines.map((line) => JSON.parse(line) as AuditEvent);
}

/** A pod of the account that may do anything, bound to a node. */
async function makePod(name: string, nodeName: string): Promise<void> {
    const tolerations = [{ key: "virtual-node.interlink/no-schedule", operator: "Exists" }];
    const containers = [{ name: "pause", image: "registry.k8s.io/pause:3.10" }];
    const spec = { nodeName, serviceAccountName: "admin", tolerations, containers };
    const metadata = { name, namespace: NAMESPACE };
    await applyManifest(JSON.stringify({ apiVersion: "v1", kind: "Pod", metadata, spec }));
}

/** A token of that account, bound to a pod or to nothing. */
async function tokenOf(pod?: string): Promise<string> {
    const bound = pod === undefined ? [] : ["--bound-object-kind=Pod", `--bound-object-name=${pod}`];
    return (await kubectl("create", "token", "admin", "--namespace", NAMESPACE, ...bound)).trim();
}

function serviceAccountSecret(metadata: object): object {
    const annotations = { "kubernetes.io/service-account.name": "admin" };
    return { metadata: { ...metadata, annotations }, type: "kubernetes.io/service-account-token" };
}

async function statusOf(token: string | undefined): Promise<number> {
    return Number(await answerTo(token, "-o", "/dev/null", "-w", "%{http_code}"));
}

async function answerTo(token: string | undefined, ...options: string[]): Promise<string> {
    const { apiServerUrl } = await outputs("dev");
    const authorization = token === undefined ? [] : ["-H", `Authorization: Bearer ${token}`];
    return (await hpcCurl("dev", ...options, ...authorization, `${apiServerUrl}/version`)).stdout;
}

async function post(token: string, path: string, object: object): Promise<string> {
    const { apiServerUrl } = await outputs("dev");
    const headers = ["-H", `Authorization: Bearer ${token}`, "-H", "Content-Type: application/json"];
    const data = ["--data", JSON.stringify(object)];
    return (await hpcCurl("dev", ...headers, ...data, `${apiServerUrl}${path}`)).stdout;
}
