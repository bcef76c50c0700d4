import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import { KubeConfig } from "@kubernetes/client-node";
import { applyManifest, kubectl } from "../../local/cluster/kubectl";
import { HPC, KUBECONFIG } from "../../local/machine/layout";
import { attempt, inNamespace, Result, RunOptions, until } from "../../local/machine/shell";
import { outputs } from "../../local/stacks/pulumi";
import { ensurePackages } from "../../local/toolchain/debian";
import { ensureTools, program } from "../../local/toolchain/tools";
import { NAMES } from "../../stacks/compose";
import { cluster } from "./cluster";
import { abandonLoads, inWords, underLoad } from "./load";
import { certificateFor } from "../unit/support/fakeCluster";
import { inSteps, Steps } from "../e2e/support";

const ENVIRONMENT = "dev";
const NAMESPACE = "clients";
const HERE = `/api/v1/namespaces/${NAMESPACE}`;
/** The newest kubectl and the oldest that is supported, by their builds. */
const KUBECTLS = { newest: "kubernetes", "1.30": "kubernetes-1.30" } as const;
/** What differs between two answers to the same question: time passes. */
const PASSING = /"(resourceVersion|uid|creationTimestamp|time|continue)":\s*"[^"]*"/g;
const HEADERS = /^(content-type|content-encoding|warning|cache-control|www-authenticate|vary):/i;
/** As JSON 2.5 MB, and in etcd a sixth of it. */
const LARGE = {
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name: "large" },
    data: { text: "\u0001".repeat(420_000) },
};
/** TCP port of the pod for plain HTTP. */
const PLAIN_PORT = 18081;
/** What the pod's nginx serves: a page by plain HTTP, and an aggregated API by TLS. */
const NGINX = `pid /tmp/nginx.pid;
error_log /tmp/nginx.log;
events {}
http {
    access_log off;
    ${["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map((name) => `${name}_temp_path /tmp/${name};`).join(" ")}
    default_type application/json;
    server {
        listen ${PLAIN_PORT};
        return 200 forwarded;
    }
    server {
        listen 18443 ssl;
        ssl_certificate /files/tls.crt;
        ssl_certificate_key /files/tls.key;
        location = /apis/aggregated.example/v1 {
            return 200 '${JSON.stringify({
                kind: "APIResourceList",
                apiVersion: "v1",
                groupVersion: "aggregated.example/v1",
                resources: [
                    { name: "things", singularName: "thing", namespaced: true, kind: "Thing", verbs: ["list"] },
                ],
            })}';
        }
        location /apis/aggregated.example/v1/namespaces/ {
            return 200 '${JSON.stringify({ kind: "ThingList", apiVersion: "aggregated.example/v1", items: [] })}';
        }
    }
}
`;
const COPIED_BYTES = 100_000_000;

/** A way to the API server, with one token for both. */
interface Way {
    readonly url: string;
    /** File of the CA that verifies it. */
    readonly ca: string;
    /** Network namespace whence it is gone. */
    readonly netns?: string;
}

