import * as pulumi from "@pulumi/pulumi";
import { refusal } from "../components/parts/arguments";
import { parseSettings, withSecrets } from "../settings/read";
import { deploy } from "../stacks";
import { ApiAccessArgs } from "./arguments";

/**
 * Access to the Kubernetes API for what InterLink runs outside the cluster: a certificate authority, a proxy in front of the API
 * server, the way to it, and InterLink's virtual nodes, which tell jobs of it. The objects are made by the Kubernetes provider
 * that the component is given; their names begin with the component's. Unlike the program, it does not look at what the cluster
 * has before, and does not ask the API through the way in after.
 */
export class ApiAccess extends pulumi.ComponentResource {
    /** Namespace of the controller, the proxy and the Ingress; empty where somebody else provides the way in. */
    readonly namespace: pulumi.Output<string>;
    /** Class of the internal ingress controller; empty where there is no controller. */
    readonly ingressClassName: pulumi.Output<string>;
    /** CA certificate that verifies the URL, PEM, in a rotation the old and the new one; public. */
    readonly caCertificate: pulumi.Output<string>;
    /** URL of the API server for clients outside the cluster, such as https://10.1.2.3:60443. */
    readonly apiServerUrl: pulumi.Output<string>;
    /** Host in that URL: an IP address, without brackets, or a DNS name. */
    readonly apiServerHost: pulumi.Output<string>;
    /** TCP port in that URL. */
    readonly apiServerPort: pulumi.Output<number>;
    /** Name of InterLink's virtual node, for nodeSelectors; of several, the first of interlinkNodeNames. */
    readonly interlinkNodeName: pulumi.Output<string>;
    /** Names of all virtual nodes, in the order of their sites' names. */
    readonly interlinkNodeNames: pulumi.Output<string[]>;
    /** Values for InterLink's chart, YAML, for whoever runs it by other means: address, port and CA of the API server. */
    readonly interlinkValues: pulumi.Output<string>;

    constructor(name: string, args: ApiAccessArgs, opts?: pulumi.ComponentResourceOptions) {
        super("interlink-kube-api:index:ApiAccess", name, args, opts);
        const { interlinkValues, ...plain } = args;
        const later = laterValues(plain, name);
        if (later.length > 0) {
            throw new pulumi.RunError(later.join("\n"));
        }
        const prefix = `${name}.`;
        const secret = interlinkValues && pulumi.secret(interlinkValues);
        const settings = withSecrets(parseSettings(plain, prefix), secret, prefix);
        const outputs = deploy(settings, { opts: { parent: this }, prefix: `${name}-` });

        this.namespace = outputs.namespace;
        this.ingressClassName = outputs.ingressClassName;
        this.caCertificate = outputs.caCertificate;
        this.apiServerUrl = outputs.apiServerUrl;
        this.apiServerHost = outputs.apiServerHost;
        this.apiServerPort = pulumi.output(outputs.apiServerPort);
        this.interlinkNodeName = outputs.interlinkNodeName;
        this.interlinkNodeNames = outputs.interlinkNodeNames;
        this.interlinkValues = outputs.interlinkValues;
        this.registerOutputs(outputs);
    }
}

/** One sentence for each value below a key that is known only when something was made, or that is a secret. */
function laterValues(value: unknown, key: string): string[] {
    if (pulumi.Output.isInstance(value) || value instanceof Promise) {
        const allowed = "a value that is known before anything is made, and no secret";
        return [refusal({ key, value: "[output]", allowed })];
    }
    return typeof value === "object" && value !== null
        ? Object.entries(value).flatMap(([step, part]) => laterValues(part, `${key}.${step}`))
        : [];
}
