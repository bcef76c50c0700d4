import * as k8s from "@pulumi/kubernetes";
import { checkedOutputs } from "./checks";
import { loadSettings } from "./settings/read";
import { clusterOf, providerArgs } from "./settings/kubeconfig";
import { longestJob } from "./settings/sites";
import { deploy, frontPods } from "./stacks";
import { StackOutputs } from "./stacks/outputs";

/** The program: settings in, the environment's stack, checked when it is up, its outputs out. */
export = async (): Promise<StackOutputs> => {
    const settings = loadSettings();
    const args = await providerArgs(settings.kubeconfig);
    return checkedOutputs(deploy(settings, new k8s.Provider("kubernetes", args)), {
        cluster: clusterOf(args),
        front: frontPods(settings),
        longestJob: longestJob(settings),
    });
};
