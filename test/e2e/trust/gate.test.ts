import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { API_PATHS } from "../../../components/nginxApiProxy/deployment";
import { ensurePackages } from "../../../local/toolchain/debian";
import { exchange } from "../../trust/exchange";
import { attack, FORGED } from "../../trust/hostile";
import { DoorArgs, LocalDoor } from "../../trust/localDoor";
import { certificateFor } from "../../unit/support/fakeCluster";
import { inSteps, Steps } from "../support";

const LISTED = new RegExp(`^(${API_PATHS.join("|").replaceAll(".", "\\.")})([/?]|$)`);
/** Headers by which an authenticating proxy tells the API server who asks; nginx cannot name those of the extras. */
const IDENTITY = /^x-remote-(user|uid|group)$/;

const PACKAGES = {
    "libnginx-mod-http-js": "/usr/lib/nginx/modules/ngx_http_js_module.so",
    "nginx-light": "/usr/sbin/nginx",
};

/** What a door has to hold, whatever is broken of it: returns what was seen. */
type Holds = (broken?: DoorArgs["broken"]) => Promise<string>;

/** A defence, how it is broken, what notices that, and how it says so. */
type Broken = readonly [holds: Holds, from: RegExp | string, to: string, says: RegExp];

const LIMITED = { requestsPerSecond: 1, burst: 10, connections: 0 };

const BROKEN: Readonly<Record<string, Broken>> = {
    "the filter of identities": [hostile("all"), "proxy_set_header X-Remote-User '';", "", /x-remote-user/],
    "the filter of addresses": [
        hostile("all"),
        "proxy_set_header X-Forwarded-For $remote_addr;",
        "",
        new RegExp(FORGED.replaceAll(".", "\\.")),
    ],
    "the list of paths": [hostile("all"), /\^\/\(api.*?\)\(.*?\|\$\)/g, "^/", /was answered|unlisted/],
    "the API server's verification": [foreign, "proxy_ssl_verify on;", "proxy_ssl_verify off;", /200/],
    "the gate for tokens": [bearing, "if ($bearer = '')", "if ($bearer = 'none')", /\/version/],
    "the gate for jobs": [admitted, "auth_request /gate;", "", /admin 200/],
    "the limit": [limited, /limit_req zone=.*/g, "", /15 200/],
};

