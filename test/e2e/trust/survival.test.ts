import assert from "node:assert/strict";
import { podman, runEngine } from "../../../local/cluster/engine";
import { attemptKubectl, kubectl } from "../../../local/cluster/kubectl";
import { until } from "../../../local/machine/shell";
import { Environment } from "../../../local/stacks/environments";
import { outputs } from "../../../local/stacks/pulumi";
import { NAMES } from "../../../stacks/compose";
import { cluster } from "../../trust/cluster";
import { abandonLoads, inWords, Seen, underLoad } from "../../trust/load";
import { certificatesRotate } from "../../trust/rotation";
import { PROXY_ROLLED } from "../../trust/update";
import { Changes, deployWith, inSteps, Steps, upWith } from "../support";

const CONTROL_PLANE = "interlink-control-plane";
const WORKER = "interlink-worker";
/** What a site has behind its load balancer. */
const TWO_PODS = { "proxy.replicas": 2 };
const NONE = { key: "site.example/none", operator: "Exists" };
/** A second after the last answer clients have the next one, unless the way in is still away; in milliseconds. */
const SILENCE_MS = 1000;
/** What nobody plans is over within so many milliseconds, and so is what cannot be without a pause. */
const PAUSE_MS = 10_000;

/** What survives: clients outside ask and watch while each part is replaced, killed or restarted. */
describe("a door", () => {
    after(abandonLoads);

    inSteps("that survives, behind a load balancer", {
        "`make up ENV=metallb`, with a pod on each node": () => onTwoNodes(),
        ...restarts("metallb", [NAMES.proxy], undefined, { ...TWO_PODS, ...PROXY_ROLLED }),
        ...faults("metallb"),
    });

    inSteps("that survives, behind a load balancer and Traefik", {
        "`make up ENV=metallb CONTROLLER=traefik`, with a pod on each node": () => onTwoNodes("CONTROLLER=traefik"),
        ...restarts("metallb", [NAMES.controller, NAMES.proxy], undefined, {
            ...TWO_PODS,
            "pods.tolerations": [NONE],
        }),
    });
    const behindTraefik = ["ENV=metallb", "CONTROLLER=traefik"];
    certificatesRotate("whose certificates are rotated, behind Traefik", "metallb", behindTraefik);

    inSteps("that survives, on a node's ports", {
        "`make up`": () => cluster(),
        ...restarts("dev", [NAMES.proxy], PAUSE_MS, PROXY_ROLLED),
    });
});

/** Behind a load balancer, with two pods of the proxy that stand on different nodes. */
async function onTwoNodes(...variables: string[]): Promise<string> {
    await cluster("ENV=metallb", ...variables);
    // A cluster of two nodes has a place for one of them alone.
    await kubectl("taint", "node", CONTROL_PLANE, "node-role.kubernetes.io/control-plane-");
    await deployWith("metallb", TWO_PODS);
    const { namespace } = await outputs("metallb");
    const pods = await podsOf(namespace, NAMES.proxy);
    const nodes = pods.map(({ node }) => node).sort();
    assert.deepEqual(nodes, [CONTROL_PLANE, WORKER]);
    return nodes.join(", ");
}

/** Planned changes: nothing fails but, on a node's ports, for a pause in milliseconds. */
function restarts(
    environment: Environment,
    deployments: readonly string[],
    pauseMs: number | undefined,
    changes: Changes,
): Steps {
    const planned = (action: () => Promise<unknown>) => async () => {
        const seen = await underLoad(environment, action);
        if (pauseMs === undefined) {
            assert.equal(seen.failed, 0, inWords(seen));
        } else {
            assert.ok(seen.pauseMs < pauseMs, inWords(seen));
        }
        assert.ok(seen.silentMs < SILENCE_MS, inWords(seen));
        return inWords(seen);
    };
    const each = deployments.map((name) => [`rolling restart of ${name}`, planned(() => restart(environment, name))]);
    return {
        ...(Object.fromEntries(each) as Steps),
        "`pulumi up` with a changed setting that rolls the pods": planned(() => upWith(environment, changes)),
    };
}

