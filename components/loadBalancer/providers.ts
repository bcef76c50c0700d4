import { SILENCE_SECONDS } from "../parts/limits";
import { PORT_NAMES, Ports } from "../parts/ports";

/** Providers whose load balancers are known; any other one is told what to do by the setting loadBalancer.annotations. */
export const PROVIDERS = ["aws", "gcp", "azure", "openstack", "other"] as const;

/** A provider of load balancers. */
export type Provider = (typeof PROVIDERS)[number];

type Annotations = Readonly<Record<string, string>>;

/** What is known of a provider's load balancers, and what a Service tells them by annotations. */
export interface ProviderEntry {
    /** The provider's name for it. */
    readonly product: string;
    /** Annotations that every Service gets. */
    readonly always: (ports: Ports) => Annotations;
    /** Those that make it internal. */
    readonly internal: Annotations;
    /** Those that make it public, where it would be internal without. */
    readonly public: Annotations;
    /** Those without which it does not keep to source ranges. */
    readonly restricted: Annotations;
    /** From where an internal one is reached. */
    readonly reach: string;
    /** When it forgets a silent connection, and what is done about it here. */
    readonly silence: string;
    /** What it sends connections to, and whether they keep the client's address. */
    readonly targets: string;
    /** Whether it keeps to the Service's source ranges. */
    readonly sourceRanges: string;
    /** Ports that it can have. */
    readonly ports: string;
    /** Where all this is written. */
    readonly sources: readonly string[];
}

const AWS = "service.beta.kubernetes.io/aws-load-balancer";
const AZURE = "service.beta.kubernetes.io/azure";
/** How long a connection may be silent, in milliseconds. */
const IDLE_MS = String(SILENCE_SECONDS * 1000);

