import { readFileSync } from "node:fs";
import { join } from "node:path";
import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { ComponentProvider } from "@pulumi/pulumi/provider/experimental";
import * as prettier from "prettier";
import { Document, parse, stringify, visit } from "yaml";
import { PROVIDER_TABLE } from "../../../components/loadBalancer";
import { parseSettings } from "../../../settings/read";
import { VERSION as ARGO_VERSION } from "../../../examples/argo/workflowController";
import { version } from "../../../local/toolchain/tools";
import { PROVIDER } from "../../../package/provider";
import { deploy } from "../../../stacks";
import { mirroredImage } from "../../../stacks/mirror";
import { summaryOf } from "../../../stacks/summary";
import { chartImages, charts, images } from "../../../versions";
import { BAD_SETTINGS } from "./badSettings";
import { record, recordedResources, settledStack, valueOf } from "./mocks";
import { projectFile } from "./projectFile";
import { settingsReference } from "./settingsReference";

const PROJECT = join(__dirname, "..", "..", "..");
const STACKS = ["kind", "cloud", "metallb", "external"] as const;

/** Every file that is generated, wholly or in part, by its path from the project's root. */
export const GENERATED: Readonly<Record<string, () => string | Promise<string>>> = {
    "README.md": () => withTables("README.md", "versions", [versionTable()]),
    "Pulumi.yaml": () => formatted("Pulumi.yaml", projectFile()),
    "docs/closed-networks.md": () =>
        withTables("docs/closed-networks.md", "images and charts", [imageTable(), chartTable()]),
    "docs/configuration.md": settingsReference,
    "docs/configuration-errors.md": configurationErrors,
    "docs/load-balancers.md": loadBalancers,
    "package/schema.json": packageSchema,
    ...Object.fromEntries(STACKS.map((stack) => [`test/unit/goldens/${stack}.yaml`, () => golden(stack)])),
};

/** The settings of an example, Pulumi.<stack>.yaml. */
export function exampleSettings(stack: string): Record<string, unknown> {
    const { config } = parse(readFileSync(join(PROJECT, `Pulumi.${stack}.yaml`), "utf8")) as {
        config: Record<string, unknown>;
    };
    return Object.fromEntries(Object.entries(config).map(([key, value]) => [key.split(":")[1] ?? key, value]));
}

/** What a stack would create from its example: each resource with what it is given, and the summary. */
async function golden(stack: string): Promise<string> {
    await record();
    const settings = parseSettings(exampleSettings(stack));
    const outputs = deploy(settings, { opts: { provider: new k8s.Provider("kubernetes", {}) } });
    await settledStack(outputs);
    const asked = { tokenLifetimeSeconds: pulumi.output(86_400), kubeconfig: pulumi.output("") };
    const summary = await valueOf(summaryOf({ ...outputs, ...asked }, settings, stack));
    const resources = recordedResources()
        .filter(({ type, read }) => !read && !/^(interlink|pulumi):/.test(type))
        .map(({ type, name, inputs }) => {
            const own = Object.entries(inputs).filter(([key]) => key !== "apiVersion" && key !== "kind");
            return [`${type.split(/[:/]/).at(-1)} ${name}`, shortened(Object.fromEntries(own))] as const;
        })
        .sort(([left], [right]) => (left < right ? -1 : 1));
    const content = { ...Object.fromEntries(resources), "the output summary": parse(summary) as object };
    const document = new Document(content, { aliasDuplicateObjects: false });
    visit(document, {
        Collection: (_, node) => {
            node.flow = JSON.stringify(node.toJS(document)).length < 100;
        },
    });
    const head = `# What \`pulumi up\` would create with Pulumi.${stack}.yaml. Made by \`npm run generate\`.\n`;
    return head + document.toString({ lineWidth: 140 });
}

/** Inputs without secrets and without texts of several lines. */
function shortened(value: unknown): unknown {
    if (typeof value === "string") {
        const lines = value.trim().split("\n").length;
        return lines > 1 ? `(${lines} lines)` : value;
    }
    if (Array.isArray(value)) {
        return value.map(shortened);
    }
    if (typeof value === "object" && value !== null) {
        return pulumi.runtime.isRpcSecret(value)
            ? "[secret]"
            : Object.fromEntries(Object.entries(value).map(([key, part]) => [key, shortened(part)]));
    }
    return value;
}

