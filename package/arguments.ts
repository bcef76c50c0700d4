import * as pulumi from "@pulumi/pulumi";

// What Pulumi's analyser makes a schema of: interfaces and lists that are no unions, each with its text but without tags, so
// that defaults stand in sentences. A unit test compares them with the settings, field by field.

/**
 * Arguments of ApiAccess: the program's settings by their names, in one shape for all environments. Values that decide what is
 * made are plain: an output of another resource is refused. What belongs together is checked as in the program's configuration.
 */
export interface ApiAccessArgs {
    /**
     * How the HPC side comes in: kind (ports of nodes), cloud (a load balancer), metallb (an address that MetalLB announces) or
     * external (a way in of somebody else's).
     */
    readonly environment: string;
    /**
     * IP address or DNS name under which the HPC side comes. Left out, in cloud alone, the load balancer's own is taken; in external
     * it is api.address.
     */
    readonly address?: string;
    /** The Kubernetes API as the HPC side reaches it; for external alone, and needed there. */
    readonly api?: ExternalApiSettings;
    /** Namespace of the controller, the proxy and the Ingress; made by the component. Default ingress-nginx-internal. */
    readonly namespace?: string;
    /** Whether namespaces and all names that a cluster has only once get a random suffix, so that several can share it. Default false. */
    readonly uniqueNames?: boolean;
    /** The ingress controller: none (clients come to the proxy itself), traefik or ingress-nginx. Default none. */
    readonly controller?: string;
    /** Name of the controller's class. Default nginx-internal. */
    readonly ingressClassName?: string;
    /** Ports of the pods, and in kind of the nodes. */
    readonly ports?: PortsSettings;
    /** Labels of the nodes whose ports are taken; for kind alone. Default kind's own, ingress-ready: "true". */
    readonly nodeSelector?: Record<string, string>;
    /** Networks, as CIDRs, from which clients may come; for kind alone, the others have loadBalancer.sourceRanges. Default all. */
    readonly sourceRanges?: string[];
    /** The load balancer; for cloud, where it is needed, and metallb. */
    readonly loadBalancer?: LoadBalancerSettings;
    /** MetalLB and its pool; for metallb alone, and needed there. */
    readonly metallb?: MetalLBSettings;
    /**
     * Whose requests are passed on: all, tokens (none without a bearer token) or jobs (tokens of pods on this component's virtual
     * nodes alone). Default all.
     */
    readonly admit?: string;
    /** The proxy in front of the API server. */
    readonly proxy?: ProxySettings;
    /** How much of each pod of the proxy one client may take. */
    readonly limits?: LimitsSettings;
    /** Metrics for Prometheus. */
    readonly metrics?: MetricsSettings;
    /** ingress-nginx, where it is the controller. */
    readonly ingressNginx?: IngressNginxSettings;
    /** cert-manager: installed, or the cluster's own. Default installed. */
    readonly certManager?: CertManagerSettings;
    /** The certificate authority that clients trust. */
    readonly ca?: CertificateAuthoritySettings;
    /** The certificate for the address. */
    readonly certificate?: CertificateSettings;
    /** A closed network's copies of images and charts. Default their own sources. */
    readonly mirror?: MirrorSettings;
    /** What all pods have in common. */
    readonly pods?: PodsSettings;
    /** Whether pods get network policies; false where the cluster's network takes them for something else. Default true. */
    readonly networkPolicies?: boolean;
    /** Container images, each with a tag or a digest. */
    readonly images?: ImagesSettings;
    /** The only virtual node and its InterLink; either this or sites is needed. */
    readonly interlink?: VirtualNodeSettings;
    /** Several virtual nodes with one way in, by names of their HPC sites. */
    readonly sites?: Record<string, VirtualNodeSettings>;
    /** More values for the InterLink chart of interlink, such as OAUTH; kept secret. */
    readonly interlinkValues?: pulumi.Input<pulumi.Inputs>;
}

/** A way in of somebody else's. */
interface ExternalApiSettings {
    /** IP address or DNS name of the API server. */
    readonly address: string;
    /** Its TCP port. */
    readonly port: number;
    /** Certificates that verify it, PEM. Default the cluster's own certificate authority. */
    readonly caCertificate?: string;
}

/** TCP ports, 1024 or higher. */
interface PortsSettings {
    /** Port for plain HTTP, which only redirects. Default 6080. */
    readonly http?: number;
    /** Port for HTTPS. Default 60443. */
    readonly https?: number;
}

