import assert from "node:assert/strict";
import { podman, runEngine } from "../../../local/cluster/engine";
import { attemptKubectl, kubectl } from "../../../local/cluster/kubectl";
import { until } from "../../../local/machine/shell";
import { Environment } from "../../../local/stacks/environments";
import { outputs } from "../../../local/stacks/pulumi";
import { inWords, Seen, underLoad } from "../../trust/load";
import { fromNothing, inSteps, Steps, upWith } from "../support";

const PROXY = "my-nginx-kubernetes-api";
const CONTROLLER = "my-ingress-nginx";
const CONTROL_PLANE = "interlink-control-plane";
const WORKER = "interlink-worker";

/** What survives: clients outside ask and watch while each part is replaced, killed or restarted. */
describe("a door", () => {
    inSteps("that survives, on a node's ports", {
        "`make up`": () => fromNothing(),
        ...restarts("dev", [PROXY], 5000),
    });

    inSteps("that survives, behind a load balancer", {
        "`make up ENV=metallb`": () => fromNothing("ENV=metallb"),
        ...restarts("metallb", [PROXY], undefined),
        ...faults("metallb"),
    });

    inSteps("that survives, behind a load balancer and Traefik", {
        "`make up ENV=metallb CONTROLLER=traefik`": () => fromNothing("ENV=metallb", "CONTROLLER=traefik"),
        ...restarts("metallb", [CONTROLLER, PROXY], undefined),
    });
});

/** Planned changes: nothing fails but, on a node's ports, for a pause in milliseconds. */
function restarts(environment: Environment, deployments: readonly string[], pauseMs: number | undefined): Steps {
    const planned = (action: () => Promise<unknown>) => async () => {
        const seen = await underLoad(environment, action);
        if (pauseMs === undefined) {
            assert.equal(seen.failed, 0, inWords(seen));
        } else {
            assert.ok(seen.pauseMs < pauseMs, inWords(seen));
        }
        return inWords(seen);
    };
    const each = deployments.map((name) => [`rolling restart of ${name}`, planned(() => restart(environment, name))]);
    return {
        ...(Object.fromEntries(each) as Steps),
        "`pulumi up` with a changed setting that rolls the pods": planned(() =>
            upWith(environment, { pods: { tolerations: [{ key: "site.example/none", operator: "Exists" }] } }),
        ),
    };
}

/** What nobody plans: it ends, and what failed meanwhile is a figure. */
function faults(environment: Environment): Steps {
    const seen =
        (action: () => Promise<unknown>, ok: (seen: Seen) => boolean = () => true) =>
        async () => {
            const found = await underLoad(environment, action);
            assert.ok(ok(found), inWords(found));
            return inWords(found);
        };
    const short = ({ failed, requests }: Seen) => failed < requests / 10;
    return {
        "a pod is killed": seen(async () => {
            const { namespace } = await outputs(environment);
            const [pod = ""] = (await podsOf(namespace, PROXY)).split(" ");
            await kubectl("delete", "pod", pod, "--namespace", namespace, "--grace-period=0", "--force");
            await rolledOut(namespace, PROXY);
        }, short),
        "a node is drained": seen(
            async () => {
                const drain = ["--ignore-daemonsets", "--delete-emptydir-data", "--timeout=120s"];
                const { namespace } = await outputs(environment);
                const selector = `--pod-selector=app.kubernetes.io/instance=${PROXY}`;
                await kubectl("drain", WORKER, ...drain, selector, "--grace-period=20");
                await rolledOut(namespace, PROXY);
                await kubectl("uncordon", WORKER);
            },
            ({ failed }) => failed === 0,
        ),
        "the API server is restarted": seen(async () => {
            await inNode(CONTROL_PLANE, "crictl ps --quiet --name '^kube-apiserver$' | xargs crictl stop");
            await until("the API server", 120, async () => (await attemptKubectl("get", "--raw=/readyz")).status === 0);
        }),
        "kubelet and containerd are restarted": seen(async () => {
            await inNode(WORKER, "systemctl restart containerd kubelet");
            await kubectl("wait", "--for=condition=Ready", `node/${WORKER}`, "--timeout=120s");
        }, short),
    };
}

async function restart(environment: Environment, name: string): Promise<void> {
    const { namespace } = await outputs(environment);
    await kubectl("rollout", "restart", `deployment/${name}`, "--namespace", namespace);
    await rolledOut(namespace, name);
}

function rolledOut(namespace: string, name: string): Promise<string> {
    return kubectl("rollout", "status", `deployment/${name}`, "--namespace", namespace, "--timeout=300s");
}

function podsOf(namespace: string, name: string): Promise<string> {
    const selector = `--selector=app.kubernetes.io/instance=${name}`;
    return kubectl("get", "pods", "--namespace", namespace, selector, "-o", "jsonpath={.items[*].metadata.name}");
}

function inNode(node: string, command: string): Promise<string> {
    return runEngine(podman(), ["exec", node, "sh", "-c", command]);
}
