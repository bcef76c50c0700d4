import * as pulumi from "@pulumi/pulumi";
import { addressRange, canonicalAddress } from "../components/parts/arguments";
import { MetalLBSettings, OwnWaySettings } from "../settings/schema";
import { NAMES } from "./compose";
import { ClusterObject, Look } from "./look";
import { namespaceFaults } from "./presentNamespace";

/** A pool of MetalLB's. */
interface Pool extends ClusterObject {
    readonly spec?: { readonly addresses?: readonly string[] | null };
}

/** A Service, as far as its address outside goes. */
interface Service extends ClusterObject {
    readonly status?: { readonly loadBalancer?: { readonly ingress?: readonly { readonly ip?: string }[] | null } };
}

/** What does not fit between the settings and the MetalLB that a cluster has, or lacks, and who has the address already. */
export async function metalLBFaults(look: Look, settings: OwnWaySettings): Promise<string[]> {
    if (settings.environment !== "metallb") {
        return [];
    }
    const { install, namespace } = settings.metallb;
    const [definition, namespaceObject, taken] = await Promise.all([
        look.object("/apis/apiextensions.k8s.io/v1/customresourcedefinitions/ipaddresspools.metallb.io"),
        look.object(`/api/v1/namespaces/${namespace}`),
        addressFaults(look, settings),
        warnOfServiceLB(look, settings),
        warnOfIPVS(look),
    ]);
    if (!install) {
        if (definition === null) {
            return ["metallb.install: the cluster has no MetalLB; set metallb.install to true, or install it before."];
        }
        return namespaceObject === null
            ? [`metallb.namespace: there is no namespace ${namespace}; give the one of the cluster's MetalLB.`]
            : [...taken, ...(await poolFaults(look, settings))];
    }
    const stranger = [definition, namespaceObject].some((object) => object && look.stranger(object) !== undefined);
    return definition && stranger
        ? ["metallb.install: the cluster has MetalLB already; set metallb.install to false."]
        : [...taken, ...(await namespaceFaults(look, "metallb.namespace", namespace))];
}

/** Says that every node answers for MetalLB's addresses where kube-proxy, as kubeadm and kubespray set it up, binds them. */
async function warnOfIPVS(look: Look): Promise<void> {
    const path = "/api/v1/namespaces/kube-system/configmaps?fieldSelector=metadata.name%3Dkube-proxy";
    const [proxy] = (await look.list<ClusterObject & { readonly data?: Record<string, string> }>(path)) ?? [];
    const text = proxy?.data?.["config.conf"] ?? "";
    if (/^mode: *"?ipvs"?\s*$/m.test(text) && !/^\s+strictARP: *true\s*$/m.test(text)) {
        void pulumi.log.warn(
            "kube-proxy runs in IPVS mode without strictARP: every node answers for MetalLB's addresses, and streams break; set " +
                "ipvs.strictARP to true in the ConfigMap kube-system/kube-proxy, and restart kube-proxy.",
        );
    }
}

/** Says that k3s gives the Service an address too, where nothing tells it from those that k3s serves. */
async function warnOfServiceLB(look: Look, { loadBalancer, metallb }: MetalLBSettings): Promise<void> {
    const path =
        "/apis/apps/v1/namespaces/kube-system/daemonsets?limit=1&labelSelector=svccontroller.k3s.cattle.io%2Fsvcname";
    if (!metallb.install && loadBalancer.class === undefined && ((await look.list(path)) ?? []).length > 0) {
        void pulumi.log.warn(
            "loadBalancer.class: k3s's ServiceLB gives Services without a class the nodes' addresses, whatever MetalLB does; set " +
                "it to the class of the cluster's MetalLB, or start k3s with --disable=servicelb.",
        );
    }
}

/** A Service of somebody else's that has the address, for which ours would wait. */
async function addressFaults(look: Look, { address, namespace, uniqueNames }: MetalLBSettings): Promise<string[]> {
    const services = (await look.list<Service>("/api/v1/services?fieldSelector=spec.type%3DLoadBalancer")) ?? [];
    const isOurs = ({ metadata }: Service) =>
        metadata.name === NAMES.loadBalancer &&
        (uniqueNames ? metadata.namespace?.startsWith(`${namespace}-`) : metadata.namespace === namespace);
    const other = services.find(
        (service) =>
            !isOurs(service) &&
            (service.status?.loadBalancer?.ingress ?? []).some(({ ip = "" }) => canonicalAddress(ip) === address),
    );
    return other === undefined
        ? []
        : [
              `address: the Service ${other.metadata.namespace}/${other.metadata.name} has ${address} already; give another ` +
                  "address.",
          ];
}

/** What keeps the address from coming out of a pool of the cluster's own MetalLB, or a second pool from holding it. */
async function poolFaults(look: Look, { address, metallb }: MetalLBSettings): Promise<string[]> {
    const path = `/apis/metallb.io/v1beta1/namespaces/${metallb.namespace}/ipaddresspools`;
    const all = await look.list<Pool>(path);
    if (all === undefined) {
        return [];
    }
    // A pool without a mark that Pulumi made may be another program's, which holds the address, or ours, which is no second one.
    const pools = all.filter((pool) =>
        metallb.addresses === undefined ? !look.isMarked(pool) : look.stranger(pool) !== undefined,
    );
    // MetalLB takes "10.1.2.3 - 10.1.2.9" too.
    const ranges = ({ spec }: Pool) => (spec?.addresses ?? []).map((range) => range.replace(/\s/g, ""));
    const holder = pools.find((pool) => ranges(pool).some((range) => addressRange(range)?.(address)));
    if (metallb.addresses === undefined && holder === undefined) {
        const theirs = pools.length === 0 ? "" : `an address of ${pools.flatMap(ranges).join(", ")}, or `;
        return [
            `address: no pool of the cluster's MetalLB holds ${address}; give ${theirs}metallb.addresses, of which a pool is made.`,
        ];
    }
    return metallb.addresses === undefined || holder === undefined
        ? []
        : [
              `metallb.addresses: the pool ${holder.metadata.name} of the cluster's MetalLB holds ${address}, and an address is ` +
                  "in one pool alone; leave metallb.addresses out.",
          ];
}
