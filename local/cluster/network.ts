import { existsSync } from "node:fs";
import { HPC, NET, NET6, REGISTRY_PORT } from "../machine/layout";
import { attempt, run, UserError } from "../machine/shell";
import { machineNetworks } from "../machine/site";
import { template } from "../machine/template";

/** Devices of the machine that lead to the HPC side: by a link of its own, and through the engine's bridge. */
const LINK = "il-hpc";
const BRIDGE_PORT = "il-bridge";

/** Makes the HPC side's namespace, its link to the machine, the machine's own addresses and the firewall. */
export async function ensureNetwork(): Promise<void> {
    const networks = machineNetworks();
    for (const address of [NET.registry, ...networks.map(({ published }) => published)]) {
        await run(["ip", "addr", "replace", address, "dev", "lo"]);
    }
    if (!existsSync(`/run/netns/${HPC}`)) {
        await run(["ip", "netns", "add", HPC]);
    }
    await run(["ip", "link", "set", "lo", "up"], { netns: HPC });
    await ensureLink(LINK, "site0");
    for (const { machineToHpc, hpc, link } of networks) {
        await run(["ip", "addr", "replace", machineToHpc + link, "dev", LINK]);
        await run(["ip", "addr", "replace", hpc + link, "dev", "site0"], { netns: HPC });
        await run(["ip", "route", "replace", "default", "via", machineToHpc], { netns: HPC });
    }
    const devices = { link: LINK, bridgePort: BRIDGE_PORT, registryPort: REGISTRY_PORT };
    const ipv6 = { published6: NET6.published, loadBalancers6: NET6.loadBalancers };
    await run(["nft", "-f", "-"], { input: template("cluster/firewall.nft", { ...NET, ...ipv6, ...devices }) });
}

/** Joins the HPC side to the engine's bridge, where MetalLB's announcements are heard. */
export async function joinBridge(bridge: string): Promise<void> {
    await ensureLink(BRIDGE_PORT, "cluster0");
    await run(["ip", "link", "set", BRIDGE_PORT, "master", bridge]);
    for (const { hpcToLoadBalancers, link } of machineNetworks()) {
        await run(["ip", "addr", "replace", hpcToLoadBalancers + link, "dev", "cluster0"], { netns: HPC });
    }
}

/** Fails where another process has one of the ports that are to be published. */
export async function requireFreePorts(ports: readonly number[]): Promise<void> {
    for (const port of ports) {
        const found = (await run(["ss", "-ltnpH", `sport = :${port}`])).trim();
        if (found !== "") {
            const owner = /users:\(\("([^"]+)",pid=(\d+)/.exec(found);
            throw new UserError(
                `port ${port}: it is taken${owner ? ` by ${owner[1]}, process ${owner[2]}` : ""}; stop that, the local cluster needs this port.`,
            );
        }
    }
}

/** Fails where a device of the machine is in a network that is to be made. */
export async function requireFreeSubnet(subnet: string): Promise<void> {
    const [, device] = / dev (\S+)/.exec(await run(["ip", "route", "show", "root", subnet])) ?? [];
    if (device !== undefined) {
        throw new UserError(
            `network ${subnet}: ${device} has it; remove that, the cluster's nodes are in this network.`,
        );
    }
}

/** Removes the HPC side's namespace with its links, the addresses and the firewall. */
export async function removeNetwork(): Promise<void> {
    await attempt(["ip", "netns", "del", HPC]);
    for (const device of [LINK, BRIDGE_PORT]) {
        await attempt(["ip", "link", "del", device]);
    }
    for (const address of [NET.registry, NET.published, NET6.published]) {
        await attempt(["ip", "addr", "del", address, "dev", "lo"]);
    }
    for (const family of ["inet", "bridge"]) {
        await attempt(["nft", "delete", "table", family, "interlink_firewall"]);
    }
}

/** Makes a pair of devices, one of the machine's and one of the HPC side's, unless it is there, and sets both up. */
async function ensureLink(device: string, inside: string): Promise<void> {
    if ((await attempt(["ip", "link", "show", inside], { netns: HPC })).status !== 0) {
        await attempt(["ip", "link", "del", device]);
        await run(["ip", "link", "add", device, "type", "veth", "peer", "name", inside, "netns", HPC]);
    }
    await run(["ip", "link", "set", device, "up"]);
    await run(["ip", "link", "set", inside, "up"], { netns: HPC });
}
