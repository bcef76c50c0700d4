import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { API_PATHS } from "../../../components/nginxApiProxy/deployment";
import { ensurePackages } from "../../../local/toolchain/debian";
import { exchange } from "../../trust/exchange";
import { attack, FORGED } from "../../trust/hostile";
import { LocalDoor } from "../../trust/localDoor";
import { certificateFor } from "../../unit/support/fakeCluster";
import { inSteps } from "../support";

const LISTED = new RegExp(`^(${API_PATHS.join("|").replaceAll(".", "\\.")})([/?]|$)`);

const PACKAGES = {
    "libnginx-mod-http-js": "/usr/lib/nginx/modules/ngx_http_js_module.so",
    "nginx-light": "/usr/sbin/nginx",
};

/** Debian's nginx with the proxy's configuration, before a fake API server: seconds, and no cluster. */
describe("a door", () => {
    inSteps("without a cluster", {
        ...Object.fromEntries(
            (["all", "tokens", "jobs"] as const).map((admit) => [
                `hostile requests, admit: ${admit}`,
                () =>
                    withDoor(admit, async (door) => {
                        const seen = await attack(
                            {
                                token: "job",
                                username: "system:serviceaccount:default:job",
                                host: `127.0.0.1:${door.port}`,
                                certificate: certificateFor("DNS:kubernetes-admin"),
                            },
                            { host: "127.0.0.1", port: door.port },
                        );
                        assert.deepEqual(
                            door.passed.filter(({ url }) => !LISTED.test(url)).map(({ url }) => url),
                            [],
                        );
                        assert.deepEqual([...addresses(door)], ["127.0.0.1"]);
                        return `${seen}; ${door.passed.length} came to the API server, none with an address ${FORGED}`;
                    }),
            ]),
        ),
        "whom it admits, admit: jobs": () =>
            withDoor("jobs", async (door) => {
                const statuses = [];
                for (const token of ["job", "pod", "account", "admin", "nobody", undefined]) {
                    statuses.push(`${token ?? "no token"} ${await ask(door, token)}`);
                }
                const seen = statuses.join(", ");
                assert.equal(seen, "job 200, pod 403, account 403, admin 403, nobody 401, no token 401");
                return seen;
            }),
        "it asks once, keeps no token, asks again, and lets nobody in whom it cannot ask about": () =>
            withDoor("jobs", async (door) => {
                for (let i = 0; i < 50; i += 1) {
                    assert.equal(await ask(door, "job"), 200);
                    assert.equal(await ask(door, "pod"), 403);
                }
                assert.deepEqual(door.reviews, ["job", "pod"]);
                assert.doesNotMatch(door.kept(), /job|pod/);
                door.reviewing = false;
                assert.equal(await ask(door, "job"), 200);
                assert.equal(await ask(door, "job-2"), 503);
                // nginx counts whole seconds.
                await sleep(11_500);
                assert.equal(await ask(door, "job"), 503);
                door.reviewing = true;
                door.renewOwnToken("the-proxys-own-2");
                assert.equal(await ask(door, "job"), 200);
                door.renewOwnToken("a-strangers");
                assert.equal(await ask(door, "job-3"), 503);
                return "2 TokenReviews for 100 requests; 503 after 11 s without an answer";
            }),
        "bodies and upgrades pass at the first question": () =>
            withDoor("jobs", async (door) => {
                for (const [token, expected] of [
                    ["job", 405],
                    ["pod", 403],
                    ["nobody", 401],
                ] as const) {
                    assert.equal(await ask(door, `${token}-1`, "Content-Length: 3\r\n", "abc", "POST"), expected);
                    const chunked = "Transfer-Encoding: chunked\r\n";
                    assert.equal(await ask(door, `${token}-2`, chunked, "3\r\nabc\r\n0\r\n\r\n", "POST"), expected);
                }
                assert.equal(await ask(door, "job-4", "Content-Length: 3000000\r\n", "a".repeat(3e6), "POST"), 405);
                const upgrade = "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAA\r\n";
                assert.equal(await ask(door, "job-5", upgrade, "", "GET", "/api/v1/echo"), 101);
                assert.equal(await ask(door, "pod-5", upgrade, "", "GET", "/api/v1/echo"), 403);
                return "with a length, chunked, of 3 MB; 101 for a job, 403 for another pod";
            }),
    });
});

/** Does something with a door of its own. */
async function withDoor(
    admit: ConstructorParameters<typeof LocalDoor>[0],
    action: (door: LocalDoor) => Promise<string>,
): Promise<string> {
    await ensurePackages(PACKAGES);
    const door = new LocalDoor(admit);
    try {
        await door.start();
        return await action(door);
    } finally {
        await door.stop();
    }
}

/** The status of one request, on a connection of its own. */
async function ask(
    { port }: LocalDoor,
    token: string | undefined,
    headers = "",
    body = "",
    method = "GET",
    path = "/version",
): Promise<number> {
    const authorization = token === undefined ? "" : `Authorization: Bearer ${token}\r\n`;
    const connection = `Connection: ${headers.startsWith("Upgrade") ? "Upgrade" : "close"}\r\n`;
    const request = `${method} ${path} HTTP/1.1\r\nHost: door\r\n${authorization}${connection}${headers}\r\n${body}`;
    const bytes = Buffer.from(request).toString("base64");
    const received = await exchange({ host: "127.0.0.1", port }, { bytes });
    return Number(/^HTTP\/1\.1 (\d+)/.exec(received.text)?.[1] ?? 0);
}

/** The addresses of clients that the API server would believe. */
function addresses({ passed }: LocalDoor): Set<string | undefined> {
    const believed = passed.flatMap(({ headers }) =>
        headers.flatMap((name, index) => (/^x-(forwarded-for|real-ip)$/i.test(name) ? [headers[index + 1]] : [])),
    );
    return new Set(believed);
}
