import assert from "node:assert/strict";
import * as pulumi from "@pulumi/pulumi";
import { askThroughFront, Front } from "../../../checks/front";
import { NotChecked } from "../../../checks/notChecked";
import { Certificate, certificateFor, FakeCluster, json, Pod, pod, podList } from "../support/fakeCluster";

const PODS = "GET /api/v1/namespaces/ingress-nginx-internal/pods";
const VERSION = JSON.stringify({ major: "1", minor: "37", gitVersion: "v1.37.2" });
const STATUS = JSON.stringify({ kind: "Status", apiVersion: "v1", status: "Failure", code: 401 });
/** No patience: one round. */
const ONE_ROUND = 0;

describe("the question through the front", () => {
    let site: Certificate;
    let front: Front;
    const open: { stop(): void }[] = [];
    const pods: Pod[] = [];

    before(() => {
        site = certificateFor("IP:10.1.2.3");
        front = {
            namespace: "ingress-nginx-internal",
            labels: { "app.kubernetes.io/instance": "my-ingress-nginx" },
            port: 60443,
            host: "10.1.2.3",
            caCertificate: site.cert,
            token: undefined,
        };
    });
    afterEach(() => {
        open.splice(0).forEach((cluster) => cluster.stop());
        pods.splice(0).forEach(({ server }) => server.close());
    });

    /** A cluster whose ready pods lead to these ports. */
    async function cluster(ports: Readonly<Record<string, number>>, others: readonly string[] = []) {
        const fake = new FakeCluster({ [PODS]: json(podList(Object.keys(ports), others)) }, (name) => ports[name] ?? 0);
        open.push(fake);
        return { fake, config: await fake.start() };
    }

    async function podThat(answers: { status: number; body: string; certificate?: Certificate }): Promise<Pod> {
        const made = await pod(
            answers.certificate ?? site,
            (response) => void response.writeHead(answers.status).end(answers.body),
        );
        pods.push(made);
        return made;
    }

    /** Asserts that one pod that answers so is refused with this sentence's end. */
    async function refused(
        answers: { status: number; body: string; certificate?: Certificate },
        seen: RegExp,
    ): Promise<void> {
        const { config } = await cluster({ a: (await podThat(answers)).port });
        await assert.rejects(askThroughFront(config, front, ONE_ROUND), (error: Error) => {
            assert.ok(pulumi.RunError.isInstance(error));
            assert.match(error.message, /^The Kubernetes API is not served at 10\.1\.2\.3, port 60443: GET \/version /);
            assert.match(error.message, seen);
            return true;
        });
    }

    it("is answered by every ready pod, verified, without a name for an IP address, and by no other pod", async () => {
        const [one, two] = [
            await podThat({ status: 200, body: VERSION }),
            await podThat({ status: 200, body: VERSION }),
        ];
        const { fake, config } = await cluster({ a: one.port, b: two.port }, ["starting"]);
        await askThroughFront(config, front, ONE_ROUND);
        for (const { requests, serverNames } of [one, two]) {
            assert.deepEqual(
                requests.map(({ url, headers }) => [url, headers.host, headers.authorization]),
                [["/version", "10.1.2.3:60443", undefined]],
            );
            assert.deepEqual(serverNames, [false]);
        }
        assert.ok(
            fake.asked[0]?.endsWith("?labelSelector=app.kubernetes.io%2Finstance%3Dmy-ingress-nginx"),
            fake.asked[0],
        );
        assert.deepEqual(
            fake.asked.slice(1).sort(),
            ["a", "b"].map((name) => `/api/v1/namespaces/ingress-nginx-internal/pods/${name}/portforward?ports=60443`),
        );
    });

    it("names a host that is a DNS name, and takes its certificate alone", async () => {
        const certificate = certificateFor("DNS:api.site.example");
        const named = await podThat({ status: 200, body: VERSION, certificate });
        const { config } = await cluster({ a: named.port });
        const other = { ...front, host: "api.site.example", caCertificate: certificate.cert };
        await askThroughFront(config, other, ONE_ROUND);
        assert.deepEqual(named.serverNames, ["api.site.example"]);
        await assert.rejects(askThroughFront(config, { ...other, host: "else.site.example" }, ONE_ROUND), /else\.site/);
    });

    for (const status of [401, 403]) {
        it(`is answered where the API server tells nothing to somebody without a name: ${status}`, async () => {
            const { config } = await cluster({ a: (await podThat({ status, body: STATUS })).port });
            await askThroughFront(config, front, ONE_ROUND);
        });
    }

    it("is asked with a token where there is one, and then a 401 is no answer of the API server's", async () => {
        const { config } = await cluster({ a: (await podThat({ status: 403, body: STATUS })).port });
        front = { ...front, token: "the-token" };
        await askThroughFront(config, front, ONE_ROUND);
        assert.equal(pods[0]?.requests[0]?.headers.authorization, "Bearer the-token");
        await refused({ status: 401, body: STATUS }, /pod a answered 401 \(.*\)\.$/);
        await refused({ status: 503, body: STATUS }, /pod a answered 503 \(.*\)\.$/);
        front = { ...front, token: undefined };
    });

    it("is not answered by a controller's 404", () =>
        refused({ status: 404, body: "404 page not found\n" }, /pod a answered 404 \(404 page not found\)\.$/));
    it("is not answered by a proxy's 502", () =>
        refused(
            { status: 502, body: "<h1>502\n  Bad Gateway</h1>" },
            /pod a answered 502 \(<h1>502 Bad Gateway<\/h1>\)\.$/,
        ));
    it("is not answered by another server's 200 or 403", async () => {
        await refused({ status: 200, body: "welcome" }, /pod a answered 200 \(welcome\)\.$/);
        await refused({ status: 403, body: "Forbidden" }, /pod a answered 403 \(Forbidden\)\.$/);
    });
    it("is not answered under a certificate of another CA, or for another address", async () => {
        const wrong = certificateFor("IP:10.1.2.4");
        await refused(
            { status: 200, body: VERSION, certificate: wrong },
            /pod a did not answer \(self-signed certificate\)\.$/,
        );
        front = { ...front, caCertificate: wrong.cert };
        await refused(
            { status: 200, body: VERSION, certificate: wrong },
            /pod a did not answer \(.*10\.1\.2\.3.*\)\.$/,
        );
        front = { ...front, caCertificate: site.cert };
    });

    it("is not answered by a pod whose port is closed", async () => {
        const closed = await podThat({ status: 200, body: VERSION });
        await new Promise((done) => closed.server.close(done));
        const { config } = await cluster({ a: closed.port });
        await assert.rejects(
            askThroughFront(config, front, ONE_ROUND),
            /pod a did not answer \(error forwarding port 60443: connect ECONNREFUSED .*\)\.$/,
        );
    });

    it("is not answered by one pod of two", async () => {
        const [good, bad] = [await podThat({ status: 200, body: VERSION }), await podThat({ status: 404, body: "no" })];
        const { config } = await cluster({ a: good.port, b: bad.port });
        await assert.rejects(askThroughFront(config, front, ONE_ROUND), /and pod b answered 404 \(no\)\.$/);
    });

    it("is not answered where no pod is ready", async () => {
        const { config } = await cluster({}, ["starting"]);
        await assert.rejects(
            askThroughFront(config, front, ONE_ROUND),
            /no pod with the labels app\.kubernetes\.io\/instance=my-ingress-nginx is ready\.$/,
        );
    });

    it("is asked again until a controller has seen its Ingress", async () => {
        const [late, good] = [
            await podThat({ status: 404, body: "no" }),
            await podThat({ status: 200, body: VERSION }),
        ];
        const rounds = [late.port, good.port];
        const fake = new FakeCluster({ [PODS]: json(podList(["a"])) }, () => rounds.shift() ?? 0);
        open.push(fake);
        await askThroughFront(await fake.start(), front, 5000);
        assert.equal(late.requests.length, 1);
    });

    for (const [what, answers, says] of [
        ["ports may not be forwarded", { [PODS]: json(podList(["a"])) }, /may not be forwarded .*403/],
        ["pods may not be listed", { [PODS]: json({ kind: "Status" }, 403) }, /cannot be listed \(HTTP 403\)/],
    ] as const) {
        it(`is not asked where ${what}`, async () => {
            const fake = new FakeCluster(answers);
            open.push(fake);
            await assert.rejects(askThroughFront(await fake.start(), front, 60_000), (error: Error) => {
                assert.ok(error instanceof NotChecked);
                assert.match(error.message, says);
                return true;
            });
        });
    }

    it("adds less than half a second to an update", async () => {
        const { config } = await cluster({ a: (await podThat({ status: 200, body: VERSION })).port });
        const start = process.cpuUsage();
        await askThroughFront(config, front, ONE_ROUND);
        const { user, system } = process.cpuUsage(start);
        assert.ok(user + system < 500_000, `${user + system} µs`);
    });
});
