import { existsSync } from "node:fs";
import { HPC, NET, NODE } from "../machine/layout";
import { attempt, run, UserError } from "../machine/shell";

/** Joins two network namespaces (undefined is the machine's) by a pair of links with one address each. */
interface Link {
    readonly a: { readonly netns?: string; readonly device: string; readonly address: string };
    readonly b: { readonly netns: string; readonly device: string; readonly address: string };
}

const LINKS: readonly Link[] = [
    { a: { device: "il-node", address: NET.machine }, b: { netns: NODE, device: "site0", address: NET.node } },
    {
        a: { netns: NODE, device: "hpc0", address: NET.nodeToHpc },
        b: { netns: HPC, device: "node0", address: NET.hpc },
    },
    {
        a: { device: "il-hpc", address: NET.machineToHpc },
        b: { netns: HPC, device: "site0", address: NET.hpcToMachine },
    },
];
/**
 * The internal firewall of the guide's picture: from the HPC side, only connections to the node's published ports and to load
 * balancers, which are translated to pods, and what belongs to them.
 */
const FIREWALL = `
table inet interlink_firewall
delete table inet interlink_firewall
table inet interlink_firewall {
    chain input {
        type filter hook input priority filter; policy accept;
        iifname "hpc0" ct state established,related accept
        iifname "hpc0" drop
    }
    chain forward {
        type filter hook forward priority filter; policy accept;
        iifname "hpc0" ct state established,related accept
        iifname "hpc0" ct status dnat ct original ip daddr { ${NET.node}, ${NET.loadBalancers} } accept
        iifname "hpc0" drop
    }
}
`;

/** Makes both namespaces, their links, routes and the firewall, as far as they are not there. */
export async function ensureNetwork(): Promise<void> {
    // On the machine's loopback: both other namespaces reach it over their links.
    await run(["ip", "addr", "replace", `${NET.registry}/32`, "dev", "lo"]);
    for (const netns of [NODE, HPC]) {
        if (!existsSync(`/run/netns/${netns}`)) {
            await run(["ip", "netns", "add", netns]);
        }
        await run(["ip", "link", "set", "lo", "up"], { netns });
    }
    for (const link of LINKS) {
        await ensureLink(link);
    }
    await run(["sh", "-c", "echo 1 > /proc/sys/net/ipv4/ip_forward"], { netns: NODE });
    await route(NODE, NET.registry, NET.machine);
    // The API server calls webhooks by their Services' addresses; kube-proxy translates them after this choice of a route.
    await route(NODE, NET.services, NET.machine);
    await route(HPC, NET.registry, NET.machineToHpc);
    await route(HPC, "default", NET.nodeToHpc);
    await run(["nft", "-f", "-"], { netns: NODE, input: FIREWALL });
}

/**
 * The same for a kind cluster, whose node is a container of the machine's engine: the node's address is the machine's, and
 * the HPC side reaches that address alone.
 */
export async function ensureKindNetwork(): Promise<void> {
    for (const address of [NET.registry, NET.node]) {
        await run(["ip", "addr", "replace", `${address}/32`, "dev", "lo"]);
    }
    if (!existsSync(`/run/netns/${HPC}`)) {
        await run(["ip", "netns", "add", HPC]);
    }
    await run(["ip", "link", "set", "lo", "up"], { netns: HPC });
    await run(["ip", "addr", "replace", `${NET.hpc}/32`, "dev", "lo"], { netns: HPC });
    for (const link of LINKS.filter(({ a, b }) => a.netns === undefined && b.netns === HPC)) {
        await ensureLink(link);
    }
    await route(undefined, NET.hpc, NET.hpcToMachine);
    for (const address of [NET.registry, NET.node]) {
        await route(HPC, address, NET.machineToHpc);
    }
}

/** Fails where another process has one of the ports that are to be published at the node's address. */
export async function requireFreePorts(netns: string | undefined, ports: readonly number[]): Promise<void> {
    for (const port of ports) {
        const found = (await run(["ss", "-ltnpH", `sport = :${port}`], { netns })).trim();
        if (found !== "") {
            const owner = /users:\(\("([^"]+)",pid=(\d+)/.exec(found);
            throw new UserError(
                `port ${port}: it is taken${owner ? ` by ${owner[1]}, process ${owner[2]}` : ""}; stop that, the cluster publishes this port.`,
            );
        }
    }
}

/** Removes the namespaces, and with them links, routes and rules. */
export async function removeNetwork(): Promise<void> {
    for (const netns of [NODE, HPC]) {
        await attempt(["ip", "netns", "del", netns]);
    }
    for (const device of ["il-node", "il-hpc"]) {
        await attempt(["ip", "link", "del", device]);
    }
    for (const address of [NET.registry, NET.node]) {
        await attempt(["ip", "addr", "del", `${address}/32`, "dev", "lo"]);
    }
}

async function ensureLink({ a, b }: Link): Promise<void> {
    if (!(await exists(b.netns, b.device)) || !(await exists(a.netns, a.device))) {
        await attempt(["ip", "link", "del", a.device], { netns: a.netns });
        await run(["ip", "link", "add", a.device, "type", "veth", "peer", "name", b.device, "netns", b.netns], {
            netns: a.netns,
        });
    }
    for (const { netns, device, address } of [a, b]) {
        await run(["ip", "addr", "replace", `${address}/24`, "dev", device], { netns });
        await run(["ip", "link", "set", device, "up"], { netns });
    }
}

async function exists(netns: string | undefined, device: string): Promise<boolean> {
    return (await attempt(["ip", "link", "show", device], { netns })).status === 0;
}

async function route(netns: string | undefined, destination: string, via: string): Promise<void> {
    await run(["ip", "route", "replace", destination, "via", via], { netns });
}
