import * as pulumi from "@pulumi/pulumi";
import { ApiServer } from "../settings/apiServer";
import { OwnWaySettings, Settings } from "../settings/schema";
import { sitesOf } from "../settings/sites";
import { NAMES } from "./compose";
import { IngressClass, Look, OTHER_NAME } from "./look";
import { rotationFaults } from "./caRotation";
import { certManagerFaults } from "./presentCertManager";
import { metalLBFaults } from "./presentMetalLB";
import { namespaceFaults } from "./presentNamespace";
import { virtualNodeFaults, wayNodesFaults } from "./presentNodes";

/** The oldest minor version of Kubernetes 1 that takes the proxy's preStop sleep, and the newest that was tried. */
export const SUPPORTED = { oldest: 30, newest: 37 } as const;
/** Versions, as their distributions write them, whose API servers verify kubelets. */
const VERIFIES_KUBELETS = /\+k3s|\+rke2|-eks-/;
/** The definition that OpenShift alone has; MicroShift has it too. */
const USER_IDS =
    "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/securitycontextconstraints.security.openshift.io";

/**
 * Looks at what a cluster has before anything is created. What the stack made itself is no fault, nor is what may not be read.
 * @throws pulumi.RunError with one sentence for each fault, and the setting that solves it.
 */
export async function checkCluster(api: ApiServer, settings: Settings, stack: string): Promise<void> {
    const look = new Look(api, stack);
    const faults = await Promise.all([
        versionFaults(look, settings),
        ownNamespaceFaults(look, settings),
        virtualNodeFaults(look, settings),
        warnOfOpenShift(look, settings),
        ...(settings.environment === "external"
            ? []
            : [
                  certManagerFaults(look, settings),
                  ingressClassFaults(look, settings),
                  issuerFaults(look, settings),
                  rotationFaults(look, settings),
                  metalLBFaults(look, settings),
                  wayNodesFaults(look, settings),
                  podMonitorFaults(look, settings),
              ]),
    ]);
    if (look.unseen.length > 0) {
        const paths = [...new Set(look.unseen)].sort().join(", ");
        void pulumi.log.info(`Not everything that the cluster already has could be looked at: ${paths}.`);
    }
    const sentences = faults.flat();
    if (sentences.length > 0) {
        throw new pulumi.RunError(sentences.map((sentence) => `interlink-kube-api:${sentence}`).join("\n"));
    }
}

async function versionFaults(look: Look, settings: Settings): Promise<string[]> {
    const version = await look.version();
    if (version === undefined) {
        return [];
    }
    const supported = `1.${SUPPORTED.oldest} to 1.${SUPPORTED.newest}`;
    if (version.major === 1 && version.minor < SUPPORTED.oldest) {
        return [`kubeconfig: the cluster runs Kubernetes ${version.name}; give one that runs ${supported}.`];
    }
    if (version.major > 1 || version.minor > SUPPORTED.newest) {
        void pulumi.log.warn(`The cluster runs Kubernetes ${version.name}; what was tried is ${supported}.`);
    }
    if (VERIFIES_KUBELETS.test(version.name)) {
        warnOfKubelets(`Kubernetes ${version.name}`, settings);
    }
    return [];
}

/** Says that logs of jobs fail where the virtual kubelet signs its certificate itself and the API server wants another's. */
function warnOfKubelets(apiServer: string, settings: Settings): void {
    for (const { key } of sitesOf(settings).filter((site) => site.kubeletCertificate === "self-signed")) {
        void pulumi.log.warn(
            `${key}.kubeletCertificate: an API server of ${apiServer} verifies kubelets, so that kubectl logs ` +
                `of jobs fails with x509; set it to signed.`,
        );
    }
}

/**
 * Says what fails on OpenShift, whose version says nothing of itself: it verifies kubelets, and refuses pods that name a user which
 * the cluster gives them.
 */
async function warnOfOpenShift(look: Look, settings: Settings): Promise<string[]> {
    if (!(await look.object(USER_IDS))) {
        return [];
    }
    warnOfKubelets("OpenShift", settings);
    if (!settings.pods.assignedUserIds) {
        void pulumi.log.warn(
            "pods.assignedUserIds: the cluster gives pods their user IDs, as OpenShift does, and refuses those that name one " +
                "themselves; set it to true.",
        );
    }
    return [];
}

/** The stack's own namespaces; with `uniqueNames` nobody else has them. */
async function ownNamespaceFaults(look: Look, settings: Settings): Promise<string[]> {
    if (settings.uniqueNames) {
        return [];
    }
    const faults = await Promise.all([
        ...(settings.environment === "external"
            ? []
            : [namespaceFaults(look, "namespace", settings.namespace, OTHER_NAME)]),
        ...sitesOf(settings).map(({ key, namespace }) =>
            namespaceFaults(look, `${key}.namespace`, namespace, OTHER_NAME),
        ),
    ]);
    return faults.flat();
}

/** A class of our name, or one whose controller would serve our class too. */
async function ingressClassFaults(look: Look, settings: OwnWaySettings): Promise<string[]> {
    const { controller, ingressClassName: name, uniqueNames } = settings;
    if (controller === "none" || uniqueNames) {
        return [];
    }
    const classes = (await look.list<IngressClass>("/apis/networking.k8s.io/v1/ingressclasses")) ?? [];
    const value = `k8s.io/${name}`;
    return classes.flatMap((found) => {
        const theirs = found.spec?.controller;
        if (found.metadata.name === name) {
            const stranger = look.stranger(found) ?? (theirs === value ? undefined : `has the controller ${theirs}`);
            return stranger === undefined
                ? []
                : [`ingressClassName: the IngressClass ${name} exists and ${stranger}; ${OTHER_NAME}.`];
        }
        return theirs === value
            ? [
                  `ingressClassName: ${JSON.stringify(name)} is not allowed; give another name, since the controller of the ` +
                      `IngressClass ${found.metadata.name}, ${value}, would serve it too.`,
              ]
            : [];
    });
}

async function issuerFaults(look: Look, { uniqueNames }: OwnWaySettings): Promise<string[]> {
    if (uniqueNames) {
        return [];
    }
    const faults = await Promise.all(
        [NAMES.ca, `${NAMES.ca}-root`].map(async (name) => {
            const issuer = await look.object(`/apis/cert-manager.io/v1/clusterissuers/${name}`);
            const stranger = issuer ? look.stranger(issuer) : undefined;
            return stranger === undefined
                ? []
                : [`uniqueNames: the ClusterIssuer ${name} exists and ${stranger}; set uniqueNames to true.`];
        }),
    );
    return faults.flat();
}

async function podMonitorFaults(look: Look, { metrics }: OwnWaySettings): Promise<string[]> {
    const path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/podmonitors.monitoring.coreos.com";
    return metrics.podMonitor && (await look.object(path)) === null
        ? [
              "metrics.podMonitor: the cluster has no Prometheus operator, which knows PodMonitors; set metrics.podMonitor to " +
                  "false, or install it before.",
          ]
        : [];
}
