import * as k8s from "@pulumi/kubernetes";
import { checkedOutputs, restartedAt } from "./checks";
import { loadSettings } from "./settings/read";
import { reachCluster, stackIdentifier } from "./settings/reach";
import { longestJob } from "./settings/sites";
import { apiServerPorts, deploy, frontPods } from "./stacks";
import { checkCluster } from "./stacks/cluster";
import { markObjects } from "./stacks/look";
import { StackOutputs } from "./stacks/outputs";
import { sayTroubles } from "./stacks/troubles";

/** The program: settings in, a look at the cluster, the environment's stack, checked when it is up, its outputs out. */
export = async (): Promise<StackOutputs> => {
    const settings = loadSettings();
    const { providerArgs, api } = await reachCluster(settings.kubeconfig, settings.context);
    const stack = stackIdentifier();
    if (api !== undefined) {
        await checkCluster(api, settings, stack);
        await sayTroubles(api, settings, stack);
    }
    markObjects(stack);
    const provider = new k8s.Provider("kubernetes", {
        ...providerArgs,
        // Else what changes is deleted first, and is missing where the update fails then.
        enableConfigMapMutable: true,
        enableSecretMutable: true,
    });
    const cluster = api?.client();
    const lookAtNode = cluster && ((...node: [string, string]) => restartedAt(cluster, ...node));
    return checkedOutputs(
        deploy(settings, { opts: { provider } }, { lookAtNode, apiServerPorts: api && (await apiServerPorts(api)) }),
        {
            cluster,
            front: frontPods(settings),
            longestJob: longestJob(settings),
        },
    );
};