/** What is asked by curl, with its arguments; each answer is compared with the API server's own. */
const QUESTIONS: Readonly<Record<string, readonly string[]>> = {
    "an object": [`${HERE}/configmaps/small`],
    "an object that is not there": [`${HERE}/configmaps/none`],
    "what is forbidden": ["/api/v1/namespaces/kube-system/secrets"],
    "a path that is none": ["/apis/none.example/v1/things"],
    "a broken body": [`${HERE}/configmaps`, "-X", "POST", "-H", "Content-Type: application/json", "-d", "{"],
    "the first page of a list": [`${HERE}/configmaps?limit=1`],
    "a watch": [`${HERE}/configmaps?watch=1&timeoutSeconds=2&fieldSelector=metadata.name%3Dsmall`],
    protobuf: [`${HERE}/configmaps/small`, "-H", "Accept: application/vnd.kubernetes.protobuf"],
    gzip: [`${HERE}/configmaps/large`, "-H", "Accept-Encoding: gzip"],
    "HTTP/1.1": [`${HERE}/configmaps/small`, "--http1.1"],
    "HTTP/2": [`${HERE}/configmaps/small`, "--http2"],
    "server-side apply": [
        `${HERE}/configmaps/applied?fieldManager=test&dryRun=All`,
        ...["-X", "PATCH", "-H", "Content-Type: application/apply-patch+yaml"],
        ...["-d", "{apiVersion: v1, kind: ConfigMap, metadata: {name: applied}, data: {a: b}}"],
    ],
    discovery: ["/apis"],
    "aggregated discovery": [
        "/apis",
        "-H",
        "Accept: application/json;v=v2;g=apidiscovery.k8s.io;as=APIGroupDiscoveryList",
    ],
    OpenAPI: ["/openapi/v3"],
    "an aggregated API": [`/apis/aggregated.example/v1/namespaces/${NAMESPACE}/things`],
    "kinds that the cluster was given": [`/apis/cert-manager.io/v1/namespaces/${NAMESPACE}/certificates`],
};

/**
 * Registers steps that show that everything a client does works with a controller, as it does at the API server itself.
 * @param variables what make needs for the controller
 */
