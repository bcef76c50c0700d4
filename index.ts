import { readFileSync } from "node:fs";
import { join } from "node:path";
import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { checkedOutputs, restartedAt } from "./checks";
import { loadSettings } from "./settings/read";
import { reachCluster, stackIdentifier } from "./settings/reach";
import { longestJob } from "./settings/sites";
import { apiServerPorts, deploy, frontPods } from "./stacks";
import { checkCluster } from "./stacks/cluster";
import { markObjects } from "./stacks/look";
import { StackOutputs } from "./stacks/outputs";
import { summaryOf } from "./stacks/summary";
import { sayTroubles } from "./stacks/troubles";

/**
 * The program: settings in, a look at the cluster, the environment's stack, checked when it is up, its outputs out. Pulumi's console
 * shows the output readme beside the stack.
 */
export = async (): Promise<StackOutputs & { readonly readme: string }> => {
    const settings = loadSettings();
    const { providerArgs, api } = await reachCluster(settings.kubeconfig, settings.context);
    const stack = stackIdentifier();
    const [ports] = await Promise.all([
        api && settings.networkPolicies ? apiServerPorts(api) : undefined,
        api && checkCluster(api, settings, stack),
    ]);
    // Beside the update, which no trouble keeps from beginning.
    const said = api && sayTroubles(api, settings, stack);
    markObjects(stack);
    const provider = new k8s.Provider("kubernetes", {
        ...providerArgs,
        // Else what changes is deleted first, and is missing where the update fails then.
        enableConfigMapMutable: true,
        enableSecretMutable: true,
    });
    const cluster = api?.client();
    const lookAtNode = cluster && ((...node: [string, string]) => restartedAt(cluster, ...node));
    const outputs = checkedOutputs(deploy(settings, { opts: { provider } }, { lookAtNode, apiServerPorts: ports }), {
        cluster,
        front: frontPods(settings),
        longestJob: longestJob(settings),
        kubeconfigFor: settings.kubeconfigFor,
    });
    await said;
    return {
        ...outputs,
        summary: summaryOf(outputs, settings, pulumi.getStack()),
        readme: readFileSync(join(__dirname, "Pulumi.README.md"), "utf8"),
    };
};
