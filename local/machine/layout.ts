import { homedir } from "node:os";
import { join } from "node:path";

/** The project's root. */
export const PROJECT = join(__dirname, "..", "..");

/** Folder of what is kept between clusters: built tools and images. */
export const CACHE = join(process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache"), "interlink-kube-api");
/** Folder of one cluster's life: keys, etcd, kubelet, logs, Pulumi's state. Gone after `down`. */
export const STATE = "/var/lib/interlink-kube-api";
/** Sockets and pid files. */
export const RUN = "/run/interlink-kube-api";

/** kubeconfig of the cluster, with all rights. */
export const KUBECONFIG = join(STATE, "kubeconfig");

/** Addresses, all from 198.18.0.0/15, which is set aside for tests. */
export const NET = {
    all: "198.18.0.0/15",
    /** Where the cluster's published ports are: the machine's address as its site knows it. */
    published: "198.18.0.2",
    /** The site's image registry, on the machine. */
    registry: "198.18.1.1",
    /** The machine's end of the link to the HPC side. */
    machineToHpc: "198.18.3.1",
    /** The HPC side. */
    hpc: "198.18.3.2",
    /** The engine's network, which the cluster's nodes are in: the engine's own end, and the addresses that nodes get. */
    engine: "198.18.64.0/24",
    engineGateway: "198.18.64.1",
    nodes: "198.18.64.0/26",
    /** Addresses in that network that MetalLB announces: the pool of the environment metallb, and its address in use. */
    metallbPool: "198.18.64.100-198.18.64.109",
    metallb: "198.18.64.100",
    /** Those that the site gives to any load balancer, as a cloud would. */
    cloudPool: "198.18.64.112/28",
    /** All of them, and the pools of nothing else. */
    loadBalancers: "198.18.64.96/27",
    /** The HPC side's leg in that network, on which it asks for load balancers' addresses. */
    hpcToLoadBalancers: "198.18.64.200",
    pods: "198.18.128.0/17",
    services: "198.19.0.0/16",
} as const;

/** Network namespace of the HPC side. */
export const HPC = "interlink-hpc";

/** TCP ports that the cluster publishes, as in the guide. */
export const PORTS: readonly number[] = [6080, 60443];

/** TCP port of the registry. */
export const REGISTRY_PORT = 5000;
/** The registry as image names and URLs spell it. */
export const REGISTRY = `${NET.registry}:${REGISTRY_PORT}`;
/** TCP port of InterLink's API server on the HPC side. */
export const INTERLINK_PORT = 3000;
/** TCP port of the plugin, on the HPC side's loopback. */
export const PLUGIN_PORT = 4000;