export function everythingPasses(controller: string, variables: readonly string[]): void {
    const folder = mkdtempSync(join(tmpdir(), "interlink-clients-"));
    const at = (name: string) => join(folder, name);
    let token = "";
    let door: Way;
    let direct: Way;
    after(() => {
        abandonLoads();
        rmSync(folder, { recursive: true });
    });

    const ask = async ({ url, ca, netns }: Way, [path = "", ...args]: readonly string[]) => {
        // Else an answer without a body would leave that of the one before.
        writeFileSync(at("body"), "");
        const files = ["-D", at("head"), "-o", at("body")];
        const curl = ["curl", "-sS", ...files, "--cacert", ca, "-H", "@-", ...args, url + path];
        const { status: failed, stderr } = await attempt(curl, { netns, input: `Authorization: Bearer ${token}\n` });
        assert.equal(failed, 0, stderr);
        const [first = "", ...headers] = readFileSync(at("head"), "latin1").split("\r\n");
        const kept = headers.filter((header) => HEADERS.test(header)).map((header) => header.toLowerCase());
        // The API server speaks HTTP/2 with whoever asks for nothing else, and the proxy does not.
        const status = /^HTTP\/\S+ (\d{3})/.exec(first)?.[1] ?? "";
        return { status, headers: kept.sort(), body: readFileSync(at("body"), "latin1").replace(PASSING, "") };
    };
    const command = (kubectlBuild: string, { url, ca }: Way, args: readonly string[]) => [
        program(kubectlBuild, "kubectl"),
        ...["--kubeconfig=/dev/null", `--namespace=${NAMESPACE}`, `--server=${url}`],
        ...[`--certificate-authority=${ca}`, `--token=${token}`],
        ...args,
    ];
    const by = (build: string, args: readonly string[], options: RunOptions = {}): Promise<Result> =>
        attempt(command(build, door, args), { ...options, netns: HPC });

    inSteps(`that everything passes, with the controller ${controller}`, {
        [`\`make up\` with ${controller}`]: async () => {
            await cluster(...variables);
            await ensureTools(Object.values(KUBECTLS));
            const { apiServerUrl, caCertificate, namespace } = await outputs(ENVIRONMENT);
            const config = new KubeConfig();
            config.loadFromFile(KUBECONFIG);
            const { server = "", caData = "" } = config.getCurrentCluster() ?? {};
            writeFileSync(at("door.crt"), caCertificate);
            writeFileSync(at("direct.crt"), Buffer.from(caData, "base64"));
            door = { url: apiServerUrl, ca: at("door.crt"), netns: HPC };
            direct = { url: server, ca: at("direct.crt") };

            const inside = (...args: string[]) => kubectl("--namespace", NAMESPACE, ...args);
            await kubectl("create", "namespace", NAMESPACE);
            await inside(
                "create",
                "rolebinding",
                "admin",
                "--clusterrole=admin",
                `--serviceaccount=${NAMESPACE}:default`,
            );
            token = (await inside("create", "token", "default")).trim();
            await inside("create", "configmap", "small", "--from-literal=a=b");
            writeFileSync(at("large.json"), JSON.stringify(LARGE));
            const proxy = ["get", "deployment", NAMES.proxy, "--namespace", namespace];
            // An image with a shell's commands, nginx and tar.
            const image = await kubectl(...proxy, "-o", "jsonpath={.spec.template.spec.containers[0].image}");
            await applyManifest(shellPod(image));
            await applyManifest(readFileSync(join(__dirname, "aggregated.yaml"), "utf8"));
            await inside("wait", "--for=condition=Ready", "pod/shell", "--timeout=120s");
            await kubectl("wait", "--for=condition=Available", "apiservice/v1.aggregated.example", "--timeout=120s");
            return apiServerUrl;
        },
        ...kubectlSteps("newest", KUBECTLS.newest),
        ...kubectlSteps("1.30", KUBECTLS["1.30"]),
        "the JavaScript client, a list in chunks, watch, exec and logs": () =>
            library([process.execPath, "-r", "ts-node/register/transpile-only", join(__dirname, "javascript.ts")]),
        "the Python client, the same": async () => {
            await ensurePackages({
                "python3-kubernetes": "/usr/lib/python3/dist-packages/kubernetes/__init__.py",
            });
            return library(["/usr/bin/python3", join(__dirname, "python.py")]);
        },
        ...(Object.fromEntries(
            Object.entries(QUESTIONS).map(([what, question]) => [
                `the same answer to ${what}`,
                async () => {
                    const [theirs, ours] = [await ask(direct, question), await ask(door, question)];
                    assert.deepEqual(ours, theirs);
                    return `${ours.status}, ${ours.body.length} bytes`;
                },
            ]),
        ) as Steps),
        "1,000 watches": async () => {
            const seen = await underLoad(ENVIRONMENT, () => sleep(20_000), { perSecond: 5, watches: 1000 });
            assert.deepEqual([seen.failed, seen.watchesLost, seen.watchesOpen], [0, 0, 1000], inWords(seen));
            await kubectl("delete", "apiservice", "v1.aggregated.example");
            await kubectl("delete", "namespace", NAMESPACE, "--wait=false");
            return `${seen.watchesOpen} open after 20 s, ${seen.failed} of ${seen.requests} requests failed meanwhile`;
        },
    });

    /** What a client library does, in a program of its own that prints what it got. */
    async function library(command: readonly string[]): Promise<string> {
        const user = { token };
        const cluster = { server: door.url, "certificate-authority": door.ca };
        const config = {
            "current-context": "door",
            contexts: [{ name: "door", context: { cluster: "door", user: "door" } }],
            clusters: [{ name: "door", cluster }],
            users: [{ name: "door", user }],
        };
        const env = { KUBECONFIG_TEXT: JSON.stringify(config) };
        const { stdout, stderr } = await attempt([...command, NAMESPACE, "shell"], {
            netns: HPC,
            env,
            timeoutSeconds: 60,
        });
        assert.notEqual(stdout, "", stderr);
        const { names, ...seen } = JSON.parse(stdout) as { readonly names: readonly string[] };
        assert.deepEqual(seen, { watched: "ADDED", said: "there and back\n", logged: true });
        assert.deepEqual([...names].sort(), ["kube-root-ca.crt", "large", "small"]);
        return `${names.length} pages`;
    }

    /** What kubectl does, each with its own protocols. */
    function kubectlSteps(name: string, build: string): Steps {
        const succeeds = async (args: readonly string[], options?: RunOptions) => {
            const result = await by(build, args, options);
            assert.equal(result.status, 0, result.stderr);
            return result;
        };
        const protocols = (action: (env: Record<string, string>) => Promise<void>) => async () => {
            for (const on of ["true", "false"]) {
                await action({ KUBECTL_REMOTE_COMMAND_WEBSOCKETS: on, KUBECTL_PORT_FORWARD_WEBSOCKETS: on });
            }
            return "WebSocket and SPDY";
        };
        return {
            [`kubectl ${name}, apply of 2.5 MB`]: async () => {
                await succeeds(["apply", "--server-side", "--force-conflicts", "-f", at("large.json")]);
                return `${readFileSync(at("large.json")).length} bytes`;
            },
            [`kubectl ${name}, a list in chunks`]: async () => {
                const { stdout } = await succeeds(["get", "configmaps", "--chunk-size=1", "-o", "name"]);
                assert.equal(stdout, await kubectl("get", "configmaps", "--namespace", NAMESPACE, "-o", "name"));
                return `${stdout.trim().split("\n").length} pages`;
            },
            [`kubectl ${name}, exec`]: protocols(async (env) => {
                const { stdout, stderr } = await succeeds(["exec", "-i", "shell", "-v=4", "--", "cat"], {
                    input: "there and back",
                    env,
                });
                assert.equal(stdout, "there and back");
                assert.doesNotMatch(stderr, /fallback/);
            }),
            [`kubectl ${name}, attach and logs -f`]: protocols(async (env) => {
                const line = randomBytes(4).toString("hex");
                const log = by(build, ["logs", "-f", "shell", "--tail=0"], { timeoutSeconds: 8 });
                await sleep(2000);
                const attached = by(build, ["attach", "-i", "shell"], { input: `${line}\n`, env, timeoutSeconds: 5 });
                assert.match((await log).stdout, new RegExp(`got ${line}`));
                await attached;
            }),
            [`kubectl ${name}, port-forward`]: protocols(async (env) => {
                const forwarded = ["port-forward", "-v=4", "pod/shell", `18080:${PLAIN_PORT}`];
                const [file = "", ...args] = inNamespace(HPC, command(build, door, forwarded));
                const forward = spawn(file, args, {
                    env: { ...process.env, ...env },
                    stdio: ["ignore", "ignore", "pipe"],
                });
                const said = text(forward.stderr);
                try {
                    await until("the forwarded port", 20, async () => {
                        const curl = ["curl", "-s", "--max-time", "5", "http://127.0.0.1:18080/"];
                        return (await attempt(curl, { netns: HPC })).stdout === "forwarded";
                    });
                } finally {
                    forward.kill();
                }
                // At its end the port is free for the next one.
                assert.doesNotMatch(await said, /fallback/);
            }),
            [`kubectl ${name}, cp of 100 MB`]: async () => {
                const bytes = randomBytes(COPIED_BYTES);
                writeFileSync(at("there"), bytes);
                await succeeds(["cp", at("there"), "shell:/tmp/copied"]);
                await succeeds(["cp", "shell:/tmp/copied", at("back")]);
                const digest = (content: Buffer) => createHash("sha256").update(content).digest("hex");
                assert.equal(digest(readFileSync(at("back"))), digest(bytes));
                return "there and back, the same";
            },
        };
    }
}

/** A pod that repeats each line that it is given, and that serves. */
function shellPod(image: string): string {
    const { cert, key } = certificateFor("DNS:shell.clients.svc");
    const metadata = { name: "shell", namespace: NAMESPACE, labels: { app: "shell" } };
    const files = { "nginx.conf": NGINX, "tls.crt": cert, "tls.key": key };
    const script =
        "nginx -e /tmp/nginx.log -c /files/nginx.conf; while read -r line; do echo got $line; done; sleep infinity";
    const container = {
        name: "shell",
        image,
        stdin: true,
        command: ["sh", "-c", script],
        volumeMounts: [{ name: "files", mountPath: "/files" }],
    };
    const spec = { containers: [container], volumes: [{ name: "files", secret: { secretName: "shell" } }] };
    const items = [
        { apiVersion: "v1", kind: "Secret", metadata, stringData: files },
        { apiVersion: "v1", kind: "Pod", metadata, spec },
    ];
    return JSON.stringify({ apiVersion: "v1", kind: "List", items });
}
