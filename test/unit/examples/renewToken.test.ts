import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parse, parseAllDocuments } from "yaml";

/** What stands for the variables of the commands in the README. */
const VARIABLES: Readonly<Record<string, string>> = {
    NAMESPACE: "jobs",
    SERVICE_ACCOUNT: "worker",
    NODE_NAME: "interlink-slurm-node",
};

/** A file of the example, as envsubst gives it to kubectl. */
function substituted(file: string): string {
    const text = readFileSync(join(__dirname, "..", "..", "..", "examples", "renewToken", file), "utf8");
    return text.replace(/\$\{(\w+)\}/g, (_, name: string) => VARIABLES[name] ?? assert.fail(name));
}

describe("the example of a job that renews its token", () => {
    const folder = mkdtempSync(join(tmpdir(), "interlink-renew-"));
    after(() => rmSync(folder, { recursive: true }));

    it("gives the account its own tokens and nobody else's, bound to the pod that asks", () => {
        const [role, binding, policy, policyBinding] = parseAllDocuments(substituted("access.yaml")).map(
            (document) => document.toJS() as Record<string, never>,
        );
        assert.deepEqual(role?.rules, [
            { apiGroups: [""], resources: ["serviceaccounts/token"], resourceNames: ["worker"], verbs: ["create"] },
        ]);
        assert.deepEqual(binding?.subjects, [{ kind: "ServiceAccount", name: "worker", namespace: "jobs" }]);
        const { matchConditions, validations } = policy?.spec as unknown as Record<string, { expression: string }[]>;
        assert.equal(
            matchConditions?.[0]?.expression,
            'request.userInfo.username == "system:serviceaccount:jobs:worker"',
        );
        assert.match(
            validations?.[0]?.expression ?? "",
            /^has\(object\.spec\.boundObjectRef\) && .*\.kind == "Pod" && /,
        );
        assert.deepEqual(policyBinding?.spec, { policyName: "jobs-worker-renew-token", validationActions: ["Deny"] });
    });

    for (const [host, server] of [
        ["10.1.2.3", "https://10.1.2.3:60443"],
        ["fd00::1", "https://[fd00::1]:60443"],
    ] as const) {
        it(`puts each new token into the file of its kubeconfig, with the API at ${host}`, () => {
            const [given, own] = ["given", "own"].map((name) => join(folder, host.replaceAll(":", "-"), name)) as [
                string,
                string,
            ];
            [given, own].forEach((path) => mkdirSync(path, { recursive: true }));
            writeFileSync(join(given, "token"), "first");
            const job = parse(substituted("job.yaml")) as { spec: { containers: { args: string[] }[] } };
            const script = job.spec.containers[0]?.args[0]?.replace(/^given=.*/, `given=${given}`) ?? "";
            // What stands for kubectl refuses the second time. The job goes on when the renewal has had its three rounds.
            const around = `rounds=0
mktemp() { echo ${own}; }
kill() { :; }
sleep() {
    if [ "$1" = 600 ]; then rounds=$((rounds + 1)); [ $rounds -le 3 ]; else wait; fi
}
kubectl() {
    if [ "$1" = get ]; then echo "$2"; return; fi
    echo "$*" >> ${own}/asked
    [ $rounds -ne 2 ] && echo "token $rounds"
}
`;
            const env = {
                PATH: process.env.PATH,
                KUBERNETES_SERVICE_HOST: host,
                KUBERNETES_SERVICE_PORT: "60443",
                POD_NAME: "long-1",
                POD_UID: "uid-1",
            };
            assert.equal(execFileSync("sh", ["-euc", around + script], { env, encoding: "utf8" }), "pod\n");
            assert.equal(readFileSync(join(own, "token"), "utf8"), "token 3\n");
            const bound = "--bound-object-kind=Pod --bound-object-name=long-1 --bound-object-uid=uid-1";
            assert.deepEqual(
                readFileSync(join(own, "asked"), "utf8").trim().split("\n"),
                Array(3).fill(`create token worker --duration=8760h ${bound}`),
            );
            const config = parse(readFileSync(join(own, "config"), "utf8")) as Record<string, object[]>;
            assert.deepEqual(config.clusters, [
                { name: "api", cluster: { server, "certificate-authority": `${given}/ca.crt` } },
            ]);
            assert.deepEqual(config.users, [{ name: "job", user: { tokenFile: `${own}/token` } }]);
        });
    }
});
