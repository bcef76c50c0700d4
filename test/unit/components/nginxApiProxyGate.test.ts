import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { evaluate } from "@marcbachmann/cel-js";
import { NginxApiProxy } from "../../../components/nginxApiProxy";
import { Admit, gateScript, NODE_NAME, POD_NAME } from "../../../components/nginxApiProxy/gate";
import { NAMESPACE, PROXY } from "../support/arguments";
import { input, record, registered, settled } from "../support/mocks";

const JOBS: Admit = { type: "jobs", nodeNames: ["vn", "vn-2"], uniqueName: "unique" };
const JOB = { username: "system:serviceaccount:default:job", extra: { [NODE_NAME]: ["vn-2"] } };
const POD = ["spec", "template", "spec"] as const;

/** What nginx sees of a request, and of an answer to a subrequest. */
interface NginxRequest {
    readonly variables: { readonly bearer: string };
    readonly headersOut: Record<string, string>;
    subrequest(uri: string, options: object, callback: (reply: NginxReply) => void): void;
    return(status: number): void;
}
interface NginxReply {
    readonly status: number;
    readonly responseText: string;
}
/** The functions that nginx calls. */
interface Gate {
    key(request: NginxRequest): string;
    judge(request: NginxRequest): void;
}

describe("the gate of NginxApiProxy", () => {
    let gate: Gate;
    before(async () => {
        const url = `data:text/javascript,${encodeURIComponent(gateScript(["vn", "vn-2"]))}`;
        gate = ((await import(url)) as { default: Gate }).default;
    });
    beforeEach(() => record());

    /** The verdict on a token of which the API server says this, and what it was asked. */
    function judged(reply: NginxReply): { status: number; asked: unknown[]; headersOut: Record<string, string> } {
        const seen = { status: 0, asked: [] as unknown[], headersOut: {} };
        gate.judge({
            headersOut: seen.headersOut,
            variables: { bearer: "the-token" },
            subrequest: (uri, options, callback) => {
                seen.asked.push(uri, options);
                callback(reply);
            },
            return: (status) => (seen.status = status),
        });
        return seen;
    }

    const review = (status: unknown) => ({ status: 201, responseText: JSON.stringify({ status }) });
    for (const [what, reply, verdict] of [
        ["a job on one of the virtual nodes", review({ authenticated: true, user: JOB }), 204],
        [
            "a pod on another node",
            review({ authenticated: true, user: { ...JOB, extra: { [NODE_NAME]: ["worker"] } } }),
            403,
        ],
        [
            "a service account without a pod",
            review({ authenticated: true, user: { username: JOB.username, extra: {} } }),
            403,
        ],
        ["an administrator", review({ authenticated: true, user: { username: "kubernetes-admin" } }), 403],
        [
            "somebody who is no service account and has a node",
            review({ authenticated: true, user: { ...JOB, username: "jane" } }),
            403,
        ],
        [
            "a pod of two nodes",
            review({ authenticated: true, user: { ...JOB, extra: { [NODE_NAME]: ["worker", "vn"] } } }),
            403,
        ],
        ["nobody", review({ authenticated: false, user: JOB }), 401],
        ["nobody, with an error", review({ error: "expired" }), 401],
        ["somebody of whom the API server says nothing", review(undefined), 401],
        ["somebody whom the proxy may not ask about", { status: 403, responseText: "{}" }, 503],
        ["somebody, by an API server that is away", { status: 502, responseText: "<html>" }, 503],
        ["somebody, by another server", { status: 201, responseText: "<html>" }, 503],
    ] as const) {
        it(`answers ${verdict} for ${what}`, () => assert.equal(judged(reply).status, verdict));
    }

    it("says whose the token is, in what a header may hold", () => {
        const names = (user: object) => Object.values(judged(review({ authenticated: true, user })).headersOut);
        const extra = { ...JOB.extra, [POD_NAME]: ["job-abc"] };
        assert.deepEqual(names({ ...JOB, extra }), [JOB.username, "job-abc"]);
        assert.deepEqual(names({ username: "a\r\nSet-Cookie: b" }), ["a??Set-Cookie: b", ""]);
        assert.deepEqual(Object.values(judged({ status: 502, responseText: "<html>" }).headersOut), ["", ""]);
    });

    it("asks by a TokenReview, and keeps a hash of the token", () => {
        const { asked } = judged(review({}));
        const [uri, { method, body }] = asked as [string, { method: string; body: string }];
        assert.deepEqual([uri, method], ["/review", "POST"]);
        assert.deepEqual(JSON.parse(body), {
            apiVersion: "authentication.k8s.io/v1",
            kind: "TokenReview",
            spec: { token: "the-token" },
        });
        const request = { variables: { bearer: "the-token" } } as NginxRequest;
        assert.equal(gate.key(request), createHash("sha256").update("the-token").digest("hex"));
    });

    it("takes of the header what the API server takes for the same token, and nothing else", async () => {
        await settled(new NginxApiProxy("proxy", { ...PROXY, admit: { type: "tokens" } }));
        const text = input("proxy-configuration", "data", "nginx.conf") as string;
        const [, pattern = "$^"] = /map \$http_authorization \$bearer \{[^"]*"~\*(\S+ \S+)" \$1;/.exec(text) ?? [];
        const bearer = (header: string) => new RegExp(pattern, "i").exec(header)?.[1];
        assert.equal(bearer("Bearer eyJ.a-b_c.~+/=="), "eyJ.a-b_c.~+/==");
        assert.equal(bearer("bearer abc"), "abc");
        for (const header of ["", "Bearer", "Bearer ", "Bearer a b", "Bearer a, Bearer b", "Basic abc", "Bearer  a"]) {
            assert.equal(bearer(header), undefined, header);
        }
        assert.equal(bearer(`Bearer ${"a".repeat(16385)}`), undefined);
    });

    for (const admit of [undefined, { type: "all" }, { type: "tokens" }] as const) {
        it(`takes no account and no token to admit ${admit?.type ?? "as by default"}`, async () => {
            await settled(new NginxApiProxy("proxy", { ...PROXY, admit }));
            assert.ok(!registered().some((entry) => /ServiceAccount|Role|Policy/.test(entry)));
            // Said, so that an update from jobs takes the account away.
            assert.equal(input("proxy-deployment", ...POD, "serviceAccountName"), "default");
            assert.doesNotMatch(JSON.stringify(input("proxy-deployment")), /serviceAccountToken/);
            assert.doesNotMatch(JSON.stringify(input("proxy-configuration")), /js_import|auth_request/);
        });
    }

    it("has an account that may ask whose a token is, and nothing else, and a token that kubelet renews", async () => {
        await settled(new NginxApiProxy("proxy", { ...PROXY, admit: JOBS }));
        assert.deepEqual(input("proxy-gate-role", "rules"), [
            { apiGroups: ["authentication.k8s.io"], resources: ["tokenreviews"], verbs: ["create"] },
        ]);
        assert.equal(registered().filter((entry) => /:(Cluster)?RoleBinding /.test(entry)).length, 1);
        assert.deepEqual(input("proxy-gate-role-binding", "subjects"), [
            { kind: "ServiceAccount", name: "unique", namespace: NAMESPACE },
        ]);
        assert.equal(input("proxy-deployment", ...POD, "serviceAccountName"), "unique");
        assert.equal(input("proxy-deployment", ...POD, "automountServiceAccountToken"), false);
        assert.deepEqual(input("proxy-deployment", ...POD, "volumes", 4), {
            name: "token",
            projected: { sources: [{ serviceAccountToken: { path: "token" } }] },
        });
        assert.equal(input("proxy-configuration", "data", "gate.js"), gateScript(["vn", "vn-2"]));
        const text = input("proxy-configuration", "data", "nginx.conf") as string;
        assert.match(text, /^load_module \/usr\/lib\/nginx\/modules\/ngx_http_js_module\.so;\n/);
        assert.match(text, /js_import gate from \/etc\/nginx\/api-proxy\/gate\.js;/);
        assert.match(text, /proxy_cache_key \$gate_key;/);
        // The locations of clients, of reviews and of the readiness that people ask for.
        assert.equal(text.match(/proxy_ssl_verify on;/g)?.length, 3);
    });
});

describe("the policy for jobs", () => {
    const user = { ...JOB, extra: { ...JOB.extra, [POD_NAME]: ["job-abc"] } };
    let policy: Readonly<Record<"matchConditions" | "validations", readonly { expression: string }[]>>;
    beforeEach(async () => {
        await record();
        await settled(new NginxApiProxy("proxy", { ...PROXY, admit: JOBS }));
        policy = input("proxy-jobs-policy", "spec") as typeof policy;
    });

    /** Whether the API server admits a request for which it asks the policy; it does what no condition matches. */
    function admits(userInfo: object, resource: string, object: unknown = {}, more: object = {}): boolean {
        const request = { userInfo, namespace: "default", name: "job", resource: { resource }, ...more };
        const holds = ({ expression }: { expression: string }) => evaluate(expression, { request, object }) === true;
        return !policy.matchConditions.every(holds) || policy.validations.every(holds);
    }

    it("is denied and bound under the stack's own name", () => {
        assert.equal(input("proxy-jobs-policy", "metadata", "name"), "unique");
        assert.deepEqual(input("proxy-jobs-policy-binding", "spec"), {
            policyName: "unique",
            validationActions: ["Deny"],
        });
        assert.equal(input("proxy-jobs-policy", "spec", "failurePolicy"), "Fail");
    });

    it("keeps jobs from rights, nodes and what the API serves, and nobody else", () => {
        for (const resource of ["clusterrolebindings", "nodes", "certificatesigningrequests", "apiservices"]) {
            assert.ok(!admits(user, resource), resource);
            assert.ok(admits({ username: "kubernetes-admin" }, resource), resource);
            assert.ok(admits({ username: "kubernetes-admin", extra: {} }, resource), resource);
            assert.ok(admits({ ...user, extra: { [NODE_NAME]: ["worker"] } }, resource), resource);
        }
    });

    it("lets jobs make Secrets, but no token without an end", () => {
        assert.ok(admits(user, "secrets", {}));
        assert.ok(admits(user, "secrets", { type: "Opaque" }));
        assert.ok(!admits(user, "secrets", { type: "kubernetes.io/service-account-token" }));
    });

    it("lets a job renew its own token, as examples/renewToken does, and make no other", () => {
        const bound = (name: string, kind = "Pod") => ({ spec: { boundObjectRef: { kind, name } } });
        assert.ok(admits(user, "serviceaccounts", bound("job-abc")));
        assert.ok(!admits(user, "serviceaccounts", { spec: {} }));
        assert.ok(!admits(user, "serviceaccounts", bound("other")));
        assert.ok(!admits(user, "serviceaccounts", bound("job-abc", "Secret")));
        assert.ok(!admits(user, "serviceaccounts", bound("job-abc"), { name: "admin" }));
        assert.ok(!admits(user, "serviceaccounts", bound("job-abc"), { namespace: "kube-system" }));
        assert.ok(!admits(JOB, "serviceaccounts", bound("job-abc")));
    });
});
