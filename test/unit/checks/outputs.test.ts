import assert from "node:assert/strict";
import { mock } from "node:test";
import { KubeConfig } from "@kubernetes/client-node";
import * as pulumi from "@pulumi/pulumi";
import { checkedOutputs } from "../../../checks";
import { parse } from "yaml";
import { CheckedOutputs, FrontPods } from "../../../stacks/outputs";
import { Answers, certificateFor, FakeCluster, json, Pod, pod, podList } from "../support/fakeCluster";
import { isSecret, record, valueOf } from "../support/mocks";

const PODS = "GET /api/v1/namespaces/ingress-nginx-internal/pods";
const TOKEN = "POST /api/v1/namespaces/ingress-nginx-internal/serviceaccounts/default/token";
const ACCOUNT_TOKEN = "POST /api/v1/namespaces/workflows/serviceaccounts/runner/token";
const HUNDRED_YEARS = 3153600000;

/** What an API server answers that grants so many seconds. */
const granted = (expirationSeconds: number) =>
    json({
        kind: "TokenRequest",
        apiVersion: "authentication.k8s.io/v1",
        metadata: {},
        spec: { audiences: ["https://kubernetes.default.svc"], expirationSeconds },
        status: { token: "the-token", expirationTimestamp: "2126-01-01T00:00:00Z" },
    });
const forbidden = json({ kind: "Status", code: 403 }, 403);

