import { existsSync, rmSync, writeFileSync } from "node:fs";
import { run, UserError } from "../machine/shell";

/** Debian's packages that the local cluster needs, each with a file that tells that it is there. */
const PACKAGES = {
    buildah: "/usr/bin/buildah",
    "containernetworking-plugins": "/usr/lib/cni/ptp",
    curl: "/usr/bin/curl",
    // Without it the cluster's nodes do not find one another's names.
    "golang-github-containernetworking-plugin-dnsname": "/usr/lib/cni/dnsname",
    "docker-registry": "/usr/bin/docker-registry",
    iproute2: "/usr/sbin/ip",
    iptables: "/usr/sbin/iptables",
    mmdebstrap: "/usr/bin/mmdebstrap",
    munge: "/usr/sbin/munged",
    nftables: "/usr/sbin/nft",
    podman: "/usr/bin/podman",
    runc: "/usr/sbin/runc",
    "slurm-client": "/usr/bin/sbatch",
    slurmctld: "/usr/sbin/slurmctld",
    slurmd: "/usr/sbin/slurmd",
} as const;

/** The program that Debian's packages ask whether they may start a service; 101 is no. */
const POLICY = "/usr/sbin/policy-rc.d";

/** Installs what is missing of Debian's packages, by a file of each; their services are not started. */
export async function ensurePackages(packages: Readonly<Record<string, string>> = PACKAGES): Promise<void> {
    const missing = Object.entries(packages)
        .filter(([, file]) => !existsSync(file))
        .map(([name]) => name);
    if (missing.length === 0) {
        return;
    }
    if (!existsSync("/usr/bin/apt-get")) {
        throw new UserError(
            `PATH: ${missing.join(", ")} are missing, and so is apt-get; use Debian 12 or install them.`,
        );
    }
    console.log(`Debian's packages: installing ${missing.join(", ")}`);
    const env = { DEBIAN_FRONTEND: "noninteractive" };
    const own = !existsSync(POLICY);
    if (own) {
        writeFileSync(POLICY, "#!/bin/sh\nexit 101\n", { mode: 0o755 });
    }
    try {
        await run(["apt-get", "update"], { env });
        await run(["apt-get", "install", "-y", "--no-install-recommends", ...missing], { env });
    } finally {
        if (own) {
            rmSync(POLICY);
        }
    }
}