/** The table of what somebody may get wrong, and the sentence for it. */
function configurationErrors(): string {
    const rows = BAD_SETTINGS.map(({ good, change, says }) => {
        const settings = Object.entries(change).map(([key, value]) =>
            value === undefined
                ? `no \`${key}\``
                : `\`${key}: ${stringify(shortened(value), { collectionStyle: "flow", lineWidth: 0 }).trim()}\``,
        );
        const sentences = says.map((sentence) => sentence.replaceAll("|", "\\|"));
        return `| ${good.environment as string} | ${settings.join("<br>")} | ${sentences.join("<br>")} |`;
    });
    return `# Wrong settings, and what the program says

Every fault gets one sentence, which begins with the setting's key below \`interlink-kube-api:\`; all faults are named at once,
and nothing is created. Each row is a test. Made by \`npm run generate\`.

| environment | setting | sentence |
| --- | --- | --- |
${rows.join("\n")}
`;
}

/** The table of what is known of each provider's load balancers. */
function loadBalancers(): string {
    const quoted = (annotations: Readonly<Record<string, string>>) =>
        Object.entries(annotations)
            .map(([key, value]) => `\`${key}: ${value}\``)
            .join("<br>");
    const sections = Object.entries(PROVIDER_TABLE).map(([provider, entry]) => {
        const rows = [
            ["makes", entry.product],
            ["told always, here with ports 80 and 443", quoted(entry.always({ http: 80, https: 443 }))],
            ["told by `internal: true`", quoted(entry.internal)],
            ["told by `internal: false`", quoted(entry.public)],
            ["told by `sourceRanges`", quoted(entry.restricted)],
            ["an internal one is reached from", entry.reach],
            ["forgets silent connections after", entry.silence],
            ["leads to", entry.targets],
            ["keeps to source ranges", entry.sourceRanges],
            ["ports", entry.ports],
            ["says who", entry.sources.map((source) => `<${source}>`).join("<br>")],
        ];
        const table = rows.map(([what, is]) => `| ${what} | ${is || "-"} |`).join("\n");
        return `## ${provider}\n\n| | |\n| --- | --- |\n${table}\n`;
    });
    return `# Load balancers

What is known of the load balancers of each \`loadBalancer.provider\`, and what the program tells them by annotations of the
Service. None of it was run on these providers. \`loadBalancer.annotations\` adds others, and replaces these. Made by
\`npm run generate\` from components/loadBalancer/providers.ts.

${sections.join("\n")}`;
}

/** The schema that Pulumi derives for programs in other languages. */
async function packageSchema(): Promise<string> {
    const schema = await new ComponentProvider(PROVIDER).getSchema();
    return formatted("package/schema.json", schema);
}

/** A page of which tables between two marks are generated. */
async function withTables(path: string, name: string, tables: readonly string[]): Promise<string> {
    const file = join(PROJECT, path);
    const text = readFileSync(file, "utf8");
    const [begin, end] = [`<!-- ${name}, by \`npm run generate\` -->`, `<!-- end of ${name} -->`];
    const whole =
        text.slice(0, text.indexOf(begin)) +
        `${begin}\n\n${tables.join("\n\n")}\n\n${end}` +
        text.slice(text.indexOf(end) + end.length);
    return formatted(path, whole);
}

/** A text in the style of the project's files. */
async function formatted(path: string, text: string): Promise<string> {
    return prettier.format(text, { ...(await prettier.resolveConfig(join(PROJECT, path))), filepath: path });
}

/** What runs by default, and what was built and run on the local cluster. */
function versionTable(): string {
    const rows = versionRows().map(([part, theirs, ours]) => [part, theirs, ours === theirs ? "the same" : ours]);
    return table(["part", "default", "on the local cluster"], rows);
}

/** A Markdown table. */
function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
    const lines = [head, head.map(() => "---"), ...rows].map((cells) => `| ${cells.join(" | ")} |`);
    return lines.join("\n");
}

