import * as pulumi from "@pulumi/pulumi";
import { RegistryLogin } from "./pods";

/** How the OCI registry of a chart is spoken to. */
export interface ChartRegistry {
    /** Login; default is what `helm registry login` left on the machine. */
    readonly login?: pulumi.Input<RegistryLogin>;
    /** Path of a file with the CA, PEM, of the registry's certificate; default is what the machine trusts. */
    readonly caFile?: string;
}

/** Software from a Helm chart: installed by a component, or there in the cluster already. */
export type Release =
    | {
          /** It is installed. */
          readonly install: true;
          /** Its namespace; made by the component. */
          readonly namespace: string;
          /**
           * Chart: an oci:// address or a folder.
           * @default the chart of its name in its own chart repository
           */
          readonly chart?: string;
          /** Version of the chart. */
          readonly version: string;
          /** More values for the chart; they win over what the component sets. */
          readonly values?: Readonly<Record<string, unknown>>;
          /** How the chart's registry is spoken to. */
          readonly registry?: ChartRegistry;
      }
    | {
          /** The cluster has it. */
          readonly install: false;
          /** Its namespace. */
          readonly namespace: string;
      };

/** A release that is installed. */
export type InstalledRelease = Extract<Release, { install: true }>;

/** Where a chart comes from, as helm.v4.Chart spells it: what was given, or the chart of a name in its own repository. */
export function chartSource(given: string | undefined, name: string, repo: string, registry: ChartRegistry = {}) {
    return given === undefined
        ? { chart: name, repositoryOpts: { repo } }
        : { chart: given, repositoryOpts: registryOptions(registry) };
}

/** How a chart's registry is spoken to, as helm.v4.Chart spells it. */
export function registryOptions({ login, caFile }: ChartRegistry) {
    return {
        ...loginOptions(login),
        ...(caFile === undefined ? {} : { caFile: new pulumi.asset.FileAsset(caFile) }),
    };
}

/** The login to a chart's registry, as every Helm resource spells it. */
export function loginOptions(login: ChartRegistry["login"]) {
    if (login === undefined) {
        return {};
    }
    const secret = pulumi.secret(login);
    return { username: secret.apply(({ username }) => username), password: secret.apply(({ password }) => password) };
}

/** Host and port of the registry of a chart with an oci:// address; undefined for others. */
export function chartHost(chart: string | undefined): string | undefined {
    return /^oci:\/\/([^/]+)/.exec(chart ?? "")?.[1];
}

/** A chart's values: `theirs` over `ours`, object by object. */
export function mergeValues(
    ours: Readonly<Record<string, unknown>>,
    theirs: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
    const result = { ...ours };
    for (const [key, value] of Object.entries(theirs)) {
        const mine = result[key];
        result[key] = isRecord(mine) && isRecord(value) ? mergeValues(mine, value) : value;
    }
    return result;
}

function isRecord(value: unknown): value is Record<string, unknown> {
    return typeof value === "object" && value !== null && !Array.isArray(value);
}
