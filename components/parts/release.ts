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
export function chartSource(given: string | undefined, name: string, repo: string) {
    return given === undefined ? { chart: name, repositoryOpts: { repo } } : { chart: given, repositoryOpts: {} };
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