/** When each image is pulled. */
const PULLED: Readonly<Record<keyof typeof images, string>> = {
    nginx: "unless `environment: external`",
    mtail: "with `metrics.enabled`",
    traefik: "with `controller: traefik`",
    ingressNginx: "with `controller: ingress-nginx`",
    kubectl: "always",
    approver: "with `interlink.kubeletCertificate: signed`",
    virtualKubelet: "always",
    interlinkApi: "with `mode: in-cluster`",
    refreshToken: "with `OAUTH` in `interlinkValues`",
};

/** The images to be copied into a closed network; MetalLB's of FRR are not pulled, as layer 2 needs none. */
function imageTable(): string {
    const { controller, speaker } = chartImages.metalLB;
    const ofCharts = [
        ...Object.values(chartImages.certManager).map((image) => [`${image}:${charts.certManager}`, "certManager"]),
        ...[controller, speaker].map((image) => [`${image}:v${charts.metalLB}`, "metallb"]),
    ];
    const rows = [
        ...Object.entries(PULLED).map(([name, when]) => [images[name as keyof typeof images], when]),
        ...ofCharts.map(([image = "", setting]) => [image, `with \`${setting}: { install: true }\``]),
    ];
    return table(
        ["image", "below `mirror.registry`", "pulled"],
        rows.map(([image = "", when = ""]) => [`\`${image}\``, `\`${mirroredImage(image, "").slice(1)}\``, when]),
    );
}

/** The charts to be copied into a closed network, by their names below the setting mirror.charts. */
function chartTable(): string {
    const rows = [
        ["interlink", "oci://ghcr.io/interlink-hq/interlink-helm-chart/interlink", charts.interlink, "always"],
        ["cert-manager", "https://charts.jetstack.io", charts.certManager, "with `certManager: { install: true }`"],
        ["metallb", "https://metallb.github.io/metallb", charts.metalLB, "with `metallb: { install: true }`"],
        [
            "ingress-nginx",
            "https://kubernetes.github.io/ingress-nginx",
            charts.ingressNginx,
            "with `controller: ingress-nginx`",
        ],
    ];
    return table(["chart", "from", "version", "taken"], rows);
}

/** Each part's name, the version that is the default, and the one that the local cluster runs. */
function versionRows(): (readonly [string, string, string])[] {
    const dev = parseSettings(exampleSettings("dev"));
    if (dev.environment === "external") {
        throw new Error("the local cluster has a way in of its own");
    }
    const npm = JSON.parse(readFileSync(join(PROJECT, "package.json"), "utf8")) as {
        dependencies: Record<string, string>;
    };
    const tag = (image: string) => image.replace(/@.*/, "").replace(/.*:/, "");
    const plain = (version: string) => version.replace(/^v(?=\d)/, "");
    const certManager = dev.certManager.install ? dev.certManager.version : "";
    const rows: [string, string, string][] = [
        ["Kubernetes", "the cluster's own", version("kubernetes")],
        ["kind", "the site's own", version("kind")],
        ["Pulumi", npm.dependencies["@pulumi/pulumi"] ?? "", version("pulumi")],
        [
            "Pulumi's Kubernetes provider",
            npm.dependencies["@pulumi/kubernetes"] ?? "",
            version("pulumi-resource-kubernetes"),
        ],
        ["nginx, the proxy", tag(images.nginx), `${tag(dev.images.nginx)}, Debian's`],
        ["mtail, where metrics are wanted", tag(images.mtail), `${tag(dev.images.mtail)}, Debian's`],
        ["Traefik", tag(images.traefik), tag(dev.images.traefik)],
        ["ingress-nginx", tag(images.ingressNginx), tag(dev.images.ingressNginx)],
        ["ingress-nginx's chart", charts.ingressNginx, dev.ingressNginx.chartVersion],
        ["kubectl, for Jobs that wait", tag(images.kubectl), tag(dev.images.kubectl)],
        ["cert-manager and its chart", charts.certManager, certManager],
        ["MetalLB and its chart", charts.metalLB, version("metallb")],
        ["InterLink's virtual kubelet", tag(images.virtualKubelet), tag(dev.images.virtualKubelet)],
        ["InterLink's chart", charts.interlink, "a stand-in with its faults"],
        ["Argo Workflows, in examples/argo", ARGO_VERSION, version("argo")],
        ["Slurm", "the site's own", "22.05, Debian's"],
    ];
    return rows.map(([part, theirs, ours]) => [part, plain(theirs), plain(ours)]);
}
