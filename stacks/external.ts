import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { httpsUrl } from "../components/parts/arguments";
import { ExternalSettings } from "../settings/schema";
import { uniqueNames } from "./names";
import { DeployedOutputs } from "./outputs";
import { podDefaultsOf } from "./pods";
import { Cluster, interlinkReleases } from "./releases";

/** A way in that somebody else provides: only InterLink is told of it. */
export function externalStack(
    settings: ExternalSettings,
    provider: pulumi.ProviderResource,
    cluster: Cluster,
): DeployedOutputs {
    const { address, port } = settings.api;
    const caCertificate = pulumi.output(settings.api.caCertificate ?? clusterCertificateAuthority(provider));
    const kubernetesApi = { address, port, caCertificate };
    const place = {
        unique: uniqueNames(settings),
        pods: podDefaultsOf(settings, cluster),
        lookAtNode: cluster.lookAtNode,
    };
    const nodes = interlinkReleases(settings, kubernetesApi, place, { provider });
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
function clusterCertificateAuthority(provider: pulumi.ProviderResource): pulumi.Output<string> {
    const root = k8s.core.v1.ConfigMap.get("cluster-ca", "kube-system/kube-root-ca.crt", { provider });
    return root.data.apply((data) => data["ca.crt"] ?? "");
}
