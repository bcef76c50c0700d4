import { chmodSync, cpSync, mkdirSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { CACHE } from "../machine/layout";
import { run } from "../machine/shell";
import { moduleSource, program } from "../toolchain/tools";

/** Links, and where they lead: the init program, where containerd looks for CNI plugins, units that are on or off. */
const LINKS: Readonly<Record<string, string>> = {
    "opt/cni/bin": "/usr/lib/cni",
    "usr/sbin/init": "/lib/systemd/systemd",
    "usr/local/sbin/runc": "/usr/sbin/runc",
    "etc/systemd/system/systemd-binfmt.service": "/dev/null",
    ...Object.fromEntries(
        ["containerd", "kubelet", "undo-mount-hacks"].map((unit) => [
            `etc/systemd/system/multi-user.target.wants/${unit}.service`,
            `/etc/systemd/system/${unit}.service`,
        ]),
    ),
};

/** What `ctr oci spec` prints, as far as it is changed. */
interface OciSpec {
    readonly process: { rlimits?: unknown };
    hooks?: unknown;
}

/** An archive of a node image's other files: those that kind's Go module holds for it, and what its Dockerfile makes. */
export async function kindNodeFiles(image: string): Promise<string> {
    const root = join(CACHE, "kind-node-files");
    rmSync(root, { recursive: true, force: true });
    cpSync(join(await moduleSource("kind"), "images", "base", "files"), root, { recursive: true });
    // Files of the module cache are read-only, and none is a program.
    await run(["chmod", "-R", "u=rwX,go=rX", root]);
    for (const folder of ["kind/bin", "usr/local/bin"]) {
        readdirSync(join(root, folder)).forEach((name) => chmodSync(join(root, folder, name), 0o755));
    }
    const spec = JSON.parse(await run([program("containerd", "ctr"), "oci", "spec"])) as OciSpec;
    spec.hooks = { createContainer: [{ path: "/kind/bin/mount-product-files.sh" }] };
    delete spec.process.rlimits;
    const files = {
        "etc/containerd/cri-base.json": JSON.stringify(spec),
        "etc/systemd/journald.conf.d/kind.conf": "[Journal]\nReadKMsg=no\n",
        "etc/kubernetes/manifests/.keep": "",
        "kind/version": image.slice(image.lastIndexOf(":") + 1),
    };
    for (const [path, text] of Object.entries(files)) {
        mkdirSync(dirname(join(root, path)), { recursive: true });
        writeFileSync(join(root, path), text);
    }
    for (const [path, target] of Object.entries(LINKS)) {
        mkdirSync(dirname(join(root, path)), { recursive: true });
        symlinkSync(target, join(root, path));
    }
    const archive = `${root}.tar`;
    await run(["tar", "-C", root, "--owner=0", "--group=0", "-cf", archive, "."]);
    return archive;
}
