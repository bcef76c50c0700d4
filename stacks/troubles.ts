import * as pulumi from "@pulumi/pulumi";
import { ApiServer } from "../settings/apiServer";
import { Settings } from "../settings/schema";
import { sitesOf } from "../settings/sites";
import { ClusterObject, Deployment, Look } from "./look";

/** Between two looks while an update runs, in milliseconds. */
const PAUSE_MS = 15_000;
/** How long something is wrong before it is said, in milliseconds: pods start, and Secrets come late. */
const PATIENCE_MS = 30_000;
/** For how long a warning of Kubernetes that is not repeated still counts, in milliseconds. */
const RECENT_MS = 120_000;
const PRESSURES = ["DiskPressure", "MemoryPressure", "PIDPressure"];
/** The condition in which InterLink's virtual kubelet says what came of its last ping, after the first one. */
const PING = "InterlinkConnectivity";
const DNS = "/apis/apps/v1/namespaces/kube-system/deployments?labelSelector=k8s-app%3Dkube-dns";

/** A condition of an object. */
interface Condition {
    readonly type: string;
    readonly status: string;
    readonly reason?: string;
    readonly message?: string;
    readonly lastTransitionTime?: string;
}

/** An object that has conditions. */
interface Conditioned extends ClusterObject {
    readonly status?: { readonly conditions?: readonly Condition[] };
}

/** An Event. */
interface ClusterEvent extends ClusterObject {
    readonly involvedObject: { readonly kind?: string; readonly name?: string };
    readonly reason?: string;
    readonly message?: string;
    readonly firstTimestamp?: string | null;
    readonly lastTimestamp?: string | null;
}

/**
 * Says as warnings what keeps the stack's parts, and those that it stands on, from running: what is wrong already, and while an update
 * runs what it waits for, each once. Nothing is refused, since the update may be what mends it. Ends with the program.
 * @returns a promise that resolves when what is wrong already was said
 */
export async function sayTroubles(api: ApiServer, settings: Settings, stack: string): Promise<void> {
    const said = new Set<string>();
    const say = async () => {
        for (const sentence of await troubles(new Look(api, stack), settings)) {
            if (!said.has(sentence)) {
                said.add(sentence);
                await pulumi.log.warn(sentence);
            }
        }
    };
    await say();
    if (!pulumi.runtime.isDryRun()) {
        // Pulumi may be gone when the last look ends.
        setInterval(() => void say().catch(() => undefined), PAUSE_MS).unref();
    }
}

/** What is wrong now, a sentence each; nothing where it may not be seen. */
export async function troubles(look: Look, settings: Settings, now = Date.now()): Promise<readonly string[]> {
    const namespaces = await ownNamespaces(look, settings);
    const sentences = await Promise.all([
        nodeTroubles(look, settings, now),
        deploymentTroubles(look, DNS, now),
        ...namespaces.flatMap((namespace) => [
            deploymentTroubles(look, `/apis/apps/v1/namespaces/${namespace}/deployments`, now),
            eventTroubles(look, namespace, now),
        ]),
    ]);
    return sentences.flat();
}

/** The stack's namespaces that are there, and that of the cert-manager which it uses. */
async function ownNamespaces(look: Look, settings: Settings): Promise<readonly string[]> {
    const all = (await look.list("/api/v1/namespaces")) ?? [];
    const own = all.filter((namespace) => look.isMarked(namespace)).map(({ metadata }) => metadata.name);
    return [...new Set([...own, ...(settings.environment === "external" ? [] : [settings.certManager.namespace])])];
}

/** Nodes that are short of something, and virtual nodes that are not Ready. */
async function nodeTroubles(look: Look, settings: Settings, now: number): Promise<string[]> {
    const nodes = (await look.list<Conditioned>("/api/v1/nodes?limit=500")) ?? [];
    const virtual = settings.uniqueNames ? [] : sitesOf(settings).map(({ nodeName }) => nodeName);
    return nodes.flatMap(({ metadata: { name }, status }) => {
        const conditions = status?.conditions ?? [];
        const short = conditions
            .filter(({ type, status: holds }) => PRESSURES.includes(type) && holds === "True")
            .map(({ type, message }) => `The node ${name} has ${type}: ${message ?? "it takes no pods"}.`);
        const off = virtual.includes(name) ? whyOff(conditions, now) : undefined;
        const sentence =
            `The virtual node ${name} is not Ready, and takes no pods: ${off}; ` +
            "see that InterLink's API server and its plugin answer.";
        return off === undefined ? short : [...short, sentence];
    });
}

/** Why a virtual node takes no pods; undefined where it does, or has only begun. */
function whyOff(conditions: readonly Condition[], now: number): string | undefined {
    const ping = conditions.find(({ type }) => type === PING);
    const ready = conditions.find(({ type }) => type === "Ready");
    // With each ping, every half a minute, it writes all conditions as if they were new: their times tell nothing.
    const off = ping?.status === "False" ? ping : ready !== undefined && isOff(ready, now) ? ready : undefined;
    return off && (off.message ?? off.reason ?? "nobody says why");
}

/** Deployments without a pod that works. */
async function deploymentTroubles(look: Look, path: string, now: number): Promise<string[]> {
    const deployments = (await look.list<Deployment & Conditioned>(path)) ?? [];
    return deployments.flatMap(({ metadata: { name, namespace }, spec, status }) => {
        const called = `The Deployment ${name} in namespace ${namespace}`;
        if (spec?.replicas === 0) {
            return [`${called} is scaled to 0: what needs it waits.`];
        }
        const conditions = status?.conditions ?? [];
        const available = conditions.find(({ type }) => type === "Available");
        if (available === undefined || !isOff(available, now)) {
            return [];
        }
        const failure = conditions.find(
            (condition) => condition.type === "ReplicaFailure" && condition.status === "True",
        );
        return [`${called} is not available: ${(failure ?? available).message}`];
    });
}

/** What Kubernetes warns of again and again, by object and reason. */
async function eventTroubles(look: Look, namespace: string, now: number): Promise<string[]> {
    const path = `/api/v1/namespaces/${namespace}/events?fieldSelector=type%3DWarning`;
    const events = (await look.list<ClusterEvent>(path)) ?? [];
    const groups = Map.groupBy(events, ({ involvedObject: { kind, name }, reason }) => `${kind} ${name}: ${reason}`);
    return [...groups].flatMap(([what, group]) => {
        const times = group.flatMap(({ firstTimestamp, lastTimestamp }) =>
            [firstTimestamp, lastTimestamp].flatMap((time) => (time ? [Date.parse(time)] : [])),
        );
        const [first, last] = [Math.min(...times), Math.max(...times)];
        const goesOn = times.length > 0 && last - first >= PATIENCE_MS && now - last <= RECENT_MS;
        // Each pod of a set has a name of its own in the message; one of them says it.
        return goesOn ? [`In namespace ${namespace}, ${what}: ${group.at(0)?.message?.trim()}`] : [];
    });
}

/** Whether a condition has not held for long enough to be said. */
function isOff({ status, lastTransitionTime }: Condition, now: number): boolean {
    return status !== "True" && now - Date.parse(lastTransitionTime ?? "") >= PATIENCE_MS;
}
