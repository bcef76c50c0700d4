import { createHash } from "node:crypto";
import { cpSync, existsSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { PROJECT } from "../machine/layout";
import { run } from "../machine/shell";
import { fingerprint, moduleSource, version } from "../toolchain/tools";

/** Charts that Go modules hold: the tool that is built from the module, the chart's folder, and what the folder lacks. */
const CHARTS: Readonly<
    Record<string, { readonly folder: string; readonly complete?: (source: string, chart: string) => void }>
> = {
    "cert-manager": { folder: "deploy/charts/cert-manager", complete: completeCertManager },
    "ingress-nginx": { folder: "charts/ingress-nginx" },
    metallb: { folder: "charts/metallb" },
};

/** Lays the charts where the setting mirror.charts expects them, beside the one for InterLink. */
export async function ensureCharts(): Promise<void> {
    for (const [name, { folder, complete }] of Object.entries(CHARTS)) {
        const target = join(PROJECT, "local", "images", "charts", name);
        // Names the build whose images the chart asks for, and how the chart is completed here.
        const stamp = `${target}.build`;
        const build = `${fingerprint(name)} ${createHash("sha256").update(readFileSync(__filename)).digest("hex")}`;
        if (existsSync(stamp) && readFileSync(stamp, "utf8") === build) {
            continue;
        }
        const source = await moduleSource(name);
        const part = `${target}.part`;
        rmSync(part, { recursive: true, force: true });
        cpSync(join(source, folder), part, { recursive: true });
        // Files of the module cache are read-only.
        await run(["chmod", "-R", "u+w", part]);
        complete?.(source, part);
        rmSync(target, { recursive: true, force: true });
        renameSync(part, target);
        writeFileSync(stamp, build);
    }
}

/** cert-manager's module holds the chart in parts: the chart, its version, and the custom resource definitions. */
function completeCertManager(source: string, chart: string): void {
    const definitions = join(source, "deploy", "crds");
    for (const file of readdirSync(definitions).filter((name) => name.endsWith(".yaml"))) {
        const text = readFileSync(join(definitions, file), "utf8");
        // As the chart's later versions say: who removes the release does not remove everybody's certificates.
        const kept = text.replace(/^metadata:$/m, "metadata:\n  annotations: { helm.sh/resource-policy: keep }");
        writeFileSync(join(chart, "templates", file), kept);
    }
    const text = readFileSync(join(chart, "Chart.template.yaml"), "utf8")
        .replaceAll(/^(version|appVersion): .*$/gm, `$1: ${version("cert-manager")}`)
        .replaceAll("{{IS_PRERELEASE}}", "false");
    writeFileSync(join(chart, "Chart.yaml"), text);
}
