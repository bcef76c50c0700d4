import { CA_CERTIFICATES } from "../components/parts/annotations";
import { generationSuffix } from "../components/selfSignedCA";
import { OwnWaySettings } from "../settings/schema";
import { sitesOf } from "../settings/sites";
import { NAMES } from "./compose";
import { ClusterObject, Look } from "./look";

/** After this a virtual kubelet that was replaced has ended, in milliseconds: Kubernetes' grace of 30 s, twice. */
const REPLACED_MS = 60_000;

/** A cert-manager Certificate. */
interface Certificate extends ClusterObject {
    readonly spec?: { readonly issuerRef?: { readonly name?: string } };
}

/** An object with its age. */
interface Aged extends ClusterObject {
    readonly metadata: ClusterObject["metadata"] & { readonly creationTimestamp?: string };
}

/** A pod, as far as its age and its end go. */
interface Pod extends Aged {
    readonly status?: {
        readonly phase?: string;
        readonly conditions?: readonly { readonly type: string; readonly lastTransitionTime?: string }[];
    };
}

/**
 * What a step of the CA's rotation would break: a step left out, or jobs that trust the old CA alone. Which CA signs is read
 * from the certificate of the site's address, which names one of this stack's issuers.
 */
export async function rotationFaults(look: Look, settings: OwnWaySettings): Promise<string[]> {
    const { generation, rotation, force } = settings.ca;
    const [all, certificates] = await Promise.all([
        look.list<Aged>("/apis/cert-manager.io/v1/clusterissuers"),
        look.list<Certificate>("/apis/cert-manager.io/v1/certificates"),
    ]);
    const issuers = (all ?? []).filter(
        (issuer) => look.stranger(issuer) === undefined && issuer.metadata.name.startsWith(NAMES.ca),
    );
    const signing = (certificates ?? [])
        .filter(({ metadata }) => metadata.name === NAMES.ingress)
        .map(({ spec }) => spec?.issuerRef?.name)
        .find((name) => issuers.some(({ metadata }) => metadata.name === name));
    if (signing === undefined) {
        return [];
    }
    const first = signing.replace(/-g\d+$/, "");
    const signs = Number(/-g(\d+)$/.exec(signing)?.[1] ?? 1);
    const wanted = rotation === "prepare" ? generation - 1 : generation;
    const issuer = issuers.find(({ metadata }) => metadata.name === first + generationSuffix(wanted));
    if (signs === wanted || (rotation === "prepare" && issuer !== undefined)) {
        return [];
    }
    if (rotation !== "complete" || issuer === undefined) {
        const step = issuer === undefined ? [signs + 1, "prepare"] : [Math.max(signs, wanted), "complete"];
        return [
            `ca.generation: generation ${signs} of the CA signs, and running jobs may trust it alone; set ca.generation to ` +
                `${step[0]} and ca.rotation to ${step[1]} first.`,
        ];
    }
    // A suffix by uniqueNames, which the settings do not know.
    const suffix = first.slice(NAMES.ca.length);
    return force ? [] : runningJobFaults(look, settings, suffix, Date.parse(issuer.metadata.creationTimestamp ?? ""));
}

/** Pods that were handed to the far side before the virtual kubelet handed out both CAs. */
async function runningJobFaults(
    look: Look,
    settings: OwnWaySettings,
    suffix: string,
    since: number,
): Promise<string[]> {
    const old = await Promise.all(
        sitesOf(settings).map(async (site) => {
            const node = site.nodeName + suffix;
            const [kubelets, pods] = await Promise.all([
                look.list<Pod>(`/api/v1/namespaces/${site.namespace}${suffix}/pods`),
                look.list<Pod>(`/api/v1/pods?fieldSelector=spec.nodeName%3D${node}`),
            ]);
            const handed = (kubelets ?? [])
                .filter(({ metadata }) => metadata.name.startsWith(`${node}-node-`))
                .map((kubelet) => handsOutBothSince(kubelet, since));
            // Never, where there is none: every pod may be an old one.
            const from = handed.length === 0 ? Infinity : Math.max(...handed);
            return (pods ?? []).filter(
                ({ status, metadata }) =>
                    !["Succeeded", "Failed"].includes(status?.phase ?? "") &&
                    // Creation, not start: a job may have waited on the far side with what it was given before.
                    !(Date.parse(metadata.creationTimestamp ?? "") > from),
            );
        }),
    );
    const pods = old.flat().sort((left, right) => createdAt(left).localeCompare(createdAt(right)));
    const [oldest] = pods;
    return oldest === undefined
        ? []
        : [
              `ca.rotation: pods on virtual nodes that may trust the old CA alone: ${pods.length}, the oldest ` +
                  `${oldest.metadata.namespace}/${oldest.metadata.name} of ${createdAt(oldest)}; wait until they have ended, ` +
                  "or set ca.force to true, and they lose the Kubernetes API.",
          ];
}

/** From when on a virtual kubelet alone handed out both CAs, in milliseconds; Infinity where it does not. */
function handsOutBothSince({ metadata, status }: Pod, since: number): number {
    const ready = status?.conditions?.find(({ type }) => type === "Ready")?.lastTransitionTime ?? "";
    const both =
        metadata.annotations?.[CA_CERTIFICATES] === "2" && Date.parse(metadata.creationTimestamp ?? "") >= since;
    return both ? Date.parse(ready) + REPLACED_MS : Infinity;
}

function createdAt({ metadata }: Pod): string {
    return metadata.creationTimestamp ?? "";
}
