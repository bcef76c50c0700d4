import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { httpsUrl } from "../components/parts/arguments";
import { ExternalSettings } from "../settings/schema";
import { uniqueNames } from "./names";
import { DeployedOutputs } from "./outputs";
import { podDefaultsOf } from "./pods";
import { Place, placed } from "./place";
import { Cluster, interlinkReleases } from "./releases";

/** A way in that somebody else provides: only InterLink is told of it. */
export function externalStack(settings: ExternalSettings, place: Place, cluster: Cluster): DeployedOutputs {
    const { address, port } = settings.api;
    const caCertificate = pulumi.output(settings.api.caCertificate ?? clusterCertificateAuthority(place));
    const kubernetesApi = { address, port, caCertificate };
    const shared = {
        place,
        unique: uniqueNames(settings, place),
        pods: podDefaultsOf(settings, cluster),
        lookAtNode: cluster.lookAtNode,
    };
    const nodes = interlinkReleases(settings, kubernetesApi, shared);
    return {
        apiServerUrl: pulumi.output(httpsUrl(address, port)),
        apiServerHost: pulumi.output(address),
        apiServerPort: port,
        caCertificate,
        ingressClassName: pulumi.output(""),
        ...nodes,
        namespace: pulumi.output(""),
    };
}

/** What pods of the cluster verify the API server by: Kubernetes puts it into every namespace. */
function clusterCertificateAuthority(place: Place): pulumi.Output<string> {
    const root = k8s.core.v1.ConfigMap.get(placed("cluster-ca", place), "kube-system/kube-root-ca.crt", place.opts);
    return root.data.apply((data) => data["ca.crt"] ?? "");
}
