import { join } from "node:path";
import type { V1Container, V1ObjectMeta, V1PodSpec, V1Volume, V1VolumeMount } from "@kubernetes/client-node";
import { REGISTRY } from "../machine/layout";
import { UserError } from "../machine/shell";
import { PODMAN } from "./slurm";

/** Kubernetes' Container. */
export type Container = V1Container;
type Contents = Readonly<Record<string, string>>;

/** Kubernetes' Pod as the API server gives it. */
export interface Pod {
    readonly metadata: V1ObjectMeta & Required<Pick<V1ObjectMeta, "name" | "namespace" | "uid">>;
    readonly spec: V1PodSpec;
}

/** A ConfigMap, a Secret (with base64 in `data`), or, under the volume's name, a projected volume's files. */
interface VolumeData {
    readonly metadata: { readonly name: string };
    readonly data?: Contents;
    readonly binaryData?: Contents;
}

/** What InterLink read of the objects that a container's volumes name; of emptyDirs it says nothing. */
interface ContainerData {
    readonly name: string;
    readonly configMaps: readonly VolumeData[] | null;
    readonly secrets: readonly VolumeData[] | null;
    readonly projectedvolumemaps: readonly VolumeData[] | null;
}

/** Body of /create. */
export interface CreateRequest {
    readonly pod: Pod;
    readonly container: readonly ContainerData[];
}

/** A file of a job. */
interface File {
    readonly content: string | Buffer;
    readonly mode: number;
}

/** What a pod becomes, by paths in the job's folder: files, and folders that any user may write to. `job.sh` is for sbatch. */
export interface Job {
    readonly files: ReadonlyMap<string, File>;
    readonly shared: ReadonlySet<string>;
}

/** Memory of a container without a limit: what a shell or kubectl takes. InterLink's own plugin asks for 1 MiB instead. */
const DEFAULT_MEMORY = "128Mi";
const SUFFIXES: Readonly<Record<string, number>> = {
    ...{ "": 1, m: 1e-3, k: 1e3, M: 1e6, G: 1e9, T: 1e12 },
    ...{ Ki: 2 ** 10, Mi: 2 ** 20, Gi: 2 ** 30, Ti: 2 ** 40 },
};

/** Folder of a container in the job's folder: its `env`, `log`, podman's `error`, `started`, and `exit` with its exit code. */
export function containerFolder(name: string): string {
    return join("containers", name);
}

const RUN = `
# Runs a container to its end: run NAME [PODMAN'S ARGUMENTS...]
run() {
    local id=$SLURM_JOB_ID-$1 folder=$PWD/${containerFolder("$1")} environment=() code=128
    shift
    . "$folder/env"
    if ${PODMAN.join(" ")} run --detach --quiet --name "$id" --label "slurm-job=$SLURM_JOB_ID" --network host \\
        --tls-verify=false --log-driver k8s-file --log-opt "path=$folder/log" "\${environment[@]}" "$@" \\
        >/dev/null 2>"$folder/error"; then
        touch "$folder/started"
        code=$(${PODMAN.join(" ")} wait "$id") || code=255
    fi
    echo "$code" >"$folder/exit.part"
    mv "$folder/exit.part" "$folder/exit"
    return "$code"
}
trap 'exit 143' TERM
`;

