import * as pulumi from "@pulumi/pulumi";
import { InterlinkRelease, InterlinkReleaseArgs, valuesFile } from "../components/interlinkRelease";
import { PodDefaults } from "../components/parts/pods";
import { Settings } from "../settings/schema";
import { Site, sitesOf } from "../settings/sites";
import { chartRegistry, mirroredChart, mirroredImage } from "./mirror";
import { Names } from "./names";
import { Place, placed } from "./place";
import { DeployedOutputs } from "./outputs";

/** Tells when the virtual kubelet of a node, in a namespace, was last started anew: now, where the cluster has lost the node. */
export type NodeLook = (nodeName: string, namespace: string) => Promise<string | undefined>;

/** What a stack is told of the cluster; nothing where there is none to look at. */
export interface Cluster {
    /** Looks for a virtual node. */
    readonly lookAtNode?: NodeLook;
    /**
     * TCP ports at which pods reach the API server.
     * @default the usual ones
     */
    readonly apiServerPorts?: readonly number[];
}

/** What the releases of a stack have in common, besides the settings. */
export interface ReleasePlace {
    /** Where they go. */
    readonly place: Place;
    /** Makes a name that no other stack in the cluster has, where the settings ask for that. */
    readonly unique: Names;
    /** What all pods have in common. */
    readonly pods: PodDefaults;
    /** Looks whether a virtual node is there; undefined where there is no cluster to look at. */
    readonly lookAtNode: NodeLook | undefined;
}

/** One InterLink release for each site, all with the same way back to the Kubernetes API. */
export function interlinkReleases(
    settings: Settings,
    kubernetesApi: InterlinkReleaseArgs["kubernetesApi"],
    { place, unique, pods, lookAtNode }: ReleasePlace,
): Pick<DeployedOutputs, "interlinkNodeName" | "interlinkNodeNames" | "interlinkValues"> {
    const { images, mirror } = settings;
    const image = (name: string) => mirroredImage(name, mirror.registry);
    const nodeNames = sitesOf(settings).map((site) => {
        const chart = mirroredChart("interlink", site.chart, mirror);
        const node = { nodeName: unique(site.nodeName), namespace: unique(site.namespace) };
        const release = new InterlinkRelease(
            placed(site.id, place),
            {
                ...node,
                chart,
                chartRegistry: chartRegistry(chart, settings),
                chartVersion: site.chartVersion,
                allowUnknownChartVersion: site.allowUnknownChartVersion,
                kubernetesApi,
                interlink: interlinkApi(site, settings),
                virtualKubeletImage: image(images.virtualKubelet),
                refreshTokenImage: image(images.refreshToken),
                kubectlImage: image(images.kubectl),
                kubeletCertificate: site.kubeletCertificate,
                approverImage: image(images.approver),
                resources: site.resources,
                restarted:
                    lookAtNode && pulumi.all([node.nodeName, node.namespace]).apply((names) => lookAtNode(...names)),
                imageRegistry: mirror.registry,
                pods,
                values: "values" in site ? site.values : settings.interlinkValues,
            },
            place.opts,
        );
        return release.nodeName;
    });
    const interlinkNodeNames = pulumi.all(nodeNames);
    return {
        interlinkNodeName: interlinkNodeNames.apply(([first = ""]) => first),
        interlinkNodeNames,
        interlinkValues: valuesFile(kubernetesApi),
    };
}

/** Where a site's InterLink API server is. */
function interlinkApi(site: Site, { images, mirror }: Settings): InterlinkReleaseArgs["interlink"] {
    if (site.mode !== "in-cluster") {
        const { address, port, tls } = site;
        return { address, port, tls: { ...tls, key: tls.key && pulumi.secret(tls.key) } };
    }
    return {
        image: mirroredImage(images.interlinkApi, mirror.registry),
        plugin: { image: mirroredImage(site.plugin.image, mirror.registry), config: site.plugin.config },
        sockets: site.sockets,
    };
}
