import { Recorded } from "./mocks";

/** Settings of the kernel that the standard admits, as far as they are used. */
const SAFE_SYSCTLS: readonly string[] = ["time", "intvl", "probes"].map((name) => `net.ipv4.tcp_keepalive_${name}`);

/** A container as far as the checks read it. */
interface Container {
    readonly name: string;
    readonly image: string;
    readonly ports?: readonly { readonly hostPort?: number }[];
    readonly resources?: { readonly requests?: Resources; readonly limits?: Resources };
    readonly securityContext?: SecurityContext;
}

/** A pod as far as the checks read it. */
export interface PodSpec {
    readonly automountServiceAccountToken?: boolean;
    readonly containers: readonly Container[];
    readonly initContainers?: readonly Container[];
    readonly hostNetwork?: boolean;
    readonly hostPID?: boolean;
    readonly hostIPC?: boolean;
    readonly imagePullSecrets?: readonly { readonly name: string }[];
    readonly nodeSelector?: Readonly<Record<string, string>>;
    readonly securityContext?: SecurityContext & { readonly sysctls?: readonly { readonly name: string }[] };
    readonly serviceAccountName?: string;
    readonly tolerations?: readonly object[];
    readonly volumes?: readonly Readonly<Record<string, unknown>>[];
}

type Resources = Readonly<Record<string, string>>;

interface SecurityContext {
    readonly allowPrivilegeEscalation?: boolean;
    readonly capabilities?: { readonly add?: readonly string[]; readonly drop?: readonly string[] };
    readonly privileged?: boolean;
    readonly procMount?: string;
    readonly readOnlyRootFilesystem?: boolean;
    readonly runAsNonRoot?: boolean;
    readonly runAsUser?: number;
    readonly seccompProfile?: { readonly type: string };
}

const VOLUMES = [
    "configMap",
    "csi",
    "downwardAPI",
    "emptyDir",
    "ephemeral",
    "image",
    "persistentVolumeClaim",
    "projected",
    "secret",
];

/** The specification of the pods that a recorded resource makes; undefined where it makes none. */
export function podSpecOf({ inputs }: Recorded): PodSpec | undefined {
    const { spec } = inputs as { readonly spec?: { readonly template?: { readonly spec?: PodSpec } } };
    return spec?.template?.spec;
}

/** What the PodSecurity standard `restricted`, and with it `baseline`, has against a pod; one sentence each. */
export function restrictedViolations(pod: PodSpec): string[] {
    const own = pod.securityContext ?? {};
    const found: (readonly [boolean, string])[] = [
        [pod.hostNetwork === true || pod.hostPID === true || pod.hostIPC === true, "host namespaces"],
        [own.runAsUser === 0, "runs as root"],
        [(own.sysctls ?? []).some(({ name }) => !SAFE_SYSCTLS.includes(name)), "sysctls"],
        ...(pod.volumes ?? []).map(
            (volume) =>
                [
                    !Object.keys(volume).every((key) => key === "name" || VOLUMES.includes(key)),
                    `volume ${String(volume.name)}`,
                ] as const,
        ),
    ];
    for (const { name, ports, securityContext: context = {} } of [...(pod.initContainers ?? []), ...pod.containers]) {
        const { add = [], drop = [] } = context.capabilities ?? {};
        const seccomp = context.seccompProfile ?? own.seccompProfile;
        found.push(
            [context.privileged === true, `${name} is privileged`],
            [context.allowPrivilegeEscalation !== false, `${name} may escalate`],
            [
                !drop.includes("ALL") || add.some((capability) => capability !== "NET_BIND_SERVICE"),
                `${name}'s capabilities`,
            ],
            [(context.runAsNonRoot ?? own.runAsNonRoot) !== true, `${name} may run as root`],
            [context.runAsUser === 0, `${name} runs as root`],
            [seccomp?.type !== "RuntimeDefault" && seccomp?.type !== "Localhost", `${name} has no seccomp profile`],
            [context.procMount !== undefined && context.procMount !== "Default", `${name}'s procMount`],
            [
                (ports ?? []).some(({ hostPort }) => hostPort !== undefined && hostPort !== 0),
                `${name} takes ports of the node`,
            ],
        );
    }
    return found.filter(([bad]) => bad).map(([, what]) => what);
}
