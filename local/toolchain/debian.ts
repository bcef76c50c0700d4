import { existsSync } from "node:fs";
import { run, say, UserError } from "../machine/shell";

/** Debian's packages that the local cluster needs, each with a file that tells that it is there. */
const PACKAGES = {
    buildah: "/usr/bin/buildah",
    conntrack: "/usr/sbin/conntrack",
    "containernetworking-plugins": "/usr/lib/cni/ptp",
    curl: "/usr/bin/curl",
    "docker-registry": "/usr/bin/docker-registry",
    iproute2: "/usr/sbin/ip",
    iptables: "/usr/sbin/iptables",
    mmdebstrap: "/usr/bin/mmdebstrap",
    nftables: "/usr/sbin/nft",
    openssl: "/usr/bin/openssl",
    podman: "/usr/bin/podman",
    runc: "/usr/sbin/runc",
} as const;

/** Installs what is missing of Debian's packages; their services are not started. */
export async function ensurePackages(): Promise<void> {
    const missing = Object.entries(PACKAGES)
        .filter(([, file]) => !existsSync(file))
        .map(([name]) => name);
    if (missing.length === 0) {
        return;
    }
    if (!existsSync("/usr/bin/apt-get")) {
        throw new UserError(
            `PATH: ${missing.join(", ")} are missing and there is no apt-get; use Debian 12 or install them.`,
        );
    }
    say(`Debian's packages: installing ${missing.join(", ")}`);
    const env = { DEBIAN_FRONTEND: "noninteractive", RUNLEVEL: "1" };
    await run(["apt-get", "update"], { env });
    await run(["apt-get", "install", "-y", "--no-install-recommends", ...missing], { env });
}