describe("the checked outputs", () => {
    const site = certificateFor("IP:10.1.2.3");
    let front: Pod;
    let served: { status: number; body: string };
    let warnings: string[];

    before(async () => {
        front = await pod(site, (response) => void response.writeHead(served.status).end(served.body));
    });
    after(() => front.server.close());
    beforeEach(async () => {
        served = { status: 200, body: JSON.stringify({ gitVersion: "v1.37.2" }) };
        warnings = [];
        mock.method(console, "warn", (text: string) => void warnings.push(text.replace("warning: [runtime] ", "")));
        await record();
    });
    afterEach(() => mock.restoreAll());

    function checked(
        cluster: KubeConfig | undefined,
        longestJob?: string,
        node?: pulumi.Output<string>,
        admit: FrontPods["admit"] = "all",
        kubeconfigFor?: string,
    ): CheckedOutputs {
        const deployed = {
            apiServerUrl: pulumi.output("https://10.1.2.3:60443"),
            apiServerHost: pulumi.output("10.1.2.3"),
            apiServerPort: 60443,
            caCertificate: pulumi.output(site.cert),
            ingressClassName: pulumi.output("nginx-internal"),
            interlinkNodeName: pulumi.output("interlink-slurm-node"),
            interlinkNodeNames: node?.apply((name) => [name]) ?? pulumi.output(["interlink-slurm-node"]),
            namespace: pulumi.output("ingress-nginx-internal"),
            interlinkValues: pulumi.output(""),
        };
        return checkedOutputs(deployed, {
            cluster,
            front: { labels: { app: "front" }, port: 60443, admit },
            longestJob,
            kubeconfigFor,
        });
    }

    /** What becomes of the outputs at a cluster with these answers. */
    async function asked(
        answers: Answers,
        longestJob?: string,
        forward: (() => number) | "forbidden" = () => front.port,
    ) {
        const fake = new FakeCluster(answers, forward);
        const outputs = checked(await fake.start(), longestJob);
        try {
            return {
                fake,
                url: await valueOf(outputs.apiServerUrl),
                lifetime: await valueOf(outputs.tokenLifetimeSeconds),
            };
        } finally {
            fake.stop();
        }
    }

    const pods = json(podList(["a"]));

    for (const seconds of [HUNDRED_YEARS, 86400, 3600]) {
        it(`hold the lifetime of a token that the API server grants, ${seconds} s`, async () => {
            const { fake, url, lifetime } = await asked({ [PODS]: pods, [TOKEN]: granted(seconds) });
            assert.equal(url, "https://10.1.2.3:60443");
            assert.equal(lifetime, seconds);
            assert.deepEqual(warnings, []);
            assert.deepEqual(
                fake.bodies.map((body) => JSON.parse(body) as object),
                [{ spec: { expirationSeconds: HUNDRED_YEARS } }],
            );
        });
    }

    for (const admit of ["tokens", "jobs"] as const) {
        it(`are asked for with a token of a few minutes where the front admits ${admit}`, async () => {
            const fake = new FakeCluster({ [PODS]: pods, [TOKEN]: granted(HUNDRED_YEARS) }, () => front.port);
            served = { status: 403, body: JSON.stringify({ kind: "Status" }) };
            const outputs = checked(await fake.start(), undefined, undefined, admit);
            await valueOf(outputs.apiServerUrl);
            assert.equal(front.requests.at(-1)?.headers.authorization, "Bearer the-token");
            assert.deepEqual(JSON.parse(fake.bodies[0] ?? ""), { spec: { expirationSeconds: 600 } });
            assert.deepEqual(warnings, []);
            fake.stop();
        });
    }

    for (const [longestJob, warned] of [
        ["25h", true],
        ["24h", false],
        [undefined, false],
    ] as const) {
        it(`come ${warned ? "with" : "without"} a warning where a token lives for 24 h and a job for ${longestJob ?? "nobody knows"}`, async () => {
            await asked({ [PODS]: pods, [TOKEN]: granted(86400) }, longestJob);
            assert.deepEqual(
                warnings,
                warned
                    ? [
                          "A job's token ends 86400 s after its submission, which the API server decides, earlier than the longest " +
                              "job, longestJob: 25h; such a job must renew it, as examples/renewToken does.",
                      ]
                    : [],
            );
        });
    }

    it("are none where the front does not lead to the Kubernetes API for a minute", async () => {
        let now = Date.now();
        mock.method(Date, "now", () => now);
        const fake = new FakeCluster({ [PODS]: pods }, () => {
            now += 61_000;
            return front.port;
        });
        served = { status: 404, body: "404 page not found" };
        const { apiServerUrl } = checked(await fake.start());
        await assert.rejects(
            pulumi.isSecret(apiServerUrl),
            /not served .* for 60 s, and pod a answered 404 \(404 page not found\)\.$/,
        );
        fake.stop();
    });

    it("come with one warning each for what the deployer may not ask", async () => {
        const { url, lifetime } = await asked({ [PODS]: pods, [TOKEN]: forbidden }, "25h", "forbidden");
        assert.deepEqual([url, lifetime], ["https://10.1.2.3:60443", 0]);
        assert.equal(warnings.length, 2);
        assert.match(warnings[0] ?? "", /^The stack is up, and not all of it was checked: ports of pods .*403.*\.$/);
        assert.match(warnings[1] ?? "", /^The stack is up, and not all of it was checked: no token .*HTTP 403.*\.$/);
    });

    it("come with a warning where the kubeconfig is not known", async () => {
        const { apiServerUrl, tokenLifetimeSeconds } = checked(undefined, "25h");
        assert.equal(await valueOf(apiServerUrl), "https://10.1.2.3:60443");
        assert.equal(await valueOf(tokenLifetimeSeconds), 0);
        assert.equal(warnings.length, 1);
    });

    it("are not asked for before the virtual node is ready", async () => {
        const fake = new FakeCluster({ [PODS]: pods, [TOKEN]: granted(3600) }, () => front.port);
        const { promise, resolve: ready } = Promise.withResolvers<string>();
        const outputs = checked(await fake.start(), undefined, pulumi.output(promise));
        await new Promise((done) => setTimeout(done, 50));
        assert.deepEqual(fake.asked, []);
        ready("interlink-slurm-node");
        await valueOf(outputs.apiServerUrl);
        assert.notDeepEqual(fake.asked, []);
        fake.stop();
    });

    it("ask nothing in a preview, and know no lifetime", async () => {
        await record(true);
        const fake = new FakeCluster({});
        const outputs = checked(await fake.start());
        assert.equal(await valueOf(outputs.apiServerUrl), "https://10.1.2.3:60443");
        let known = false;
        await pulumi.isSecret(outputs.tokenLifetimeSeconds.apply(() => (known = true)));
        assert.equal(known, false);
        assert.deepEqual(fake.asked, []);
        fake.stop();
    });

    describe("have a kubeconfig", () => {
        /** What the kubeconfig says of how clients come. */
        const way = {
            clusters: [
                {
                    name: "interlink-kube-api",
                    cluster: {
                        server: "https://10.1.2.3:60443",
                        "certificate-authority-data": Buffer.from(site.cert).toString("base64"),
                    },
                },
            ],
            "current-context": "interlink-kube-api",
        };

        /** The kubeconfig for the service account workflows/runner, where the API server answers so. */
        async function forAccount(answer: Answers[string]) {
            const fake = new FakeCluster(
                { [PODS]: pods, [TOKEN]: granted(3600), [ACCOUNT_TOKEN]: answer },
                () => front.port,
            );
            const { kubeconfig } = checked(await fake.start(), undefined, undefined, "all", "workflows/runner");
            const text = await valueOf(kubeconfig);
            fake.stop();
            return { text, secret: await isSecret(kubeconfig), fake };
        }

        for (const preview of [false, true]) {
            it(`for jobs${preview ? ", in a preview too" : ""}, which names the file with their token and is no secret`, async () => {
                await record(preview);
                const fake = new FakeCluster({ [PODS]: pods, [TOKEN]: granted(3600) }, () => front.port);
                const { kubeconfig } = checked(await fake.start());
                const content = parse(await valueOf(kubeconfig)) as Record<string, unknown>;
                const tokenFile = "/var/run/secrets/kubernetes.io/serviceaccount/token";
                assert.deepEqual(content, {
                    apiVersion: "v1",
                    kind: "Config",
                    ...way,
                    users: [{ name: "job", user: { tokenFile } }],
                    contexts: [{ name: "interlink-kube-api", context: { cluster: "interlink-kube-api", user: "job" } }],
                });
                assert.equal(await isSecret(kubeconfig), false);
                fake.stop();
            });
        }

        it("for a service account, with a token for a day, as a secret that says when it ends", async () => {
            const { text, secret, fake } = await forAccount(granted(86400));
            assert.equal(secret, true);
            assert.match(
                text,
                /^# The token ends at 2126-01-01T00:00:00\.000Z; every `pulumi up` makes another one\.\n/,
            );
            assert.deepEqual(parse(text), {
                apiVersion: "v1",
                kind: "Config",
                ...way,
                users: [{ name: "runner", user: { token: "the-token" } }],
                contexts: [
                    {
                        name: "interlink-kube-api",
                        context: { cluster: "interlink-kube-api", user: "runner", namespace: "workflows" },
                    },
                ],
            });
            assert.ok(fake.bodies.includes(JSON.stringify({ spec: { expirationSeconds: 86400 } })));
            assert.deepEqual(warnings, []);
        });

        it("that is empty, after a warning, where there is no such service account", async () => {
            const { text, secret } = await forAccount(json({ kind: "Status", code: 404 }, 404));
            assert.deepEqual([text, secret], ["", true]);
            assert.deepEqual(warnings, [
                "The stack is up, and not all of it was checked: no token of the service account workflows/runner may be asked " +
                    "for (HTTP 404).",
            ]);
        });

        it("that a preview does not know where it is for a service account, and that is a secret all the same", async () => {
            await record(true);
            const { kubeconfig } = checked(undefined, undefined, undefined, "all", "workflows/runner");
            let known = false;
            assert.equal(await isSecret(kubeconfig.apply(() => (known = true))), true);
            assert.equal(known, false);
        });
    });
});
