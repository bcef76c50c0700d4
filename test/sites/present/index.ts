/** cert-manager as a site may have it: installed by others, in a namespace of another name. */
import { join } from "node:path";
import * as k8s from "@pulumi/kubernetes";
import { PROJECT } from "../../../local/machine/layout";

const labels = { "pod-security.kubernetes.io/enforce": "restricted" };
const namespace = new k8s.core.v1.Namespace("namespace", { metadata: { name: "security", labels } });
const resources = { limits: { memory: "1Gi" } };
new k8s.helm.v4.Chart("cert-manager", {
    chart: join(PROJECT, "local", "images", "charts", "cert-manager"),
    namespace: namespace.metadata.name,
    values: { startupapicheck: { enabled: false }, resources, webhook: { resources }, cainjector: { resources } },
});
