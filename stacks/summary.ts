import { X509Certificate } from "node:crypto";
import * as pulumi from "@pulumi/pulumi";
import { stringify } from "yaml";
import { certificatesIn } from "../components/parts/arguments";
import { Settings } from "../settings/schema";
import { sitesOf } from "../settings/sites";
import { CheckedOutputs } from "./outputs";

/** Whose requests get through, by the setting admit. */
const ADMITTED = {
    all: "every request, as the API server decides",
    tokens: "requests with a token",
    jobs: "jobs of these virtual nodes alone",
} as const;
/** Seconds of an hour. */
const HOUR = 3600;
/** What a preview says of what it does not know. */
const LATER = "known after the update";

/**
 * What a stack is, for people: YAML, since so Pulumi shows it line by line, in terminals and comments. What a preview does not know
 * yet is said to be so.
 * @param stack its name, for the commands that come next
 */
export function summaryOf(outputs: CheckedOutputs, settings: Settings, stack: string): pulumi.Output<string> {
    const { apiServerPort, caCertificate, ingressClassName, interlinkNodeNames, tokenLifetimeSeconds } = outputs;
    // The outputs with names wait until what is named is there: a preview knows no more than the settings.
    const planned = (name: string) => (settings.uniqueNames ? `${name}-…` : name);
    const nodeNames = sitesOf(settings).map(({ nodeName }) => planned(nodeName));
    const className = settings.environment === "external" ? "" : planned(settings.ingressClassName);
    return pulumi
        .all({
            url: known(outputs.apiServerUrl),
            host: known(outputs.apiServerHost),
            controller: known(ingressClassName, className),
            nodes: known(interlinkNodeNames.apply(listed), listed(nodeNames)),
            end: known(caCertificate.apply(endsOf)),
            lifetime: known(tokenLifetimeSeconds.apply(lifetimeOf)),
        })
        .apply(({ url, host, controller, nodes, end, lifetime }) =>
            stringify(
                {
                    "Kubernetes API": url,
                    Address: `${host}, TCP port ${apiServerPort}`,
                    ...(settings.environment === "external"
                        ? { "Way in": "somebody else's" }
                        : {
                              "Way in": settings.controller === "none" ? "the proxy itself" : `class ${controller}`,
                              Admitted: ADMITTED[settings.admit],
                              Certificate: `lives for ${settings.certificate.duration}, and is renewed by itself`,
                          }),
                    "CA ends": end,
                    "Virtual nodes": nodes,
                    "Job's token": lifetime,
                    Next: nextSteps(settings, stack),
                },
                { lineWidth: 0 },
            ),
        );
}

/** What to do with a stack that is up. */
function nextSteps({ kubeconfigFor }: Settings, stack: string): string[] {
    const doctor = `npm run --silent doctor -- --stack ${stack}`;
    return [
        `${doctor} asks every link from here`,
        `${doctor} --script > check.sh makes the script that asks from the HPC side`,
        ...(kubeconfigFor === undefined
            ? []
            : [`pulumi stack output kubeconfig --show-secrets > kubeconfig is for ${kubeconfigFor}, for a day`]),
    ];
}

/** The last days of the certificates in a text. */
function endsOf(certificates: string): string {
    return listed(
        certificatesIn(certificates).map((pem) =>
            new Date(new X509Certificate(pem).validTo).toISOString().slice(0, 10),
        ),
    );
}

function listed(names: readonly string[]): string {
    return names.join(", ");
}

/** A number of seconds in hours or, from two days on, in days. */
function lifetimeOf(seconds: number): string {
    const days = Math.floor(seconds / (24 * HOUR));
    const length = days < 2 ? `${Math.floor(seconds / HOUR)} hours` : `${days} days`;
    return seconds === 0 ? "of unknown lifetime" : `lives for ${length}`;
}

/** What a text is, or what stands for it in a preview: an Output of several is unknown as soon as one of them is. */
function known(text: pulumi.Output<string>, otherwise = LATER): pulumi.Output<string> {
    let found = otherwise;
    const read = text.apply((value) => (found = value));
    // Whether an Output is a secret is told when it resolves; unlike apply, also where it is unknown.
    return pulumi.output(pulumi.isSecret(read).then(() => found));
}