/** What nobody plans: it is over soon, and what failed meanwhile is a figure. */
function faults(environment: Environment): Steps {
    const soon = ({ pauseMs }: Seen) => pauseMs < PAUSE_MS;
    const seen =
        (action: () => Promise<unknown>, ok: (seen: Seen) => boolean = soon) =>
        async () => {
            const found = await underLoad(environment, action);
            assert.ok(ok(found) && found.silentMs < SILENCE_MS, inWords(found));
            return inWords(found);
        };
    return {
        "nginx of a pod is killed": seen(async () => {
            const { namespace } = await outputs(environment);
            const { name = "" } = (await podsOf(namespace, NAMES.proxy)).find(({ node }) => node === WORKER) ?? {};
            // By a signal that it cannot catch: a pod that is deleted by force still ends in its time.
            const container = `--label io.kubernetes.pod.name=${name} --name '^nginx$'`;
            await inNode(WORKER, `crictl ps --quiet ${container} | xargs crictl stop --timeout 0`);
            const restarts = "jsonpath={.status.containerStatuses[?(@.name=='nginx')].restartCount}";
            const count = () => kubectl("get", "pod", name, "--namespace", namespace, "-o", restarts);
            await until("nginx again", 60, async () => Number(await count()) > 0);
            await rolledOut(namespace, NAMES.proxy);
        }),
        "the API server is restarted": seen(
            async () => {
                await inNode(CONTROL_PLANE, "crictl ps --quiet --name '^kube-apiserver$' | xargs crictl stop");
                const ready = async () => (await attemptKubectl("get", "--raw=/readyz")).status === 0;
                await until("the API server", 120, ready);
            },
            // Nobody serves what it does not; clients go on afterwards.
            () => true,
        ),
        "kubelet and containerd are restarted": seen(async () => {
            const since = Math.floor(Date.now() / 1000) * 1000;
            await inNode(WORKER, "systemctl restart containerd kubelet");
            const path = "jsonpath={.status.conditions[?(@.type=='Ready')].lastHeartbeatTime}";
            const heard = async () => Date.parse(await kubectl("get", "node", WORKER, "-o", path)) > since;
            await until(`a word from ${WORKER}`, 120, heard);
            await kubectl("wait", "--for=condition=Ready", `node/${WORKER}`, "--timeout=120s");
        }),
        // After the others: then all pods are on the other node.
        "a node is drained": seen(
            async () => {
                const drain = ["--ignore-daemonsets", "--delete-emptydir-data", "--timeout=120s"];
                const { namespace } = await outputs(environment);
                const selector = `--pod-selector=app.kubernetes.io/instance=${NAMES.proxy}`;
                try {
                    await kubectl("drain", WORKER, ...drain, selector, "--grace-period=20");
                    await rolledOut(namespace, NAMES.proxy);
                } finally {
                    await kubectl("uncordon", WORKER);
                }
            },
            ({ failed }) => failed === 0,
        ),
        // Last: the cluster has then what the stack's state does not know.
        "without its drain requests fail at a rolling restart": async () => {
            const { namespace } = await outputs(environment);
            const template = "/spec/template/spec";
            const patch = [
                { op: "remove", path: `${template}/containers/0/lifecycle` },
                { op: "replace", path: `${template}/terminationGracePeriodSeconds`, value: 0 },
            ];
            const where = ["deployment", NAMES.proxy, "--namespace", namespace];
            await kubectl("patch", ...where, "--type=json", `--patch=${JSON.stringify(patch)}`);
            await rolledOut(namespace, NAMES.proxy);
            const found = await underLoad(environment, () => restart(environment, NAMES.proxy));
            assert.notEqual(found.failed, 0, inWords(found));
            return inWords(found);
        },
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

/** The pods of a part that are not on their way out, with their nodes. */
async function podsOf(namespace: string, part: string): Promise<{ readonly name: string; readonly node: string }[]> {
    const selector = `--selector=app.kubernetes.io/instance=${part}`;
    const { items } = JSON.parse(await kubectl("get", "pods", "--namespace", namespace, selector, "-o", "json")) as {
        readonly items: readonly {
            readonly metadata: { readonly name: string; readonly deletionTimestamp?: string };
            readonly spec: { readonly nodeName: string };
        }[];
    };
    return items
        .filter(({ metadata }) => metadata.deletionTimestamp === undefined)
        .map(({ metadata: { name }, spec: { nodeName } }) => ({ name, node: nodeName }));
}

function inNode(node: string, command: string): Promise<string> {
    return runEngine(podman(), ["exec", node, "sh", "-c", command]);
}