/** A pod as one job: its init containers one after the other, then its containers side by side. */
export function toJob({ pod, container: data }: CreateRequest, folder: string): Job {
    const { metadata, spec } = pod;
    const files = new Map<string, File>();
    const shared = new Set<string>();
    const command = (container: Container) => {
        const volumes = (container.volumeMounts ?? []).flatMap((mount) => {
            const volume = spec.volumes?.find(({ name }) => name === mount.name) ?? { name: mount.name };
            if (volume.emptyDir !== undefined) {
                const path = join("shared", volume.name, mount.subPath ?? "");
                shared.add(path);
                return [`${join(folder, path)}:${mount.mountPath}${mount.readOnly ? ":ro" : ""}`];
            }
            return volumeFiles(
                volume,
                data.find(({ name }) => name === container.name),
            ).flatMap(([path, file]) => {
                const source = join("volumes", volume.name, path);
                files.set(source, file);
                const target = targetOf(path, mount);
                return target === undefined ? [] : [`${join(folder, source)}:${target}:ro`];
            });
        });
        const environment = (container.env ?? []).map(
            ({ name, value }) => `environment+=(--env ${quote(`${name}=${value ?? ""}`)})\n`,
        );
        files.set(join(containerFolder(container.name), "env"), { content: environment.join(""), mode: 0o600 });
        const { runAsUser, runAsGroup } = { ...spec.securityContext, ...container.securityContext };
        const [entrypoint, ...rest] = container.command ?? [];
        return [
            ...["run", container.name],
            ...volumes.flatMap((volume) => ["--volume", volume]),
            ...(container.tty ? ["--tty"] : []),
            ...(container.workingDir === undefined ? [] : ["--workdir", container.workingDir]),
            ...(runAsUser === undefined ? [] : ["--user", `${runAsUser}:${runAsGroup ?? 0}`]),
            ...(entrypoint === undefined ? [] : ["--entrypoint", entrypoint]),
            // The site's registry holds the images of all registries.
            ...[container.image?.replace(/^([^/]+\/)?/, `${REGISTRY}/`) ?? "", ...rest, ...(container.args ?? [])],
        ]
            .map(quote)
            .join(" ");
    };
    const script = [
        "#!/bin/bash",
        `#SBATCH --job-name=${metadata.namespace}/${metadata.name}`,
        `#SBATCH --comment=${metadata.uid}`,
        `#SBATCH --chdir=${folder}`,
        `#SBATCH --output=${join(folder, "job.log")}`,
        `#SBATCH --cpus-per-task=${Math.ceil(need(pod, "cpu", "1"))}`,
        `#SBATCH --mem=${Math.ceil(need(pod, "memory", DEFAULT_MEMORY) / 2 ** 20)}`,
        RUN,
        ...(spec.initContainers ?? []).map((container) => `${command(container)} &\nwait $! || exit`),
        ...spec.containers.map((container) => `${command(container)} &\nrunning+=($!)`),
        "status=0",
        'for process in "${running[@]}"; do wait "$process" || status=$?; done',
        "exit $status\n",
    ];
    files.set("job.sh", { content: script.join("\n"), mode: 0o700 });
    return { files, shared };
}

/** What a pod needs of a resource: the sum of its containers, or what one init container needs. */
function need({ spec }: Pod, resource: string, otherwise: string): number {
    const needs = (containers: readonly Container[] = []) =>
        containers.map(({ resources }) => {
            const [, digits, suffix] = /^([0-9.]+)([A-Za-z]*)$/.exec(resources?.limits?.[resource] ?? otherwise) ?? [];
            return Number(digits) * (SUFFIXES[suffix ?? ""] ?? NaN);
        });
    return Math.max(
        needs(spec.containers).reduce((sum, one) => sum + one),
        ...needs(spec.initContainers),
    );
}

/** The files of a volume, by their paths in it. */
function volumeFiles(volume: V1Volume, data: ContainerData | undefined): [string, File][] {
    const { configMap, secret, projected } = volume;
    const source = configMap ?? secret ?? projected;
    if (source === undefined) {
        throw new UserError(
            `volume ${volume.name}: InterLink does not hand over its kind; use emptyDir, configMap, secret or projected.`,
        );
    }
    const objects = configMap ? data?.configMaps : secret ? data?.secrets : data?.projectedvolumemaps;
    const object = objects?.find(
        ({ metadata }) => metadata.name === (configMap?.name ?? secret?.secretName ?? volume.name),
    );
    const decoded = (encoding: BufferEncoding, texts: Contents = {}) =>
        Object.entries(texts).map(([key, text]) => [key, Buffer.from(text, encoding)] as const);
    const contents = new Map([
        ...decoded(secret ? "base64" : "utf8", object?.data),
        ...decoded("base64", object?.binaryData),
    ]);
    const items =
        (configMap ?? secret)?.items ?? [...contents.keys()].map((key) => ({ key, path: key, mode: undefined }));
    return items.flatMap(({ key, path, mode }) => {
        const content = contents.get(key);
        return content === undefined ? [] : [[path, { content, mode: mode ?? source.defaultMode ?? 0o644 }]];
    });
}

/** Where a volume's file is seen in a container; undefined where the mount's subPath leaves it out. */
function targetOf(path: string, { mountPath, subPath }: V1VolumeMount): string | undefined {
    if (subPath === undefined || subPath === path) {
        return subPath === undefined ? join(mountPath, path) : mountPath;
    }
    return path.startsWith(`${subPath}/`) ? join(mountPath, path.slice(subPath.length + 1)) : undefined;
}

function quote(word: string): string {
    return /^[\w=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
