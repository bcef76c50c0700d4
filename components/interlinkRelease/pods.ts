import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { mirroredImage } from "../parts/image";
import { PodSecurityLevel } from "../parts/namespace";
import { PodDefaults, pullSecrets, RESTRICTED_CONTAINER, userIds } from "../parts/pods";
import { placement, Scheduling } from "../parts/ports";

type Container = k8s.types.input.core.v1.Container;
type PodSpec = k8s.types.input.core.v1.PodSpec;

/** Containers of the chart whose images run as any user; a plugin's and the SSH bastion's may need root. */
const UNPRIVILEGED: readonly unknown[] = ["vk", "interlink", "refresh-token"];
/** Where the chart keeps a pod of a tunnel, which the virtual kubelet makes. */
const TUNNEL_TEMPLATE = "wstunnel.yaml";

/** The kinds of volumes that the level restricted admits; baseline admits all others, but for a node's folders. */
const RESTRICTED_VOLUMES: readonly string[] = [
    "configMap",
    "csi",
    "downwardAPI",
    "emptyDir",
    "ephemeral",
    "persistentVolumeClaim",
    "projected",
    "secret",
];

/** The strictest PodSecurity level that the chart's pod satisfies, with what its values add to the virtual kubelet. */
export function podSecurityLevel(values: Readonly<Record<string, unknown>>): PodSecurityLevel {
    const { plugin, sshBastion, extraVolumes } = values as {
        readonly plugin?: { readonly enabled?: boolean; readonly privileged?: boolean };
        readonly sshBastion?: { readonly enabled?: boolean };
        readonly extraVolumes?: readonly object[] | null;
    };
    if ((plugin?.enabled && plugin.privileged) || extraVolumes?.some((volume) => "hostPath" in volume)) {
        return "privileged";
    }
    const others = extraVolumes?.some((volume) =>
        Object.keys(volume).some((key) => key !== "name" && !RESTRICTED_VOLUMES.includes(key)),
    );
    return plugin?.enabled || sshBastion?.enabled || others ? "baseline" : "restricted";
}

/**
 * Gives the chart's pods what the chart has no values for: images from the mirror, the Secret to pull them, no more
 * privileges than they need, and the places where all pods may run.
 */
export function podTransform(pods: PodDefaults, registry: string | undefined): pulumi.ResourceTransform {
    return ({ type, props, opts }) => {
        if (type === "kubernetes:core/v1:ConfigMap") {
            const data = pulumi
                .output((props.data ?? {}) as Record<string, string>)
                .apply((given) => mirroredTunnel(given, registry));
            return { props: { ...props, data }, opts };
        }
        if (type !== "kubernetes:apps/v1:Deployment") {
            return undefined;
        }
        const spec = pulumi.output(props.spec as k8s.types.input.apps.v1.DeploymentSpec).apply((given) => ({
            ...given,
            template: { ...given.template, spec: podSpec(given.template.spec as PodSpec, pods, registry) },
        }));
        return { props: { ...props, spec }, opts };
    };
}

function podSpec(given: PodSpec, pods: PodDefaults, registry: string | undefined): PodSpec {
    const { nodeSelector, tolerations } = given as Scheduling;
    return {
        ...given,
        ...placement(undefined, {
            nodeSelector: { ...pods.nodeSelector, ...nodeSelector },
            tolerations: [...(pods.tolerations ?? []), ...(tolerations ?? [])],
        }),
        imagePullSecrets: pullSecrets(pods),
        securityContext: {
            seccompProfile: { type: "RuntimeDefault" },
            ...(given.securityContext as object | undefined),
        },
        ...(given.initContainers && {
            initContainers: containers(given.initContainers as Container[], pods, registry),
        }),
        containers: containers(given.containers as Container[], pods, registry),
    };
}

function containers(given: readonly Container[], pods: PodDefaults, registry: string | undefined): Container[] {
    return given.map((container) => ({
        ...container,
        image: mirroredImage(container.image as string, registry),
        securityContext: UNPRIVILEGED.includes(container.name)
            ? {
                  ...RESTRICTED_CONTAINER,
                  runAsNonRoot: true,
                  ...userIds(pods),
                  ...(container.securityContext as object | undefined),
              }
            : container.securityContext,
    }));
}

/** The template of a tunnel's pod with its images from the mirror. */
function mirroredTunnel(data: Record<string, string>, registry: string | undefined): Record<string, string> {
    const template = data[TUNNEL_TEMPLATE];
    return template === undefined
        ? data
        : {
              ...data,
              [TUNNEL_TEMPLATE]: template.replace(
                  /^(\s*(?:- )?image: *["']?)([^\s"'{}]+)/gm,
                  (_, key: string, image: string) => key + mirroredImage(image, registry),
              ),
          };
}
