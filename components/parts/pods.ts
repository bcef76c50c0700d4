import * as pulumi from "@pulumi/pulumi";
import { HostPorts, placement, Scheduling } from "./ports";

/** A login to a registry of images or charts. */
export interface RegistryLogin {
    /** Name of the user. */
    readonly username: string;
    /** Password or token. */
    readonly password: string;
}

/** What all pods of a stack have in common. */
export interface PodDefaults extends Scheduling {
    /** The Secret with which kubelet pulls images; without, registries are asked without a login. */
    readonly pullSecret?: {
        /** Name of the Secret, in each namespace; cert-manager's plugin takes no Output in a chart's values. */
        readonly name: string;
        /** Logins by their registries, such as mirror.site.example:5000. */
        readonly logins: Readonly<Record<string, pulumi.Input<RegistryLogin>>>;
    };
    /** What their network policies are made of; without, there are none. */
    readonly networkPolicies?: {
        /** TCP ports at which pods reach the API server, behind its Service. */
        readonly apiServerPorts: readonly number[];
    };
    /**
     * Whether the cluster gives pods their user IDs, as OpenShift does: then they name none themselves.
     * @default false
     */
    readonly assignedUserIds?: boolean;
}

/** What each container may do: as little as the PodSecurity standard `restricted` asks for. */
export const RESTRICTED_CONTAINER = { allowPrivilegeEscalation: false, capabilities: { drop: ["ALL"] } };

/** The ID, of nobody, for images that would run as root. */
const USER_ID = 65532;

/** A user and a group of a pod or a container; none where the image or the cluster names them. */
export interface UserIds {
    readonly runAsUser?: number;
    readonly runAsGroup?: number;
}

/** References to the Secret with which kubelet pulls images; undefined where there is none. */
export function pullSecrets({ pullSecret }: PodDefaults): { name: string }[] | undefined {
    return pullSecret && [{ name: pullSecret.name }];
}

/** The user and group for an image that would run as root, unless the cluster assigns them. */
export function userIds({ assignedUserIds }: PodDefaults): UserIds {
    return assignedUserIds === true ? {} : { runAsUser: USER_ID, runAsGroup: USER_ID };
}

/** What a pod of ours has in common with all others; `user` is what its image leaves open. */
export function podDefaults(pods: PodDefaults, user: UserIds, hostPorts?: HostPorts) {
    return {
        ...placement(hostPorts, pods),
        imagePullSecrets: pullSecrets(pods),
        securityContext: { runAsNonRoot: true, ...user, seccompProfile: { type: "RuntimeDefault" } },
    };
}
