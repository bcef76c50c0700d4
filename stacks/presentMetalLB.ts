import * as pulumi from "@pulumi/pulumi";
import { addressRange, canonicalAddress, overlap } from "../components/parts/arguments";
import { MetalLBSettings, OwnWaySettings } from "../settings/schema";
import { NAMES } from "./compose";
import { ClusterObject, Look } from "./look";
import { namespaceFaults } from "./presentNamespace";

/** A pool of MetalLB's. */
interface Pool extends ClusterObject {
    readonly spec?: {
        readonly addresses?: readonly string[] | null;
        readonly avoidBuggyIPs?: boolean;
        readonly serviceAllocation?: {
            readonly namespaces?: readonly string[] | null;
            readonly namespaceSelectors?: readonly object[] | null;
        } | null;
    };
}

/** What has MetalLB announce the addresses of pools: by layer 2, or by BGP. */
interface Advertisement extends ClusterObject {
    readonly spec?: {
        readonly ipAddressPools?: readonly string[] | null;
        readonly ipAddressPoolSelectors?: readonly object[] | null;
    };
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
async function poolFaults(look: Look, settings: MetalLBSettings): Promise<string[]> {
    const { address, metallb } = settings;
    const path = `/apis/metallb.io/v1beta1/namespaces/${metallb.namespace}/ipaddresspools`;
    const all = await look.list<Pool>(path);
    if (all === undefined) {
        return [];
    }
    const { addresses } = metallb;
    if (addresses !== undefined) {
        return secondPoolFaults(
            all.filter((pool) => look.stranger(pool) !== undefined),
            address,
            addresses,
        );
    }
    // A pool without a mark that Pulumi made may be another program's, which holds the address.
    const pools = all.filter((pool) => !look.isMarked(pool));
    const holder = pools.find((pool) => holds(pool, address));
    if (holder === undefined) {
        const theirs = pools.length === 0 ? "" : `an address of ${pools.flatMap(rangesOf).join(", ")}, or `;
        return [
            `address: no pool of the cluster's MetalLB holds ${address}; give ${theirs}metallb.addresses, of which a pool is made.`,
        ];
    }
    await warnOfSilence(look, settings, holder);
    return refusalFaults(holder, settings);
}

/** The ranges of a pool; MetalLB takes "10.1.2.3 - 10.1.2.9" too. */
function rangesOf({ spec }: Pool): string[] {
    return (spec?.addresses ?? []).map((range) => range.replace(/\s/g, ""));
}

function holds(pool: Pool, address: string): boolean {
    return rangesOf(pool).some((range) => addressRange(range)?.(address));
}

/** Why MetalLB would not make a pool of these addresses beside those that it has. */
function secondPoolFaults(pools: readonly Pool[], address: string, addresses: readonly string[]): string[] {
    const holder = pools.find((pool) => holds(pool, address));
    if (holder !== undefined) {
        return [
            `metallb.addresses: the pool ${holder.metadata.name} of the cluster's MetalLB holds ${address}, and an address is ` +
                "in one pool alone; leave metallb.addresses out.",
        ];
    }
    return pools.flatMap((pool) => {
        const both = rangesOf(pool).filter((range) => addresses.some((ours) => overlap(range, ours)));
        return both.length === 0
            ? []
            : [
                  `metallb.addresses: the pool ${pool.metadata.name} of the cluster's MetalLB holds addresses of them, ` +
                      `${both.join(", ")}, and an address is in one pool alone; give others, ${address} among them.`,
              ];
    });
}

/** Why a pool that holds the address does not give it to our Service. */
function refusalFaults({ metadata, spec }: Pool, { address, namespace, uniqueNames }: MetalLBSettings): string[] {
    const pool = `the pool ${metadata.name} of the cluster's MetalLB`;
    if (spec?.avoidBuggyIPs === true && /\.(0|255)$/.test(address)) {
        return [`address: ${pool} has avoidBuggyIPs, and gives none that ends in .0 or .255; give another address.`];
    }
    const { serviceAllocation } = spec ?? {};
    const namespaces = serviceAllocation?.namespaces ?? [];
    // By labels, perhaps.
    const open = namespaces.length === 0 || Boolean(serviceAllocation?.namespaceSelectors?.length);
    const remedy = uniqueNames ? "" : `add ${namespace} to its serviceAllocation, or `;
    return open || (!uniqueNames && namespaces.includes(namespace))
        ? []
        : [
              `address: ${pool}, which holds ${address}, serves the namespaces ${namespaces.join(", ")} alone; ${remedy}give ` +
                  "another address.",
          ];
}

/** Says that MetalLB gives the address, and tells nobody where it is. */
async function warnOfSilence(look: Look, { address, metallb }: MetalLBSettings, { metadata }: Pool): Promise<void> {
    const lists = await Promise.all(
        ["l2advertisements", "bgpadvertisements"].map((kind) =>
            look.list<Advertisement>(`/apis/metallb.io/v1beta1/namespaces/${metallb.namespace}/${kind}`),
        ),
    );
    const announces = ({ spec }: Advertisement) =>
        // By labels, perhaps.
        Boolean(spec?.ipAddressPoolSelectors?.length) ||
        !spec?.ipAddressPools?.length ||
        spec.ipAddressPools.includes(metadata.name);
    if (!lists.includes(undefined) && !lists.some((list) => list?.some(announces))) {
        void pulumi.log.warn(
            `address: no L2Advertisement and no BGPAdvertisement is for the pool ${metadata.name} of the cluster's MetalLB: unless ` +
                `something else announces ${address}, nobody finds it; make one for the pool.`,
        );
    }
}