/** A load balancer in front of the pods. */
interface LoadBalancerSettings {
    /** Who makes it: aws, gcp, azure, openstack or other; for cloud alone, and needed there. */
    readonly provider?: string;
    /** Whether it has an address of the internal network alone; for cloud alone. Default true. */
    readonly internal?: boolean;
    /** Networks, as CIDRs, from which clients may come. Default all that reach the address. */
    readonly sourceRanges?: string[];
    /** Its port for HTTPS; beside 443, plain HTTP is at 80. Default ports.https. */
    readonly port?: number;
    /** Class of the implementation, where the cluster has several. Default none. */
    readonly class?: string;
    /** What nodes do with a connection: Cluster (pass it on to any pod) or Local (keep the client's address). Default Cluster. */
    readonly externalTrafficPolicy?: string;
    /** More annotations for the Service, which win over the known ones; for cloud alone. Default none. */
    readonly annotations?: Record<string, string>;
}

/** Software of a Helm chart: installed, or the cluster's own. */
interface ReleaseSettings {
    /** Whether it is installed. */
    readonly install: boolean;
    /** Chart, an oci:// address or a folder; with install: true alone. Default the software's own. */
    readonly chart?: string;
    /** Version of the chart; with install: true alone. Default the one that this package was made for. */
    readonly version?: string;
    /** More values for the chart; with install: true alone. Default none. */
    readonly values?: pulumi.Inputs;
}

/** MetalLB: installed with a pool, or the cluster's own. */
interface MetalLBSettings extends ReleaseSettings {
    /** Its namespace. Default metallb-system. */
    readonly namespace?: string;
    /** Addresses of the pool, as CIDRs or ranges such as 10.1.2.3-10.1.2.9; needed with install: true. */
    readonly addresses?: string[];
}

/** The proxy in front of the API server. */
interface ProxySettings {
    /** Number of its pods. Default 2; 1 where pods take a node's ports. */
    readonly replicas?: number;
}

/** How much of each pod of the proxy one client may take, by its token or else its address; who asks for more gets 429. */
interface LimitsSettings {
    /** Requests per second that go on for long; 0 sets no limit. Default 500. */
    readonly requestsPerSecond?: number;
    /** Requests beyond that at once. Default 2000. */
    readonly burst?: number;
    /** Requests that are open at a time, such as watches; 0 sets no limit. Default 2000. */
    readonly connections?: number;
}

/** Metrics for Prometheus. */
interface MetricsSettings {
    /** Whether they are made. Default false. */
    readonly enabled?: boolean;
    /** Whether PodMonitors tell the Prometheus operator of them. Default false. */
    readonly podMonitor?: boolean;
}

/** ingress-nginx, where it is the controller. */
interface IngressNginxSettings {
    /** Chart, an oci:// address or a folder. Default ingress-nginx's own. */
    readonly chart?: string;
    /** Version of the chart. Default the last one before it was retired. */
    readonly chartVersion?: string;
}

/** cert-manager: installed, or the cluster's own. */
interface CertManagerSettings extends ReleaseSettings {
    /** Its namespace, where the CA's private key lies. Default cert-manager. */
    readonly namespace?: string;
}

/** The certificate authority that clients trust. */
interface CertificateAuthoritySettings {
    /** Its lifetime, as hours, minutes, seconds. Default 876000h, a hundred years. */
    readonly duration?: string;
    /** Counts the authorities, from 1 to 999: the one that is there, or that a rotation leads to. Default 1. */
    readonly generation?: number;
    /** Step of a rotation: none, prepare (trusts both, signs with the old) or complete (signs with the new). Default none. */
    readonly rotation?: string;
    /** Whether Pulumi refuses to delete the authority that signs. Default false. */
    readonly protect?: boolean;
}

/** The certificate for the address. */
interface CertificateSettings {
    /** Its lifetime, as hours, minutes, seconds, of 1h or more; it is renewed after two thirds. Default 2160h. */
    readonly duration?: string;
}

/** A closed network's copies of images and charts. */
interface MirrorSettings {
    /** Registry, with a path where there is one, that holds every image by its own name. */
    readonly registry?: string;
    /** An oci:// address or a folder that holds every chart by its name. */
    readonly charts?: string;
    /** Path of a file with the CA, PEM, of the registry that holds the charts. Default what the machine trusts. */
    readonly chartsCa?: string;
}

