import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parseDocument } from "yaml";
import { z } from "zod";
import { defaultOf, schema } from "../../../settings/schema";
import { docstring } from "./docstrings";

const PROJECT = join(__dirname, "..", "..", "..");
/** Types that Pulumi's command checks without refusing what the program takes: objects and lists may also be texts in JSON. */
const CHECKED: readonly unknown[] = ["string", "integer", "boolean"];

/** A setting in the block `config` of Pulumi.yaml. */
interface Declaration {
    readonly type?: unknown;
    readonly description: string;
    readonly default: unknown;
}

/** A setting as one environment has it. */
interface Variant {
    readonly environment: string;
    readonly field: z.ZodType;
    readonly sentence: string;
}

/** Pulumi.yaml, with every setting of the schema: its type, what the schema says above it, its default. */
export function projectFile(): string {
    const document = parseDocument(readFileSync(join(PROJECT, "Pulumi.yaml"), "utf8"));
    document.set("config", document.createNode(declarations()));
    return document.toString({ lineWidth: 0 });
}

/** The declaration of every setting, by its name. */
function declarations(): Record<string, Declaration> {
    const environments = schema.options.map(({ shape }) => ({
        name: shape.environment.value,
        fields: new Map<string, z.ZodType>(Object.entries(shape)),
    }));
    const names = new Set(environments.flatMap(({ fields }) => [...fields.keys()]));
    const declared = [...names].map((name) => {
        const variants = environments.flatMap(({ name: environment, fields }) => {
            const field = fields.get(name);
            // What decides which environment it is, the first one says.
            const schemaName = name === "environment" ? "kind" : environment;
            return field === undefined ? [] : [{ environment, field, sentence: docstring(schemaName, [name]) }];
        });
        return [name, declaration(name, variants, environments.length)] as const;
    });
    const interlinkValues = {
        description:
            "Object. More values for the InterLink chart of `interlink`, such as OAUTH; to be set by `--secret`.",
        default: "",
    };
    return { ...Object.fromEntries<Declaration>(declared), interlinkValues };
}

/** A setting's declaration, from what the environments that have it say. */
function declaration(name: string, variants: readonly Variant[], count: number): Declaration {
    const type = typeOf(variants[0]?.field);
    const common = defaultOf(name);
    const said = variants.map(({ environment, field, sentence }) => {
        const own = common === undefined ? field.safeParse(undefined).data : undefined;
        const text = sentence + (own === undefined ? "" : ` Default ${JSON.stringify(own)}.`);
        return { environment, text };
    });
    const texts = [...new Set(said.map(({ text }) => text))];
    const sentence =
        texts.length === 1 ? texts[0] : said.map(({ environment, text }) => `In ${environment}: ${text}`).join(" ");
    const where = variants.map(({ environment }) => environment).join(", ");
    const only = variants.length === count || texts.length > 1 ? "" : ` In ${where} alone.`;
    const kind = { object: "Object. ", array: "List. " }[String(type)] ?? "";
    return {
        ...(CHECKED.includes(type) && { type }),
        description: `${kind}${sentence}${only}`,
        default: common ?? "",
    };
}

/** The type of what a stack gives for a setting; of a choice between objects, object. */
function typeOf(field: z.ZodType | undefined): unknown {
    return field && (z.toJSONSchema(field, { io: "input", unrepresentable: "any" }).type ?? "object");
}
