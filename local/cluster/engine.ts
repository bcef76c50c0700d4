import { existsSync, readFileSync } from "node:fs";
import { podmanEnvironment } from "../machine/podman";
import { attempt, Result, run, UserError } from "../machine/shell";

/** A container engine that kind drives. */
export interface Engine {
    /** Its command. */
    readonly name: "docker" | "podman";
    /** The environment in which kind and the command use it. */
    readonly env: Readonly<Record<string, string>>;
}

/** podman, with its storage and networks among ours. */
export function podman(): Engine {
    return { name: "podman", env: { ...podmanEnvironment(), KIND_EXPERIMENTAL_PROVIDER: "podman" } };
}

/** Docker, as it is. */
export const DOCKER: Engine = { name: "docker", env: {} };

/** Refuses a machine on which no systemd runs in a container: kind's nodes are such containers. */
export function requireSystemdCgroups(): void {
    const v2 = existsSync("/sys/fs/cgroup/cgroup.controllers");
    if (!v2 && !/ \/sys\/fs\/cgroup\/systemd .*name=systemd/.test(readFileSync("/proc/self/mountinfo", "utf8"))) {
        throw new UserError(
            "/sys/fs/cgroup: cgroups of version 1 without the hierarchy systemd, which kind's nodes need; make it: " +
                "mkdir -p /sys/fs/cgroup/systemd && mount -t cgroup -o none,name=systemd cgroup /sys/fs/cgroup/systemd.",
        );
    }
}

/** Runs a command of the engine and returns its standard output; throws where it fails. */
export function runEngine({ name, env }: Engine, args: readonly string[], input?: string): Promise<string> {
    return run([name, ...args], { env, input });
}

/** Runs a command of the engine and returns what it left, whatever its exit status. */
export function attemptEngine({ name, env }: Engine, ...args: string[]): Promise<Result> {
    return attempt([name, ...args], { env });
}
