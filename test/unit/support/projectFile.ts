import { readFileSync } from "node:fs";
import { join } from "node:path";
import * as prettier from "prettier";
import * as ts from "typescript";
import { parseDocument } from "yaml";
import { z } from "zod";
import { defaultOf, schema } from "../../../settings/schema";

const PROJECT = join(__dirname, "..", "..", "..");
const SCHEMA = join(PROJECT, "settings", "schema.ts");
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
export async function projectFile(): Promise<string> {
    const path = join(PROJECT, "Pulumi.yaml");
    const document = parseDocument(readFileSync(path, "utf8"));
    document.set("config", document.createNode(declarations()));
    const options = await prettier.resolveConfig(path);
    return prettier.format(document.toString({ lineWidth: 0 }), { ...options, parser: "yaml" });
}

/** The declaration of every setting, by its name. */
function declarations(): Record<string, Declaration> {
    const environments = schema.options.map(({ shape }) => ({
        name: shape.environment.value,
        fields: new Map<string, z.ZodType>(Object.entries(shape)),
    }));
    const sentences = schemaSentences();
    const names = new Set(environments.flatMap(({ fields }) => [...fields.keys()]));
    const declared = [...names].map((name) => {
        const variants = environments.flatMap(({ name: environment, fields }) => {
            const field = fields.get(name);
            const sentence = sentences.get(`${environment}.${name}`) ?? sentences.get(`common.${name}`) ?? "";
            return field === undefined ? [] : [{ environment, field, sentence }];
        });
        return [name, declaration(name, variants, environments.length)] as const;
    });
    const interlinkValues = {
        description: `Object. ${sentences.get("SecretSettings.interlinkValues")}`,
        default: "",
    };
    return { ...Object.fromEntries<Declaration>(declared), interlinkValues };
}

/** A setting's declaration, from what the environments that have it say. */
function declaration(name: string, variants: readonly Variant[], count: number): Declaration {
    const type = typeOf(variants[0]?.field);
    const common = defaultOf(name);
    const said = variants
        .filter(({ sentence }) => sentence !== "")
        .map(({ environment, field, sentence }) => {
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

/** What the schema says above each setting, in one line, by the name of the constant or interface and the setting's. */
function schemaSentences(): ReadonlyMap<string, string> {
    const source = ts.createSourceFile(SCHEMA, readFileSync(SCHEMA, "utf8"), ts.ScriptTarget.Latest, true);
    const found = new Map<string, string>();
    const add = (holder: string, members: Iterable<ts.ObjectLiteralElementLike | ts.TypeElement>) => {
        for (const member of members) {
            const [comment] = ts.getJSDocCommentsAndTags(member);
            const text = ts.getTextOfJSDocComment(comment?.comment);
            if (member.name !== undefined && text !== undefined) {
                found.set(`${holder}.${member.name.getText(source)}`, text.replace(/\s+/g, " "));
            }
        }
    };
    for (const statement of source.statements) {
        if (ts.isInterfaceDeclaration(statement)) {
            add(statement.name.text, statement.members);
        }
        for (const { name, initializer } of ts.isVariableStatement(statement)
            ? statement.declarationList.declarations
            : []) {
            // An object, or the one that a function of zod's is given.
            const object =
                initializer !== undefined && ts.isCallExpression(initializer) ? initializer.arguments[0] : initializer;
            if (object !== undefined && ts.isObjectLiteralExpression(object)) {
                add(name.getText(source), object.properties);
            }
        }
    }
    return found;
}
