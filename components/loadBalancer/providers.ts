import { SILENCE_SECONDS } from "../parts/limits";

/** Providers whose load balancers are known; any other one is told what to do by the setting loadBalancer.annotations. */
export const PROVIDERS = ["aws", "gcp", "azure", "openstack", "other"] as const;

/** A provider of load balancers. */
export type Provider = (typeof PROVIDERS)[number];

/** How long a connection may be silent, in milliseconds. */
const IDLE_MS = String(SILENCE_SECONDS * 1000);

/** What a provider is told by annotations of the Service: always, and where the load balancer is internal. */
const ANNOTATIONS: Readonly<
    Record<Provider, Readonly<Record<"always" | "internal", Readonly<Record<string, string>>>>>
> = {
    aws: {
        // A network load balancer passes TCP through; the classic one would cut a watch after a minute of silence.
        always: { "service.beta.kubernetes.io/aws-load-balancer-type": "nlb" },
        internal: {
            "service.beta.kubernetes.io/aws-load-balancer-scheme": "internal",
            // For clusters without the AWS Load Balancer Controller.
            "service.beta.kubernetes.io/aws-load-balancer-internal": "true",
        },
    },
    gcp: {
        always: {},
        internal: { "networking.gke.io/load-balancer-type": "Internal" },
    },
    azure: {
        // Minutes; the default is 4.
        always: { "service.beta.kubernetes.io/azure-load-balancer-tcp-idle-timeout": "30" },
        internal: { "service.beta.kubernetes.io/azure-load-balancer-internal": "true" },
    },
    openstack: {
        // The default is 50 seconds.
        always: {
            "loadbalancer.openstack.org/timeout-client-data": IDLE_MS,
            "loadbalancer.openstack.org/timeout-member-data": IDLE_MS,
        },
        internal: { "service.beta.kubernetes.io/openstack-internal-load-balancer": "true" },
    },
    other: { always: {}, internal: {} },
};

/** The annotations for a load balancer of a provider's. */
export function providerAnnotations(provider: Provider, internal: boolean): Record<string, string> {
    const { always, internal: forInternal } = ANNOTATIONS[provider];
    return { ...always, ...(internal ? forInternal : {}) };
}
