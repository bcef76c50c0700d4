import assert from "node:assert/strict";
import { parse } from "yaml";
import { WorkflowController } from "../../../examples/argo/workflowController";
import { input, record, registered, settled } from "../support/mocks";

const ARGS = { namespace: "workflows", nodeName: "virtual" };
const POD = ["spec", "template", "spec"] as const;

/** What the controller reads as its configuration. */
function configuration(): Record<string, unknown> {
    return parse(input("argo-configuration", "data", "config") as string) as Record<string, unknown>;
}

describe("WorkflowController", () => {
    beforeEach(() => record());

    it("sends every workflow to the virtual node, with an account that can only report results", async () => {
        await settled(new WorkflowController("argo", ARGS));
        assert.deepEqual(configuration().workflowDefaults, {
            spec: {
                serviceAccountName: "workflow-executor",
                nodeSelector: { "kubernetes.io/hostname": "virtual" },
                tolerations: [{ key: "virtual-node.interlink/no-schedule", operator: "Exists" }],
                podMetadata: { annotations: { "slurm-job.vk.io/image-root": "docker://" } },
            },
        });
        assert.deepEqual(input("argo-executor-role", "rules"), [
            { apiGroups: ["argoproj.io"], resources: ["workflowtaskresults"], verbs: ["create", "patch"] },
        ]);
    });

    it("limits the memory of every container of a step", async () => {
        await settled(new WorkflowController("argo", ARGS));
        const { executor, mainContainer } = configuration() as Record<string, { resources: { limits: object } }>;
        for (const container of [executor, mainContainer]) {
            assert.deepEqual(container?.resources.limits, { cpu: "1", memory: "512Mi" });
        }
    });

    it("watches its own namespace, and has no right outside it", async () => {
        await settled(new WorkflowController("argo", ARGS));
        assert.deepEqual(input("argo-controller", ...POD, "containers", 0, "args"), [
            "--namespaced",
            "--configmap",
            "workflow-controller-configmap",
        ]);
        assert.equal(input("argo-controller", ...POD, "serviceAccountName"), "workflow-controller");
        assert.ok(!registered().some((entry) => entry.includes("ClusterRole")));
        for (const name of ["argo-controller", "argo-controller-role", "argo-executor-role", "argo-configuration"]) {
            assert.equal(input(name, "metadata", "namespace"), "workflows");
        }
    });

    it("takes images and definitions of one release from where the site has them", async () => {
        const images = () => [
            input("argo-controller", ...POD, "containers", 0, "image"),
            (configuration().executor as { image: string }).image,
        ];
        await settled(new WorkflowController("argo", ARGS));
        const [, tag = ""] = /:(v\d+\.\d+\.\d+)$/.exec(String(images()[0])) ?? [];
        assert.deepEqual(images(), [`quay.io/argoproj/workflow-controller:${tag}`, `quay.io/argoproj/argoexec:${tag}`]);
        for (const file of input("argo-crds", "files") as string[]) {
            assert.match(
                file,
                new RegExp(`^https://[^/]+/argoproj/argo-workflows/${tag}/.*/argoproj\\.io_\\w+\\.yaml$`),
            );
        }

        await record();
        await settled(new WorkflowController("argo", { ...ARGS, registry: "mirror:5000", crds: "/crds" }));
        assert.deepEqual(images(), [
            `mirror:5000/argoproj/workflow-controller:${tag}`,
            `mirror:5000/argoproj/argoexec:${tag}`,
        ]);
        assert.ok((input("argo-crds", "files") as string[]).includes("/crds/argoproj.io_workflows.yaml"));
    });
});
