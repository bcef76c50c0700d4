import * as k8s from "@pulumi/kubernetes";
import { loadSettings } from "./settings/read";
import { providerArgs } from "./settings/kubeconfig";
import { deploy } from "./stacks";
import { StackOutputs } from "./stacks/outputs";

/** The program: settings in, the environment's stack, its outputs out. */
export = async (): Promise<StackOutputs> => {
    const settings = loadSettings();
    return deploy(settings, new k8s.Provider("kubernetes", await providerArgs(settings.kubeconfig)));
};
