import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { checkArguments } from "../parts/arguments";
import { podNamespace } from "../parts/namespace";
import { networkPolicy } from "../parts/networkPolicy";
import { PodDefaults } from "../parts/pods";
import { ChartRegistry, mergeValues, registryOptions } from "../parts/release";
import { CHART_VERSIONS, chartTransforms, KNOWN_CHART_VERSION, KUBERNETES_API_VALUES, KubernetesApi } from "./chart";
import { checkedValues } from "./checkedValues";
import { certificateApprover, KUBELET_CERTIFICATES } from "./kubeletCertificate";
import { nodeReady, taintsOf, virtualNode } from "./node";
import { podSecurityLevel, podTransform } from "./pods";
import { InterlinkTls, tlsChecks, tlsDigest, tlsSecret, tlsValues, warnOfTls } from "./tls";
import { EdgeApi, InClusterApi, topologyValues } from "./topology";
import { releaseTraffic } from "./traffic";
import { jobValues } from "./values";

export { CHART_VERSIONS, KNOWN_CHART_VERSION } from "./chart";
export { KUBELET_CERTIFICATES } from "./kubeletCertificate";
export { type InterlinkTls } from "./tls";
export { valuesFile } from "./values";

/** Arguments of InterlinkRelease. */
export interface InterlinkReleaseArgs {
    /** Namespace of the virtual kubelet; made by the component. */
    readonly namespace: pulumi.Input<string>;
    /** Name of the virtual node. */
    readonly nodeName: pulumi.Input<string>;
    /**
     * Chart: an oci:// address or a folder.
     * @default "oci://ghcr.io/interlink-hq/interlink-helm-chart/interlink"
     */
    readonly chart?: string;
    /** How the chart's registry is spoken to. */
    readonly chartRegistry?: ChartRegistry;
    /** Version of the chart; one that the component does not know is refused. */
    readonly chartVersion: string;
    /**
     * Takes a chart version that is not known.
     * @default false
     */
    readonly allowUnknownChartVersion?: boolean;
    /** Where workload outside the cluster finds the Kubernetes API: the guide's "Configure InterLink Helm Chart". */
    readonly kubernetesApi: KubernetesApi;
    /** InterLink's API server: on the far side, or in the virtual kubelet's pod. */
    readonly interlink: EdgeApi | InClusterApi;
    /** Image of the virtual kubelet. */
    readonly virtualKubeletImage: pulumi.Input<string>;
    /** Image that renews the token for the InterLink API server, where `values` enable OAUTH; the chart itself would take `latest`. */
    readonly refreshTokenImage: pulumi.Input<string>;
    /** Image with kubectl, to wait for the virtual node. */
    readonly kubectlImage: pulumi.Input<string>;
    /**
     * Who signs the virtual kubelet's serving certificate: itself, or the cluster, where an approver that stays lets it.
     * @default "self-signed"
     */
    readonly kubeletCertificate?: (typeof KUBELET_CERTIFICATES)[number];
    /** Image with kubectl and a shell, to approve that certificate. */
    readonly approverImage: pulumi.Input<string>;
    /** What the virtual node offers. */
    readonly resources: {
        /** CPU cores. */
        readonly cpus: number;
        /** Memory, GiB. */
        readonly memGiB: number;
        /** Number of pods. */
        readonly pods: number;
    };
    /**
     * More values for the chart, such as OAUTH; they win over what the component sets, except where the Kubernetes API and
     * InterLink's are. The virtual node has the taints of `virtualNode.nodeTaints` from the beginning.
     */
    readonly values?: pulumi.Input<Readonly<Record<string, unknown>>>;
    /** Registry, with a path where there is one, that holds the copies of all images; default is each image's own. */
    readonly imageRegistry?: string;
    /**
     * What the pods have in common with all others.
     * @default {}
     */
    readonly pods?: PodDefaults;
    /**
     * When the virtual kubelet was last started anew: another text starts it anew, and it makes the virtual node where the
     * cluster has lost it.
     * @default undefined, never
     */
    readonly restarted?: pulumi.Input<string | undefined>;
}

/**
 * InterLink's Helm release, told where the Kubernetes API is, and its virtual node awaited. A provider without
 * enableConfigMapMutable and enableSecretMutable deletes the configuration of a virtual kubelet that runs before it changes it.
 */
export class InterlinkRelease extends pulumi.ComponentResource {
    /** Name of the virtual node; resolves when the node is Ready. */
    readonly nodeName: pulumi.Output<string>;

