import * as k8s from "@pulumi/kubernetes";
import { loadSettings } from "./config";
import { checkReachable, readKubeconfig } from "./kubeconfig";
import { kindStack } from "./stacks/kind";
import { StackOutputs } from "./stacks/outputs";

/** The program: settings in, the environment's stack, its outputs out. */
export = async (): Promise<StackOutputs> => {
    const settings = loadSettings();
    const kubeconfig = readKubeconfig(settings.kubeconfig);
    await checkReachable(kubeconfig);
    const provider = new k8s.Provider("kubernetes", { kubeconfig: kubeconfig.path });
    switch (settings.environment) {
        case "kind":
            return kindStack(settings, provider);
    }
};