/** Debian's nginx with the proxy's configuration, before a fake API server: seconds, and no cluster. */
describe("a door", () => {
    inSteps("without a cluster", {
        ...(Object.fromEntries(
            (["all", "tokens", "jobs"] as const).map((admit) => [
                `hostile requests, admit: ${admit}`,
                () => hostile(admit)(),
            ]),
        ) as Steps),
        "a request without a token stays outside, admit: tokens": () => bearing(),
        "whom it admits, admit: jobs": () => admitted(),
        "its log says whose token it was, admit: jobs": () => named(),
        "an API server that its CA has not signed gets no request": () => foreign(),
        "more requests than one client may make": () => limited(),
        ...(Object.fromEntries(
            Object.entries(BROKEN).map(([defence, [holds, from, to, says]]) => [
                `without ${defence} that is noticed`,
                async () => {
                    let said = "";
                    await assert.rejects(
                        holds((configuration) => configuration.replaceAll(from, to)),
                        ({ message }: Error) => {
                            said = says.exec(message)?.[0] ?? "";
                            assert.notEqual(said, "", message);
                            return true;
                        },
                    );
                    return `by “${said}”`;
                },
            ]),
        ) as Steps),
        "it asks once, keeps no token, asks again, and lets nobody in whom it cannot ask about": () =>
            withDoor({ admit: "jobs" }, async (door) => {
                for (let i = 0; i < 50; i += 1) {
                    assert.equal(await ask(door, "job-token"), 200);
                    assert.equal(await ask(door, "pod-token"), 403);
                }
                assert.deepEqual(door.reviews, ["job-token", "pod-token"]);
                assert.doesNotMatch(door.kept(), /-token/);
                door.reviewing = false;
                assert.equal(await ask(door, "job-token"), 200);
                assert.equal(await ask(door, "job-2"), 503);
                // nginx counts whole seconds.
                await sleep(11_500);
                assert.equal(await ask(door, "job-token"), 503);
                door.reviewing = true;
                door.renewOwnToken("the-proxys-own-2");
                assert.equal(await ask(door, "job-token"), 200);
                door.renewOwnToken("a-strangers");
                assert.equal(await ask(door, "job-3"), 503);
                return "2 TokenReviews for 100 requests; 503 after 11 s without an answer";
            }),
        "bodies and upgrades pass at the first question": () =>
            withDoor({ admit: "jobs" }, async (door) => {
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

/** Hostile requests are answered as they should be, and what of them comes to the API server names neither users nor addresses. */
function hostile(admit: DoorArgs["admit"]): Holds {
    return (broken) =>
        withDoor({ admit, broken }, async (door) => {
            const seen = await attack(
                {
                    token: "job",
                    username: "system:serviceaccount:default:job",
                    host: `127.0.0.1:${door.port}`,
                    certificate: certificateFor("DNS:kubernetes-admin"),
                },
                { host: "127.0.0.1", port: door.port },
            );
            const unlisted = door.passed.filter(({ url }) => !LISTED.test(url)).map(({ url }) => url);
            const names = door.passed.flatMap(({ headers }) => headers.filter((_, index) => index % 2 === 0));
            const identities = names.map((name) => name.toLowerCase()).filter((name) => IDENTITY.test(name));
            const expected = { unlisted: [], identities: [], addresses: ["127.0.0.1"] };
            assert.deepEqual({ unlisted, identities, addresses: [...addresses(door)] }, expected);
            return `${seen}; ${door.passed.length} came to the API server, none with an address ${FORGED}`;
        });
}

function bearing(broken?: DoorArgs["broken"]): Promise<string> {
    return withDoor({ admit: "tokens", broken }, async (door) => {
        const statuses = [await ask(door, undefined), await ask(door, "job")];
        const passed = door.passed.map(({ url }) => url);
        assert.deepEqual({ statuses, passed }, { statuses: [401, 200], passed: ["/version"] });
        return "no token 401, a token 200, and one request at the API server";
    });
}

function admitted(broken?: DoorArgs["broken"]): Promise<string> {
    return withDoor({ admit: "jobs", broken }, async (door) => {
        const statuses = [];
        for (const token of ["job", "pod", "account", "admin", "nobody", undefined]) {
            statuses.push(`${token ?? "no token"} ${await ask(door, token)}`);
        }
        const seen = statuses.join(", ");
        assert.equal(seen, "job 200, pod 403, account 403, admin 403, nobody 401, no token 401");
        return seen;
    });
}

/** The second time, the verdict is one that nginx has kept. */
function named(): Promise<string> {
    return withDoor({ admit: "jobs" }, async (door) => {
        for (const token of ["job-token", "job-token", "admin-token", "nobody-token", undefined]) {
            await ask(door, token);
        }
        const log = await door.logged();
        assert.doesNotMatch(log, /-token/);
        const lines = log.trim().split("\n");
        const seen = lines.map((line) => JSON.parse(line) as Record<"status" | "user" | "pod", string>);
        const shown = seen.map(({ status, user, pod }) => `${status} ${user || "nobody"} ${pod || "no pod"}`);
        const job = "200 system:serviceaccount:default:job job-1";
        const nobody = "401 nobody no pod";
        assert.deepEqual(shown, [job, job, "403 kubernetes-admin no pod", nobody, nobody]);
        return shown.slice(1, -1).join(", ");
    });
}

function foreign(broken?: DoorArgs["broken"]): Promise<string> {
    return withDoor({ admit: "all", foreign: true, broken }, async (door) => {
        assert.equal(await ask(door, "job"), 502);
        assert.deepEqual(door.passed, []);
        return "502";
    });
}

function limited(broken?: DoorArgs["broken"]): Promise<string> {
    return withDoor({ admit: "all", limits: LIMITED, broken }, async (door) => {
        const statuses = await Promise.all(Array.from({ length: LIMITED.burst + 5 }, () => ask(door, "job")));
        // They are answered in whatever order.
        statuses.sort();
        const seen = [...Map.groupBy(statuses, (status) => status)].map(([status, all]) => `${all.length} ${status}`);
        // Another one may be due meanwhile.
        assert.match(seen.join(", "), /^1[12] 200, [34] 429$/);
        return seen.join(", ");
    });
}

/** Does something with a door of its own. */
async function withDoor(args: DoorArgs, action: (door: LocalDoor) => Promise<string>): Promise<string> {
    await ensurePackages(PACKAGES);
    const door = new LocalDoor(args);
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
