import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { applyManifest, attemptKubectl, kubectl } from "../../../local/cluster/kubectl";
import { until } from "../../../local/machine/shell";
import { mainStack, outputs, pulumiUp } from "../../../local/stacks/pulumi";
import { cluster } from "../../trust/cluster";
import { abandonLoads, inWords, Seen, underLoad } from "../../trust/load";
import { assertNothingOrphaned, PulumiRun, randomFrom } from "../../trust/update";
import { Changes, hpcCurl, inSteps, writeChanged } from "../support";

const ENVIRONMENT = "metallb";
const SEED = 1;
/** How often updates are killed, and how often a removal is. */
const TIMES = { up: Number(process.env.KILLS ?? 20), destroy: 5 };
/** Five requests a second, no watches: whether what ran before still serves. */
const CLIENTS = { perSecond: 5, watches: 0 };
/**
 * Settings by turns: one with an even number changes every component, the one after it the proxy and its certificate. What Helm's
 * release got of an update that was killed, Pulumi's provider takes for given: it is replaced by another value, and not taken away by none.
 */
const TURNS: readonly Changes[] = [0, 1, 2, 3].map((turn) => {
    const every = Math.floor(turn / 2);
    return {
        "certificate.duration": `${2000 + turn}h`,
        "interlink.resources.cpus": 3 + every,
        "limits.burst": 1000 + turn,
        "pods.tolerations": [{ key: `site.example/${every}`, operator: "Exists" }],
    };
});
/** Where an update is refused in its middle, by turns: what each component changes. */
const COMPONENTS = {
    SelfSignedCA: { group: "apps", resource: "deployments", namespace: "cert-manager" },
    NginxApiProxy: { group: "apps", resource: "deployments", namespace: undefined },
    MetalLB: { group: "apps", resource: "deployments", namespace: "metallb-system" },
    ApiIngress: { group: "cert-manager.io", resource: "certificates", namespace: undefined },
    InterlinkRelease: { group: "apps", resource: "deployments", namespace: "interlink" },
} as const;
const REFUSAL = "site.example refuses this for now";

/** What is left of work that was interrupted. */
describe("a door", () => {
    after(abandonLoads);
    const random = randomFrom(SEED);
    let turn = 0;
    const change = () => writeChanged(ENVIRONMENT, TURNS[turn++ % TURNS.length] ?? {});

    inSteps("whose updates are interrupted", {
        "`make up ENV=metallb`": () => cluster(`ENV=${ENVIRONMENT}`),
        [`\`pulumi up\` killed at ${TIMES.up} moments`]: async () => {
            // Of either kind.
            const seconds = [await duration(change), await duration(change)];
            const seen = await underLoad(
                ENVIRONMENT,
                async () => {
                    for (let time = 0; time < TIMES.up; time++) {
                        // Every second one is killed while it goes on with what the one before has left.
                        const second = time % 2 === 1;
                        if (!second) {
                            await change();
                        }
                        await killed("up", random() * (seconds[(turn - 1) % 2] ?? 0));
                        if (second || time + 1 === TIMES.up) {
                            await pulumiUp(mainStack(ENVIRONMENT));
                            await assertRight();
                        }
                    }
                },
                CLIENTS,
            );
            return `the one after every second was right, ${served(seen)}`;
        },
        ...Object.fromEntries(
            Object.entries(COMPONENTS).map(([component, { namespace, ...kind }]) => [
                `an update that fails in ${component}`,
                async () => {
                    const place = namespace ?? (await outputs(ENVIRONMENT)).namespace;
                    await refuse(place, kind);
                    const seen = await underLoad(
                        ENVIRONMENT,
                        async () => {
                            // Else nothing may be left to change.
                            await change();
                            await assert.rejects(pulumiUp(mainStack(ENVIRONMENT)), ({ message }: Error) => {
                                assert.match(message, new RegExp(REFUSAL));
                                return true;
                            });
                            await kubectl(
                                "delete",
                                "validatingadmissionpolicybinding,validatingadmissionpolicy",
                                "refuse",
                            );
                            await pulumiUp(mainStack(ENVIRONMENT));
                            await assertRight();
                        },
                        CLIENTS,
                    );
                    return `recovered, ${served(seen)}`;
                },
            ]),
        ),
        [`\`pulumi destroy\` killed at ${TIMES.destroy} moments`]: async () => {
            for (let time = 0; time < TIMES.destroy; time++) {
                await killed("destroy", 3 + random() * 20);
                await pulumiUp(mainStack(ENVIRONMENT));
                await assertRight();
            }
            return `${TIMES.destroy} of ${TIMES.destroy} recovered`;
        },
    });
});

/** What ran before has served all the time. */
function served(seen: Seen): string {
    assert.equal(seen.failed, 0, inWords(seen));
    return inWords(seen);
}

/** How long an update that changes something takes, in seconds. */
async function duration(change: () => Promise<void>): Promise<number> {
    await change();
    const began = Date.now();
    await pulumiUp(mainStack(ENVIRONMENT));
    return (Date.now() - began) / 1000;
}

/** Begins something and kills it after some seconds. */
async function killed(command: "up" | "destroy", seconds: number): Promise<void> {
    const work = new PulumiRun(ENVIRONMENT, command);
    await sleep(seconds * 1000);
    work.kill();
    await work.end();
}

/** The API is served, and the cluster has what the state has. */
async function assertRight(): Promise<void> {
    const { apiServerUrl } = await outputs(ENVIRONMENT);
    const { status, stderr } = await hpcCurl(ENVIRONMENT, "--fail", `${apiServerUrl}/version`);
    assert.equal(status, 0, stderr);
    assert.ok((await assertNothingOrphaned(ENVIRONMENT)) > 20);
}

/** Lets the API server refuse changes of a kind in a namespace, from when this returns. */
async function refuse(
    namespace: string,
    { group, resource }: { readonly group: string; readonly resource: string },
): Promise<void> {
    await applyManifest(`apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: { name: refuse }
spec:
    matchConstraints:
        namespaceSelector: { matchLabels: { kubernetes.io/metadata.name: ${namespace} } }
        resourceRules:
            - { apiGroups: [${group}], apiVersions: ["*"], operations: [CREATE, UPDATE], resources: [${resource}] }
    validations: [{ expression: "false", message: ${REFUSAL} }]
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata: { name: refuse }
spec: { policyName: refuse, validationActions: [Deny] }
`);
    const tried = ["annotate", `${resource}.${group}`, "--all", "tried=yes", "--dry-run=server"];
    await until("the refusal", 60, async () =>
        (await attemptKubectl(...tried, "--namespace", namespace)).stderr.includes(REFUSAL),
    );
}
