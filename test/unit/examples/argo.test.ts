import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import * as pulumi from "@pulumi/pulumi";
import { parse } from "yaml";
import { WorkflowAccess } from "../../../examples/argo/workflowAccess";
import { CA_PEM, isSecret, valueOf } from "../support/mocks";

const TOKEN = "a.service.account's-token";
const URL = "https://10.1.2.3:60443";

type Inputs = Readonly<Record<string, unknown>>;
const made = new Map<string, Inputs>();

/** Makes the component; Kubernetes fills in the token. */
async function workflowAccess(serviceAccount = "workflow"): Promise<WorkflowAccess> {
    made.clear();
    await pulumi.runtime.setMocks(
        {
            newResource: async ({ type, name, inputs }) => {
                const given = inputs as Inputs;
                // What does not wait for the service account overtakes it.
                await sleep(type === "kubernetes:core/v1:ServiceAccount" ? 50 : 0);
                made.set(name, given);
                const data =
                    given.type === "kubernetes.io/service-account-token"
                        ? { "ca.crt": "", token: Buffer.from(TOKEN).toString("base64") }
                        : undefined;
                return { id: `${name}-id`, state: { ...given, data } };
            },
            call: ({ inputs }) => inputs as Inputs,
        },
        "interlink-kube-api-argo",
        "test",
        false,
    );
    const access = new WorkflowAccess("workflow", {
        namespace: "workflows",
        serviceAccount,
        apiServerUrl: pulumi.output(URL),
        caCertificate: pulumi.output(CA_PEM),
    });
    await valueOf(access.kubeconfigSecretName);
    return access;
}

/** What a resource was given. */
function inputs(name: string): Inputs {
    const found = made.get(name);
    assert.ok(found, `no resource ${name} among ${[...made.keys()].join(", ")}`);
    return found;
}

describe("WorkflowAccess", () => {
    it("lets the service account run workflows and pods, in its namespace alone", async () => {
        await workflowAccess("runner");
        const rules = inputs("workflow-role").rules as Record<"verbs" | "resources" | "apiGroups", string[]>[];
        assert.deepEqual(
            rules.map(
                ({ verbs, resources, apiGroups }) => `${verbs.join()} ${resources.join()} of "${apiGroups.join()}"`,
            ),
            [
                'create,patch workflowtaskresults of "argoproj.io"',
                'create,get,list,watch,delete workflows of "argoproj.io"',
                'create,get,list,watch,delete pods of ""',
                'get pods/log of ""',
                'create,get pods/exec of ""',
            ],
        );
        const { metadata, roleRef, subjects } = inputs("workflow-role-binding");
        assert.deepEqual(metadata, { name: "runner", namespace: "workflows" });
        assert.deepEqual(roleRef, { apiGroup: "rbac.authorization.k8s.io", kind: "Role", name: "runner" });
        assert.deepEqual(subjects, [{ kind: "ServiceAccount", name: "runner", namespace: "workflows" }]);
        assert.deepEqual(inputs("workflow-role").metadata, metadata);
        assert.deepEqual(inputs("workflow-service-account").metadata, metadata);
    });

    it("asks for a token when the service account exists, and waits for it", async () => {
        await workflowAccess();
        const names = [...made.keys()];
        assert.ok(names.indexOf("workflow-service-account") < names.indexOf("workflow-token"), names.join(", "));
        // No name: under the same one Kubernetes would sign the same token again, and none could be revoked.
        assert.deepEqual(inputs("workflow-token").metadata, {
            namespace: "workflows",
            annotations: {
                "kubernetes.io/service-account.name": "workflow",
                "pulumi.com/waitFor": "jsonpath={.data.token}",
            },
        });
    });

    it("writes a kubeconfig with the URL, the CA and the token", async () => {
        const access = await workflowAccess("runner");
        const kubeconfig: unknown = parse(await valueOf(access.kubeconfig));
        assert.deepEqual(kubeconfig, {
            apiVersion: "v1",
            kind: "Config",
            clusters: [
                {
                    name: "interlink-kube-api",
                    cluster: {
                        server: URL,
                        "certificate-authority-data": Buffer.from(CA_PEM).toString("base64"),
                    },
                },
            ],
            users: [{ name: "runner", user: { token: TOKEN } }],
            contexts: [
                {
                    name: "interlink-kube-api",
                    context: { cluster: "interlink-kube-api", user: "runner", namespace: "workflows" },
                },
            ],
            "current-context": "interlink-kube-api",
        });
    });

    it("keeps the kubeconfig secret, as an output and in its Secret", async () => {
        const access = await workflowAccess();
        assert.equal(await isSecret(access.kubeconfig), true);
        const { metadata, stringData } = inputs("workflow-kubeconfig");
        assert.deepEqual(metadata, { name: "workflow-kubeconfig", namespace: "workflows" });
        assert.ok(pulumi.runtime.isRpcSecret(stringData), "stringData is a secret");
        assert.deepEqual(pulumi.runtime.unwrapRpcSecret(stringData), { config: await valueOf(access.kubeconfig) });
        assert.equal(await valueOf(access.kubeconfigSecretName), "workflow-kubeconfig");
    });
});