/** The providers, one by one. */
export const PROVIDER_TABLE: Readonly<Record<Provider, ProviderEntry>> = {
    aws: {
        product: "Network Load Balancer",
        always: (ports) => ({
            // It passes TCP through; the classic one would cut a watch after a minute of silence.
            [`${AWS}-type`]: "nlb",
            ...Object.fromEntries(
                PORT_NAMES.map((name) => [
                    `${AWS}-listener-attributes.TCP-${ports[name]}`,
                    "tcp.idle_timeout.seconds=6000",
                ]),
            ),
        }),
        internal: {
            [`${AWS}-scheme`]: "internal",
            // For clusters without the AWS Load Balancer Controller.
            [`${AWS}-internal`]: "true",
        },
        // The AWS Load Balancer Controller makes internal ones by default.
        public: { [`${AWS}-scheme`]: "internet-facing" },
        restricted: {},
        reach: "VPC peering, VPN and Direct Connect",
        silence:
            "350 s; 6000 s, the most there is, where the AWS Load Balancer Controller makes it, which alone knows the annotation",
        targets: "node ports, with the client's address; pods where an annotation says ip, without it",
        sourceRanges: "yes, but not with targets of type ip",
        ports: "1 to 65535",
        sources: [
            "https://docs.aws.amazon.com/elasticloadbalancing/latest/network/network-load-balancers.html",
            "https://docs.aws.amazon.com/elasticloadbalancing/latest/network/update-idle-timeout.html",
            "https://kubernetes-sigs.github.io/aws-load-balancer-controller/latest/guide/service/annotations/",
            "https://cloud-provider-aws.sigs.k8s.io/service_controller/",
        ],
    },
    gcp: {
        product: "passthrough Network Load Balancer",
        always: () => ({}),
        internal: {
            "networking.gke.io/load-balancer-type": "Internal",
            // Without it, a VPN gateway in another region does not lead here.
            "networking.gke.io/internal-load-balancer-allow-global-access": "true",
        },
        public: {},
        restricted: {},
        reach: "the VPC, its peers, VPN and Interconnect, from every region by global access, which is asked for here",
        silence: "10 min where it is internal, else 1 min; neither can be changed",
        targets: "nodes, with the client's address",
        sourceRanges: "yes, by firewall rules",
        ports: "1 to 65535, five at most where it is internal",
        sources: [
            "https://cloud.google.com/kubernetes-engine/docs/concepts/service-load-balancer-parameters",
            "https://cloud.google.com/compute/docs/reference/rest/v1/backendServices",
            "https://cloud.google.com/load-balancing/docs/internal/int-netlb-traffic-distribution",
            "https://cloud.google.com/load-balancing/docs/forwarding-rule-concepts",
        ],
    },
    azure: {
        product: "Load Balancer",
        // Minutes: the most that every version of the cloud provider takes.
        always: () => ({ [`${AZURE}-load-balancer-tcp-idle-timeout`]: "30" }),
        internal: { [`${AZURE}-load-balancer-internal`]: "true" },
        public: {},
        // The network's default rule admits all of the virtual network, its peers and its VPNs.
        restricted: { [`${AZURE}-deny-all-except-load-balancer-source-ranges`]: "true" },
        reach: "the virtual network, its peers and VPNs; from peers in other regions only in the tier Standard",
        silence: "4 min; 30 min are asked for here",
        targets: "nodes, with the client's address",
        sourceRanges: "yes, by the annotation that is set here; without it the whole virtual network comes in",
        ports: "1 to 65534",
        sources: [
            "https://kubernetes-sigs.github.io/cloud-provider-azure/topics/loadbalancer/",
            "https://learn.microsoft.com/azure/load-balancer/load-balancer-tcp-idle-timeout",
            "https://learn.microsoft.com/azure/aks/internal-lb",
        ],
    },
    openstack: {
        product: "Octavia",
        always: () => ({
            "loadbalancer.openstack.org/timeout-client-data": IDLE_MS,
            "loadbalancer.openstack.org/timeout-member-data": IDLE_MS,
        }),
        internal: { "service.beta.kubernetes.io/openstack-internal-load-balancer": "true" },
        public: {},
        restricted: {},
        reach: "whatever routes to the subnet of its address",
        silence: "50 s; 4 h are asked for here; the driver OVN ends nothing by itself and ignores the annotations",
        targets: "node ports; the client's address arrives with the driver OVN alone",
        sourceRanges:
            "with the driver amphora from API 2.12 on; with OVN only where the cloud provider has manage-security-groups; otherwise ignored, with an event of the Service",
        ports: "1 to 65535",
        sources: [
            "https://github.com/kubernetes/cloud-provider-openstack/blob/master/docs/openstack-cloud-controller-manager/expose-applications-using-loadbalancer-type-service.md",
            "https://github.com/kubernetes/cloud-provider-openstack/pull/2291",
            "https://docs.openstack.org/octavia/latest/user/feature-classification/",
        ],
    },
    other: {
        product: "not known",
        always: () => ({}),
        internal: {},
        public: {},
        restricted: {},
        reach: "not known",
        silence: "not known",
        targets: "not known",
        sourceRanges: "not known: hence they are demanded",
        ports: "not known",
        sources: [],
    },
};

/** What a provider is to make. */
export interface ProviderArgs {
    /** The provider. */
    readonly provider: Provider;
    /** Whether the load balancer has an address of the internal network alone. */
    readonly internal: boolean;
    /** Ports of the load balancer. */
    readonly ports: Ports;
    /** Networks from which clients may come; empty where all may. */
    readonly sourceRanges: readonly string[];
}

/** The annotations for a load balancer of a provider's. */
export function providerAnnotations({ provider, internal, ports, sourceRanges }: ProviderArgs): Record<string, string> {
    const entry = PROVIDER_TABLE[provider];
    return {
        ...entry.always(ports),
        ...(internal ? entry.internal : entry.public),
        ...(sourceRanges.length > 0 ? entry.restricted : {}),
    };
}
