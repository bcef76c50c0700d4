import { readdirSync, readFileSync } from "node:fs";
import { kubectl } from "../local/cluster/kubectl";
import { ByPart } from "./data";

/** Clock ticks of a second in /proc, on every Linux that runs Kubernetes. */
export const TICKS = 100;
/** Programs of the control plane, by what the report calls them. */
const PROGRAMS: Readonly<Record<string, string>> = { "kube-apiserver": "API server", etcd: "etcd", haproxy: "haproxy" };
const LABEL = "app.kubernetes.io/name";

/** The parts of a way: for each the UIDs of its pods. */
export type Pods = ReadonlyMap<string, readonly string[]>;

/** What the kernel has counted of each part. */
export interface Counters {
    /** When, in milliseconds. */
    readonly at: number;
    /** CPU time, in microseconds. */
    readonly cpu: ByPart;
    /** What of it the kernel spent. */
    readonly kernel: ByPart;
    /** CPU time of the whole machine, and what of its time was left, in microseconds. */
    readonly machine: { readonly busy: number; readonly idle: number };
    /** Connections that were opened by the part's pods. */
    readonly opened: ByPart;
}

/** The pods of a way's namespaces, by the label that says what they run. */
export async function podsOf(namespace: string | undefined): Promise<Pods> {
    if (namespace === undefined) {
        return new Map();
    }
    const list = await kubectl("get", "pods", "-n", namespace, "-l", LABEL, "-o", "json");
    const { items } = JSON.parse(list) as {
        items: { metadata: { uid: string; labels: Record<string, string> }; status: { phase: string } }[];
    };
    const running = items.filter(({ status }) => status.phase === "Running");
    const parts = Map.groupBy(running, ({ metadata }) => metadata.labels[LABEL] ?? "");
    return new Map([...parts].map(([name, pods]) => [name, pods.map(({ metadata }) => metadata.uid)]));
}

/** What the kernel has counted of a way's pods and of the control plane. */
export function counters(pods: Pods): Counters {
    const cpu: Record<string, number> = {};
    const kernel: Record<string, number> = {};
    const opened: Record<string, number> = {};
    const namespaces = new Set<string>();
    for (const { pid, part, isPod } of processes(pods)) {
        const ticks = attempt(() => ticksOf(read(pid, "stat")), { own: 0, kernel: 0 });
        cpu[part] = (cpu[part] ?? 0) + (ticks.own + ticks.kernel) * (1e6 / TICKS);
        kernel[part] = (kernel[part] ?? 0) + ticks.kernel * (1e6 / TICKS);
        const snmp = isPod ? attempt(() => read(pid, "net/snmp"), "") : "";
        // The processes of a pod count together.
        const netns = attempt(() => read(pid, "cgroup").match(/pod[-_0-9a-f]{36}/)?.[0] ?? "", "");
        if (snmp !== "" && !namespaces.has(netns)) {
            namespaces.add(netns);
            opened[part] = (opened[part] ?? 0) + activeOpens(snmp);
        }
    }
    return { at: Date.now(), cpu, kernel, machine: machineTimes(readFileSync("/proc/stat", "utf8")), opened };
}

/** Memory of each part that the kernel cannot simply take back, in KiB. */
export function memory(pods: Pods): ByPart {
    const kib: Record<string, number> = {};
    const seen = new Set<string>();
    for (const { pid, part } of processes(pods)) {
        const group = attempt(() => podGroup(read(pid, "cgroup")), undefined);
        if (group !== undefined && !seen.has(group)) {
            seen.add(group);
            kib[part] = (kib[part] ?? 0) + attempt(() => workingSet(group), 0) / 1024;
        }
    }
    return kib;
}

/** Differences of the second counts to the first ones, in units of `of`: requests, or seconds. */
export function difference(before: ByPart, after: ByPart, of: number): Record<string, number> {
    return Object.fromEntries(Object.entries(after).map(([part, value]) => [part, (value - (before[part] ?? 0)) / of]));
}

/** CPU time of all processors together, as /proc/stat tells; waiting for a disk leaves a processor free. */
export function machineTimes(stat: string): Counters["machine"] {
    const ticks = stat.slice(0, stat.indexOf("\n")).trim().split(/ +/).slice(1, 9).map(Number);
    const [, , , idle = 0, waiting = 0] = ticks;
    const all = ticks.reduce((sum, value) => sum + value, 0);
    return { busy: (all - idle - waiting) * (1e6 / TICKS), idle: (idle + waiting) * (1e6 / TICKS) };
}

/** CPU time in a process's stat, in ticks: its own and that of the kernel for it. */
export function ticksOf(stat: string): { readonly own: number; readonly kernel: number } {
    const [own = 0, kernel = 0] = stat
        .slice(stat.lastIndexOf(")") + 2)
        .split(" ")
        .slice(11, 13)
        .map(Number);
    return { own, kernel };
}

/** The connections that were opened in a network namespace, as its net/snmp tells. */
export function activeOpens(snmp: string): number {
    const [names = [], values = []] = [...snmp.matchAll(/^Tcp: (.*)$/gm)].map(([, line = ""]) => line.split(" "));
    return Number(values[names.indexOf("ActiveOpens")] ?? NaN);
}

/** The folder of the memory of the pod that a process is in, by the process's cgroup file; of either version of cgroups. */
export function podGroup(cgroup: string): string | undefined {
    const [, path] = /^\d+:(?:[^:]*,)?memory(?:,[^:]*)?:(.*)$/m.exec(cgroup) ?? [];
    const [, unified] = /^0::(.*)$/m.exec(cgroup) ?? [];
    const pod = /^.*pod[-_0-9a-f]{32,36}[^/]*/.exec(path ?? unified ?? "")?.[0];
    return pod === undefined ? undefined : `/sys/fs/cgroup${path === undefined ? "" : "/memory"}${pod}`;
}

function workingSet(group: string): number {
    const usage = ["memory.current", "memory.usage_in_bytes"].map((file) =>
        attempt(() => Number(readFileSync(`${group}/${file}`, "utf8")), NaN),
    );
    const stat = readFileSync(`${group}/memory.stat`, "utf8");
    const inactive = /^total_inactive_file (\d+)$/m.exec(stat) ?? /^inactive_file (\d+)$/m.exec(stat);
    return (usage.find((bytes) => !Number.isNaN(bytes)) ?? NaN) - Number(inactive?.[1] ?? 0);
}

/** The machine's processes that belong to a part. */
function processes(pods: Pods): { pid: string; part: string; isPod: boolean }[] {
    const names = [...pods].flatMap(([part, uids]) =>
        uids.map((uid) => [uid, uid.replaceAll("-", "_"), part] as const),
    );
    return readdirSync("/proc")
        .filter((name) => /^\d+$/.test(name))
        .flatMap((pid) => {
            const cgroup = attempt(() => read(pid, "cgroup"), "");
            const pod = names.find(([uid, underlined]) => cgroup.includes(uid) || cgroup.includes(underlined))?.[2];
            const program = PROGRAMS[attempt(() => read(pid, "comm").trim(), "")];
            const part = pod ?? program;
            return part === undefined ? [] : [{ pid, part, isPod: pod !== undefined }];
        });
}

function read(pid: string, file: string): string {
    return readFileSync(`/proc/${pid}/${file}`, "utf8");
}

/** A value, or another one where the process has ended meanwhile. */
function attempt<T>(value: () => T, otherwise: T): T {
    try {
        return value();
    } catch {
        return otherwise;
    }
}