/** What all pods have in common. */
interface PodsSettings {
    /** Labels of the nodes on which they may run. Default all nodes. */
    readonly nodeSelector?: Record<string, string>;
    /** Taints of nodes that do not keep them off. Default none. */
    readonly tolerations?: TolerationSettings[];
    /** Whether the cluster gives them their user IDs, as OpenShift does. Default false. */
    readonly assignedUserIds?: boolean;
}

/** A toleration, as a pod spells it. */
interface TolerationSettings {
    /** Key of the taint; without, the operator is Exists, and all taints are meant. */
    readonly key?: string;
    /** Exists or Equal. Default Equal. */
    readonly operator?: string;
    /** Value of the taint, for Equal. */
    readonly value?: string;
    /** NoSchedule, PreferNoSchedule or NoExecute. Default all of them. */
    readonly effect?: string;
    /** For how many seconds NoExecute is borne. Default for ever. */
    readonly tolerationSeconds?: number;
}

/** Container images by their own names, each with a tag or a digest; a mirror's are found from them. Defaults are this package's. */
interface ImagesSettings {
    /** The proxy: an unprivileged nginx. */
    readonly nginx?: string;
    /** Counts the proxy's requests for Prometheus. */
    readonly mtail?: string;
    /** Traefik, where it is the controller. */
    readonly traefik?: string;
    /** ingress-nginx, where it is the controller. */
    readonly ingressNginx?: string;
    /** kubectl, for Jobs that wait. */
    readonly kubectl?: string;
    /** kubectl and a shell, to approve the virtual kubelet's certificate. */
    readonly approver?: string;
    /** InterLink's virtual kubelet. */
    readonly virtualKubelet?: string;
    /** Renews the token for InterLink's API server, where OAUTH is used. */
    readonly refreshToken?: string;
    /** InterLink's API server, where it runs in the cluster. */
    readonly interlinkApi?: string;
}

/** A virtual node and its InterLink. */
interface VirtualNodeSettings {
    /** Name of the virtual node. Default interlink-slurm-node; of sites, interlink- and the site's name. */
    readonly nodeName?: string;
    /** Namespace of the virtual kubelet; made by the component. Default interlink; of sites, interlink- and the site's name. */
    readonly namespace?: string;
    /** Where InterLink's API server runs: edge (at the HPC site) or in-cluster (beside the virtual kubelet). Default edge. */
    readonly mode?: string;
    /** URL of InterLink's API server, http:// or https://, without its port; for edge alone, and needed there. */
    readonly address?: string;
    /** Its TCP port; for edge alone, and needed there. */
    readonly port?: number;
    /** How the virtual kubelet knows that server; for edge alone. */
    readonly tls?: InterlinkTlsSettings;
    /** Whether server and plugin speak over Unix sockets in /var/run; for in-cluster alone. Default false. */
    readonly sockets?: boolean;
    /** The plugin; for in-cluster alone, and needed there. */
    readonly plugin?: PluginSettings;
    /** InterLink's chart, an oci:// address or a folder. Default InterLink's own. */
    readonly chart?: string;
    /** Version of the chart. Default the one that this package was made for. */
    readonly chartVersion?: string;
    /** Whether a version of the chart is taken that is not known. Default false. */
    readonly allowUnknownChartVersion?: boolean;
    /** Who signs the virtual kubelet's certificate: self-signed, or signed by the cluster. Default self-signed. */
    readonly kubeletCertificate?: string;
    /** What the virtual node offers. */
    readonly resources?: NodeResourcesSettings;
}

/** How the virtual kubelet knows InterLink's API server. */
interface InterlinkTlsSettings {
    /** The one certificate that verifies it, PEM: a CA's, or its own. Default the roots of the virtual kubelet's image, which has none. */
    readonly ca?: string;
    /** Whether any server is taken, and http:// as well. Default false. */
    readonly insecure?: boolean;
}

/** InterLink's plugin, in the cluster. */
interface PluginSettings {
    /** Its image. */
    readonly image: string;
    /** Text of its plugin.yaml: it has to listen on port 4000 or, with sockets, on /var/run/plugin.sock. */
    readonly config?: string;
}

/** What a virtual node offers. */
interface NodeResourcesSettings {
    /** CPU cores. Default 8. */
    readonly cpus?: number;
    /** Memory, GiB. Default 49. */
    readonly memGiB?: number;
    /** Number of pods. Default 100. */
    readonly pods?: number;
}
