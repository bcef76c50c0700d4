import { readFileSync } from "node:fs";
import { join } from "node:path";
import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { Document, parse, stringify, visit } from "yaml";
import { parseSettings } from "../../../settings/read";
import { deploy } from "../../../stacks";
import { BAD_SETTINGS } from "./badSettings";
import { record, recordedResources, settledStack } from "./mocks";

const PROJECT = join(__dirname, "..", "..", "..");
const STACKS = ["kind", "cloud", "metallb"] as const;

/** Every file that is generated, by its path from the project's root: the documentation of errors, and the goldens. */
export const GENERATED: Readonly<Record<string, () => string | Promise<string>>> = {
    "docs/configuration-errors.md": configurationErrors,
    ...Object.fromEntries(STACKS.map((stack) => [`test/unit/goldens/${stack}.yaml`, () => golden(stack)])),
};

/** The settings of an example, Pulumi.<stack>.yaml. */
export function exampleSettings(stack: string): Record<string, unknown> {
    const { config } = parse(readFileSync(join(PROJECT, `Pulumi.${stack}.yaml`), "utf8")) as {
        config: Record<string, unknown>;
    };
    return Object.fromEntries(Object.entries(config).map(([key, value]) => [key.split(":")[1] ?? key, value]));
}

/** What a stack would create from its example: each resource with what it is given. */
async function golden(stack: string): Promise<string> {
    await record();
    await settledStack(deploy(parseSettings(exampleSettings(stack)), new k8s.Provider("kubernetes", {})));
    const resources = recordedResources()
        .filter(({ type, read }) => !read && !/^(interlink|pulumi):/.test(type))
        .map(({ type, name, inputs }) => {
            const own = Object.entries(inputs).filter(([key]) => key !== "apiVersion" && key !== "kind");
            return [`${type.split(/[:/]/).at(-1)} ${name}`, shortened(Object.fromEntries(own))] as const;
        })
        .sort(([left], [right]) => (left < right ? -1 : 1));
    const document = new Document(Object.fromEntries(resources), { aliasDuplicateObjects: false });
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
                : `\`${key}: ${stringify(value, { collectionStyle: "flow", lineWidth: 0 }).trim()}\``,
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
