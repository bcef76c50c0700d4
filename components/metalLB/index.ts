import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { ADDRESS_RANGE, addressRange, checkArguments } from "../parts/arguments";
import { grantedAccount } from "../parts/grant";
import { kubectlPodSpec } from "../parts/kubectlPod";
import { podNamespace } from "../parts/namespace";
import { PodDefaults, pullSecrets } from "../parts/pods";
import { placement } from "../parts/ports";
import { chartSource, InstalledRelease, mergeValues, Release } from "../parts/release";

/** Annotations by which MetalLB gives a Service a chosen address: 0.13 knows the first, later versions prefer the second. */
export function addressAnnotations(address: string): Record<string, string> {
    return { "metallb.universe.tf/loadBalancerIPs": address, "metallb.io/loadBalancerIPs": address };
}

/** How often the webhook is asked before the component gives up; each time takes longer, three minutes in all. */
const WEBHOOK_TRIES = 6;
/** Asks the API server, and with it the webhook, whether it would take an object, whoever has it now. */
const DRY_RUN = ["--server-side", "--force-conflicts", "--dry-run=server"];
const GROUP = "metallb.io";

const RESOURCES = { requests: { cpu: "20m", memory: "64Mi" }, limits: { cpu: "500m", memory: "256Mi" } };
/** Values for the chart: layer 2 needs no routing daemon, which is frr until 0.15 and frrk8s from 0.16 on. */
const VALUES = {
    // It makes the certificate of its webhook in its first seconds. When it gets ready, kubelet looks for what has changed of the
    // pod's Secrets; before that it would find nothing yet, and look again a minute later.
    controller: { resources: RESOURCES, readinessProbe: { initialDelaySeconds: 5, periodSeconds: 2 } },
    speaker: { resources: RESOURCES, frr: { enabled: false } },
    frrk8s: { enabled: false },
};

/** Arguments of MetalLB. */
export interface MetalLBArgs {
    /** Where MetalLB comes from; one that is there already serves its webhook. */
    readonly release: Release;
    /** Name of the pool and of its announcement. */
    readonly poolName: pulumi.Input<string>;
    /** Addresses of the pool: CIDRs, or ranges such as 10.1.2.3-10.1.2.9. */
    readonly addresses: readonly string[];
    /**
     * Whether any Service may get an address of the pool, or only one that asks for it.
     * @default false
     */
    readonly autoAssign?: boolean;
    /**
     * Class of the Services that an installed MetalLB serves.
     * @default none: it serves those without a class
     */
    readonly loadBalancerClass?: string;
    /** Image with kubectl, to wait for the webhook of an installed MetalLB. */
    readonly kubectlImage: pulumi.Input<string>;
    /**
     * What the pods have in common with all others.
     * @default {}
     */
    readonly pods?: PodDefaults;
}

/** Load balancers for a cluster without a cloud: MetalLB, and a pool that it announces by ARP and NDP. */
export class MetalLB extends pulumi.ComponentResource {
    constructor(name: string, args: MetalLBArgs, opts?: pulumi.ComponentResourceOptions) {
        super("interlink:index:MetalLB", name, args, opts);
        const { release, autoAssign = false } = args;
        checkArguments(
            this,
            args.addresses.map((range, index) => ({
                key: `addresses.${index}`,
                value: range,
                ok: addressRange(range) !== undefined,
                allowed: ADDRESS_RANGE,
            })),
        );
        const pool = {
            apiVersion: `${GROUP}/v1beta1`,
            kind: "IPAddressPool",
            metadata: { name: args.poolName, namespace: release.namespace },
            spec: { addresses: [...args.addresses], autoAssign },
        };
        // A webhook that serves already refuses a pool by itself, in a preview too.
        const dependsOn = release.install
            ? [webhookServes(name, args, pool, installMetalLB(name, args, release, this), this)]
            : [];
        const { metadata } = new k8s.apiextensions.CustomResource(`${name}-pool`, pool, { parent: this, dependsOn });
        new k8s.apiextensions.CustomResource(
            `${name}-l2-advertisement`,
            {
                apiVersion: `${GROUP}/v1beta1`,
                kind: "L2Advertisement",
                metadata: pool.metadata,
                spec: { ipAddressPools: [metadata.name] },
            },
            { parent: this, dependsOn },
        );
        this.registerOutputs({});
    }
}

/** MetalLB's namespace and chart. The speaker answers ARP on the nodes' own network, for which it needs privileges. */
function installMetalLB(
    name: string,
    { loadBalancerClass = "", pods = {} }: MetalLBArgs,
    release: InstalledRelease,
    parent: pulumi.Resource,
): pulumi.Resource {
    const namespace = podNamespace(
        `${name}-namespace`,
        { name: release.namespace, level: "privileged", pods },
        { parent },
    );
    const values = mergeValues(VALUES, {
        imagePullSecrets: pullSecrets(pods) ?? [],
        controller: placement(undefined, pods),
        speaker: placement(undefined, pods),
    });
    return new k8s.helm.v4.Chart(
        `${name}-chart`,
        {
            name: "metallb",
            ...chartSource(release.chart, "metallb", "https://metallb.github.io/metallb", release.registry),
            version: release.version,
            namespace,
            values: { ...mergeValues(values, release.values ?? {}), loadBalancerClass },
        },
        { parent },
    );
}

/**
 * A Job that ends when MetalLB's webhook takes the pool: from 0.16 on its pod is ready before the webhook serves, and until
 * then the API server refuses every pool.
 */
function webhookServes(
    name: string,
    args: MetalLBArgs,
    pool: object,
    installed: pulumi.Resource,
    parent: pulumi.Resource,
): pulumi.Resource {
    const namespace = args.release.namespace;
    const metadata = { name: pulumi.interpolate`${args.poolName}-webhook`, namespace };
    const options = { parent, dependsOn: installed };
    const { serviceAccountName, binding } = grantedAccount(
        `${name}-webhook`,
        {
            metadata,
            scope: "namespace",
            rules: [{ apiGroups: [GROUP], resources: ["ipaddresspools"], verbs: ["create", "get", "patch"] }],
        },
        options,
    );
    const manifest = new k8s.core.v1.ConfigMap(
        `${name}-webhook-pool`,
        { metadata, data: { "pool.json": pulumi.jsonStringify(pool) } },
        options,
    );
    return new k8s.batch.v1.Job(
        `${name}-webhook`,
        {
            metadata,
            spec: {
                backoffLimit: WEBHOOK_TRIES,
                template: {
                    spec: kubectlPodSpec({
                        image: args.kubectlImage,
                        serviceAccountName,
                        restartPolicy: "OnFailure",
                        pods: args.pods ?? {},
                        // Not created: when the pods change, the pool is there already.
                        command: ["kubectl", "apply", ...DRY_RUN, "-f", "/pool/pool.json"],
                        configMap: { name: manifest.metadata.name, mountPath: "/pool" },
                    }),
                },
            },
        },
        { parent, dependsOn: [installed, binding] },
    );
}
