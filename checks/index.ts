import { KubeConfig } from "@kubernetes/client-node";
import * as pulumi from "@pulumi/pulumi";
import { durationSeconds } from "../components/parts/arguments";
import { CheckedOutputs, DeployedOutputs, FrontPods } from "../stacks/outputs";
import { askThroughFront } from "./front";
import { accountKubeconfig, Endpoint, jobKubeconfig } from "./kubeconfig";
import { NotChecked } from "./notChecked";
import { powerlessToken, tokenLifetimeSeconds } from "./tokenLifetime";

export { restartedAt } from "./lostNode";

/** What the checks need besides the outputs. */
export interface CheckArgs {
    /** The cluster; undefined where it is not known how to reach it: then nothing is checked, and a warning says so. */
    readonly cluster: KubeConfig | undefined;
    /** The pods that clients outside reach; undefined where somebody else provides the way in, which is then not asked. */
    readonly front: FrontPods | undefined;
    /** The site's longest job, as hours, minutes, seconds; undefined where nobody said. */
    readonly longestJob: string | undefined;
    /** Service account that the output kubeconfig is for, as NAMESPACE/NAME; undefined makes it one for jobs. */
    readonly kubeconfigFor: string | undefined;
}

/**
 * The outputs of a stack when the cluster was asked, in every update: whether the way in leads to the Kubernetes API, else the
 * update fails, how long a job's token lives, and a token for the kubeconfig. Requests alone; a preview asks nothing.
 */
export function checkedOutputs(outputs: DeployedOutputs, args: CheckArgs): CheckedOutputs {
    const { cluster, front, longestJob } = args;
    const { apiServerHost, apiServerUrl, caCertificate, namespace } = outputs;
    if (pulumi.runtime.isDryRun()) {
        return {
            ...outputs,
            tokenLifetimeSeconds: notYet<number>(),
            kubeconfig: kubeconfig(pulumi.output({ server: apiServerUrl, caCertificate }), args),
        };
    }
    // The class and the nodes are there last: the controller's pods, and the virtual kubelets'.
    const checked = pulumi
        .all([apiServerHost, caCertificate, namespace, outputs.ingressClassName, outputs.interlinkNodeNames])
        .apply(async ([host, ca, name]) => {
            if (cluster === undefined) {
                await warn("the program does not know the kubeconfig of its provider");
                return 0;
            }
            if (front !== undefined) {
                await orWarn(async () => {
                    const token = front.admit === "all" ? undefined : await powerlessToken(cluster, name);
                    await askThroughFront(cluster, { ...front, namespace: name, host, caCertificate: ca, token });
                });
            }
            const lifetime = await orWarn(() => tokenLifetimeSeconds(cluster, name || "default"));
            if (lifetime !== undefined && longestJob !== undefined && lifetime < durationSeconds(longestJob)) {
                await pulumi.log.warn(
                    `A job's token ends ${lifetime} s after its submission, which the API server decides, earlier than the ` +
                        `longest job, longestJob: ${longestJob}; such a job must renew it, as examples/renewToken does.`,
                );
            }
            return lifetime ?? 0;
        });
    const checkedUrl = pulumi.all([apiServerUrl, checked]).apply(([url]) => url);
    return {
        ...outputs,
        apiServerUrl: checkedUrl,
        tokenLifetimeSeconds: checked,
        kubeconfig: kubeconfig(pulumi.output({ server: checkedUrl, caCertificate }), args),
    };
}

/** The kubeconfig: for jobs or, a secret, for a service account; then empty, after a warning, where no token could be had. */
function kubeconfig(endpoint: pulumi.Output<Endpoint>, { cluster, kubeconfigFor }: CheckArgs): pulumi.Output<string> {
    if (kubeconfigFor === undefined) {
        return endpoint.apply(jobKubeconfig);
    }
    const text = pulumi.runtime.isDryRun()
        ? notYet<string>()
        : endpoint.apply(async (to) => {
              const asked = cluster && (await orWarn(() => accountKubeconfig(cluster, kubeconfigFor, to)));
              return asked ?? "";
          });
    return pulumi.secret(text);
}

/** What only the update tells. */
function notYet<T>(): pulumi.Output<T> {
    return pulumi.output(pulumi.unknown as unknown as T) as pulumi.Output<T>;
}

/** What a check found; undefined, after a warning, where nobody could be asked. */
async function orWarn<T>(check: () => Promise<T>): Promise<T | undefined> {
    try {
        return await check();
    } catch (error) {
        if (!(error instanceof NotChecked)) {
            throw error;
        }
        await warn(error.message);
        return undefined;
    }
}

function warn(reason: string): Promise<void> {
    return pulumi.log.warn(`The stack is up, and not all of it was checked: ${reason}.`);
}