    constructor(name: string, args: InterlinkReleaseArgs, opts?: pulumi.ComponentResourceOptions) {
        super("interlink:index:InterlinkRelease", name, args, opts);
        const { chartVersion, pods = {} } = args;
        const edge = "plugin" in args.interlink ? undefined : args.interlink;
        const tls = edge?.tls ?? {};
        checkArguments(this, [
            ...tlsChecks(tls),
            {
                key: "chartVersion",
                value: chartVersion,
                ok: CHART_VERSIONS.includes(chartVersion) || args.allowUnknownChartVersion === true,
                allowed: KNOWN_CHART_VERSION,
            },
        ]);

        const values = pulumi
            .all([chartValues(args, tls), args.values ?? {}])
            .apply(([ours, theirs]) => mergeValues(ours, checkedValues(theirs, tls, this)));
        // What a pod needs is no secret, even where the values hold some.
        const level = pulumi.unsecret(values.apply(podSecurityLevel));
        const namespace = podNamespace(`${name}-namespace`, { name: args.namespace, level, pods }, { parent: this });
        const place = { nodeName: args.nodeName, namespace };
        networkPolicy(
            `${name}-network-policy`,
            {
                metadata: { name: args.nodeName, namespace },
                // Hosts and ports are no secrets, even where the values hold some.
                traffic: (toApiServer) => pulumi.unsecret(values.apply((all) => releaseTraffic(all, toApiServer))),
            },
            pods,
            { parent: this },
        );
        if (edge !== undefined) {
            warnOfTls(tls, edge.address, this);
        }
        const secret = tlsSecret(name, { ...place, tls }, this);
        const node = virtualNode(name, args.nodeName, taintsOf(values), this);
        if (args.kubeletCertificate === "signed") {
            certificateApprover(name, { ...place, image: args.approverImage, pods }, this);
        }
        const { chart, rendered } = interlinkChart(name, args, { tls, namespace, values }, this, [node, ...secret]);
        const { kubectlImage, restarted } = args;
        const ready = nodeReady(name, { ...place, kubectlImage, restarted, pods }, chart, this);
        this.nodeName = pulumi.all([args.nodeName, ready.id, rendered]).apply(([nodeName]) => nodeName);
        this.registerOutputs({ nodeName: this.nodeName });
    }
}

/** The chart, and what resolves when it was found to have what the component changes in it. */
function interlinkChart(
    name: string,
    args: InterlinkReleaseArgs,
    {
        tls,
        namespace,
        values,
    }: {
        readonly tls: InterlinkTls;
        readonly namespace: pulumi.Input<string>;
        readonly values: pulumi.Output<Record<string, unknown>>;
    },
    parent: pulumi.Resource,
    dependsOn: pulumi.Resource[],
) {
    const { kubernetesApi, chartVersion, restarted } = args;
    const { transforms, checkChanged } = chartTransforms({
        chartVersion,
        kubernetesApi,
        insecure: tls.insecure === true,
        configuration: pulumi.output([kubernetesApi, values, tlsDigest(tls)]),
        secretValues: args.values !== undefined,
        restarted,
    });
    // Not a helm.v3.Release: that runs the chart's pre-delete hook, whose image has been withdrawn, and destroy would fail.
    const chart = new k8s.helm.v4.Chart(
        `${name}-chart`,
        {
            // Some of the chart's objects are named by it.
            name,
            chart: args.chart ?? "oci://ghcr.io/interlink-hq/interlink-helm-chart/interlink",
            repositoryOpts: registryOptions(args.chartRegistry ?? {}),
            version: chartVersion,
            namespace,
            values,
        },
        { parent, dependsOn, transforms: [podTransform(args.pods ?? {}, args.imageRegistry), ...transforms] },
    );
    // Undefined where nothing was rendered, as in unit tests.
    const rendered = chart.resources.apply((objects: unknown[] | undefined) =>
        objects === undefined ? undefined : checkChanged(),
    );
    return { chart, rendered };
}

/** The values that the component sets; spelled as the chart spells them. */
function chartValues(args: InterlinkReleaseArgs, tls: InterlinkTls): pulumi.Input<Record<string, unknown>> {
    const { interlink, others } = topologyValues(args.interlink);
    const verified = tlsValues(tls);
    return pulumi.output({
        nodeName: args.nodeName,
        interlink: {
            ...interlink,
            ...jobValues(KUBERNETES_API_VALUES),
            tls: verified.interlink,
        },
        ...others,
        OAUTH: { image: args.refreshTokenImage },
        virtualNode: {
            image: args.virtualKubeletImage,
            resources: { CPUs: args.resources.cpus, memGiB: args.resources.memGiB, pods: args.resources.pods },
            // Without an approver nobody would sign; a self-signed certificate serves kubectl logs at once.
            disableCSR: args.kubeletCertificate !== "signed",
            HTTP: verified.virtualNode,
        },
    });
}
