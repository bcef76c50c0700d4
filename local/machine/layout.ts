import { readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { parse } from "yaml";

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

/** The addresses of one family; networks.yaml tells of each. */
export type Net = Readonly<
    Record<
        | ("all" | "published" | "registry" | "machineToHpc" | "hpc" | "engine" | "engineGateway" | "nodes" | "pods")
        | ("metallbPool" | "metallb" | "cloudPool" | "loadBalancers" | "hpcToLoadBalancers" | "services")
        | ("family" | "anywhere" | "link"),
        string
    >
>;
export const { ipv4: NET, ipv6: NET6 } = parse(readFileSync(join(__dirname, "networks.yaml"), "utf8")) as Readonly<
    Record<"ipv4" | "ipv6", Net>
>;

/** An address as URLs spell it. */
export function urlHost(address: string): string {
    return address.includes(":") ? `[${address}]` : address;
}

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
