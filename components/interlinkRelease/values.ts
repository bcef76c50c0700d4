import * as pulumi from "@pulumi/pulumi";
import { stringify } from "yaml";
import { CHART_VERSIONS, KUBERNETES_API_VALUES, KubernetesApi } from "./chart";

/** How much further the known charts indent the first line of the CA than the others. */
const INDENTATION = "      ";

/** The chart's values, below `interlink`, by which jobs find the Kubernetes API and get their tokens. */
export function jobValues(kubernetesApi: Readonly<Record<keyof typeof KUBERNETES_API_VALUES, string | number>>) {
    return {
        ...kubernetesApi,
        // InterLink's installer turns them off; without them no token reaches the far side.
        disableProjectedVolumes: false,
        // As text: the chart takes the boolean for unset and logs verbosely, with every token that it fetches.
        logging: { verboseLogging: "false" },
    };
}

/** The same as a file for whoever deploys the chart by other means, YAML: its CA is right as the known charts indent it. */
export function valuesFile(kubernetesApi: KubernetesApi): pulumi.Output<string> {
    return pulumi.output(kubernetesApi).apply(({ address, port, caCertificate }) => {
        const interlink = jobValues({
            kubernetesApiAddr: address,
            kubernetesApiPort: port,
            kubernetesApiCaCrt: caCertificate.trim().replaceAll("\n", `\n${INDENTATION}`),
        });
        return (
            `# For InterLink's charts ${CHART_VERSIONS.join(", ")}: they indent the CA's first line more than the others.\n` +
            stringify({ interlink }, { lineWidth: 0 })
        );
    });
}
