import assert from "node:assert/strict";
import { DEFAULT_LIMITS, NginxApiProxy } from "../../../components/nginxApiProxy";
import { limitsConfiguration } from "../../../components/nginxApiProxy/limits";
import { PROXY } from "../support/arguments";
import { input, record, registered, settled } from "../support/mocks";

const OFF = { requestsPerSecond: 0, burst: 0, connections: 0 };
const SIGNATURE = "s".repeat(342);

describe("the proxy's limits", () => {
    beforeEach(() => record());

    /** What a client is known by; undefined is its address. */
    function clientOf(authorization: string): string | undefined {
        const lines = limitsConfiguration(DEFAULT_LIMITS).http.matchAll(/^ +"~(\*?)(.*)" \$(\w+);$/gm);
        for (const [, anyCase, pattern = "", group = ""] of lines) {
            const match = new RegExp(pattern, anyCase === "*" ? "i" : "").exec(authorization);
            if (match !== null) {
                return match.groups?.[group];
            }
        }
        return undefined;
    }

    it("know a token by the beginning of its signature, another login by its own, and nobody by nothing", () => {
        assert.equal(clientOf(`Bearer head.body.${SIGNATURE}`), "s".repeat(43));
        assert.notEqual(clientOf(`Bearer head.body.a${SIGNATURE}`), clientOf(`Bearer head.body.b${SIGNATURE}`));
        // Tokens of one second have their first 255 characters in common.
        assert.equal(clientOf(`bearer ${"h".repeat(300)}.body.${SIGNATURE}`), "s".repeat(43));
        assert.equal(clientOf("Bearer opaque"), "Bearer opaque");
        assert.equal(clientOf("Basic dXNlcg=="), "Basic dXNlcg==");
        assert.equal(clientOf(""), undefined);
    });

    it("have keys of a length of which nginx logs none", () => {
        assert.ok((clientOf(`Bearer ${"x".repeat(100_000)}`)?.length ?? Infinity) <= 255);
    });

    it("hold by default, with a Status that tells clients to try again", async () => {
        await settled(new NginxApiProxy("proxy", PROXY));
        const text = configuration();
        assert.match(text, /limit_req_zone \$limited_client zone=requests:10m rate=500r\/s;/);
        assert.match(text, /limit_req zone=requests burst=2000 nodelay;/);
        assert.match(text, /limit_conn open_requests 2000;/);
        assert.match(text, /add_header Retry-After 1 always;/);
        const body = JSON.parse(/return 429 '(.*)';/.exec(text)?.[1] ?? "") as Record<string, unknown>;
        assert.deepEqual(
            [body.kind, body.apiVersion, body.code, body.reason],
            ["Status", "v1", 429, "TooManyRequests"],
        );
    });

    it("let one client have 1,000 watches, and leave half of the pod's connections to others", async () => {
        await settled(new NginxApiProxy("proxy", PROXY));
        const value = (directive: string) =>
            Number(new RegExp(`^ *${directive} (\\d+);`, "m").exec(configuration())?.[1]);
        const streams = (value("worker_processes") * value("worker_connections")) / 2;
        assert.ok(DEFAULT_LIMITS.connections >= 1000);
        assert.ok(DEFAULT_LIMITS.connections <= streams / 2);
    });

    it("write no request into the error log, whose lines have queries", async () => {
        await settled(new NginxApiProxy("proxy", PROXY));
        assert.match(configuration(), /error_log \/dev\/stderr warn;/);
        assert.equal(configuration().match(/limit_(req|conn)_log_level info;/g)?.length, 2);
    });

    it("may be set, and each may be off", () => {
        const rate = limitsConfiguration({ ...OFF, requestsPerSecond: 7, burst: 3 });
        assert.match(rate.http, /rate=7r\/s;/);
        assert.match(rate.location, /burst=3 nodelay;/);
        assert.doesNotMatch(rate.http + rate.location, /limit_conn/);
        const open = limitsConfiguration({ ...OFF, connections: 9 });
        assert.match(open.location, /limit_conn open_requests 9;/);
        assert.doesNotMatch(open.http + open.location, /limit_req/);
        assert.deepEqual(limitsConfiguration(OFF), { http: "", server: "", location: "" });
    });

    it("are whole numbers, or nothing is made", () => {
        const limits = { requestsPerSecond: -1, burst: 0.5, connections: NaN };
        assert.throws(() => new NginxApiProxy("proxy", { ...PROXY, limits }), {
            message: [
                "limits.requestsPerSecond: -1 is not allowed; give a whole number of zero or more.",
                "limits.burst: 0.5 is not allowed; give a whole number of zero or more.",
                "limits.connections: null is not allowed; give a whole number of zero or more.",
            ].join("\n"),
        });
        assert.ok(!registered().some((entry) => entry.startsWith("kubernetes:")));
    });
});

function configuration(): string {
    return input("proxy-configuration", "data", "nginx.conf") as string;
}
