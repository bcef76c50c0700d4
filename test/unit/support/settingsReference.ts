import { stringify } from "yaml";
import { z } from "zod";
import { schema } from "../../../settings/schema";
import { ANY_NAME, docstring } from "./docstrings";

/** A row of a setting's table. */
interface Row {
    readonly key: string;
    readonly type: string;
    readonly standard: string;
    readonly allowed: string;
    readonly what: string;
}

/** Stands for the default of a setting that has none and may be left out. */
const NONE = "–";
const ENVIRONMENTS = environments();

/** The reference of all settings: each as its environments have it, with the settings within it. */
export function settingsReference(): string {
    const sections = new Map<string, string[]>();
    for (const [environment, settings] of Object.entries(ENVIRONMENTS)) {
        for (const [key, setting] of Object.entries(settings.shape).filter(([name]) => name !== "environment")) {
            const text = section(environment, key, setting as z.ZodType);
            sections.set(text, [...(sections.get(text) ?? []), environment]);
        }
    }
    const groups = new Map([["every environment", [environmentSection(), interlinkValuesSection()]]]);
    for (const [text, where] of sections) {
        const everywhere = where.length === Object.keys(ENVIRONMENTS).length;
        const group = everywhere ? "every environment" : where.join(", ").replace(/, (\w+)$/, " and $1");
        groups.set(group, [...(groups.get(group) ?? []), text]);
    }
    return `# Settings

All settings of a stack. They stand in \`Pulumi.<stack>.yaml\` below the prefix \`interlink-kube-api:\`, or are set there by \`pulumi\`;
a part of one by \`--path\`:

\`\`\`
pulumi config set interlink-kube-api:controller traefik
pulumi config set --path 'interlink-kube-api:limits.burst' 100
\`\`\`

"Required" settings have no default and have to be given, those within an object where that object is. "${NONE}" is one that has no default
and may be left out. What the program says of a wrong one: [configuration-errors.md](configuration-errors.md). Made by
\`npm run generate\` from [settings/schema.ts](../settings/schema.ts).

${[...groups].map(([where, texts]) => `## In ${where}\n\n${texts.join("\n")}`).join("\n")}`;
}

/** What decides which other settings there are. */
function environmentSection(): string {
    const row = { key: "environment", type: "text", standard: "required", allowed: allowed(schema), what: "" };
    return `### environment\n\nHow the HPC side comes in; it decides which settings there are.\n\n${table([row])}`;
}

/** The one setting that is not in the schema. */
function interlinkValuesSection(): string {
    const allowed = "an object of chart values";
    const row = { key: "interlinkValues", type: "object", standard: NONE, allowed, what: "" };
    return `### interlinkValues

More values for the InterLink chart of \`interlink\`, such as OAUTH, as JSON; to be set by \`--secret\`. Each of \`sites\` has \`values\` instead.

${table([row])}`;
}

/** The settings of each environment. */
function environments(): Record<string, z.ZodObject<z.ZodRawShape>> {
    const options = schema.options as readonly z.ZodObject<z.ZodRawShape>[];
    return Object.fromEntries(options.map((option) => [String(literals(option.shape.environment)[0]), option]));
}

/** A setting with its table. */
function section(environment: string, key: string, setting: z.ZodType): string {
    const [own, ...within] = rows(environment, [key], setting) as [Row, ...Row[]];
    return `### ${key}\n\n${escaped(own.what)}\n\n${table([{ ...own, what: "" }, ...within])}`;
}

function table(all: readonly Row[]): string {
    const lines = all.map(({ key, type, standard, allowed, what }) => {
        const cells = [type, standard, allowed, what].map(escaped);
        return `| \`${key}\` | ${cells.join(" | ")} |\n`;
    });
    return `| key | type | default | what is allowed | what it is |\n| --- | --- | --- | --- | --- |\n${lines.join("")}`;
}

function escaped(cell: string): string {
    return cell
        .replaceAll("|", "\\|")
        .replaceAll("<", "\\<")
        .replace(/\bdocs\/([\w-]+\.md)/, "[$&]($1)");
}

/** A setting and what is within it. */
function rows(environment: string, path: readonly string[], setting: z.ZodType): Row[] {
    const { type, standard } = withDefault(setting);
    const what = path.at(-1) === ANY_NAME ? "" : docstring(environment, path);
    const own = { key: path.join("."), type: typeName(type), standard, allowed: allowed(type), what };
    return [own, ...parts(environment, path, type)];
}

/** What is within an object, a record of objects, or one of several kinds of objects. */
function parts(environment: string, path: readonly string[], type: z.ZodType): Row[] {
    const shapeRows = (shape: z.ZodRawShape) =>
        Object.entries(shape).flatMap(([key, part]) => rows(environment, [...path, key], part as z.ZodType));
    if (type instanceof z.ZodObject) {
        return shapeRows(type.shape);
    }
    if (type instanceof z.ZodRecord) {
        const value = withDefault(type.valueType as z.ZodType).type;
        return parts(environment, [...path, ANY_NAME], value);
    }
    return type instanceof z.ZodDiscriminatedUnion ? choiceRows(environment, path, type, shapeRows) : [];
}

/** What is within one of several kinds of objects: what tells them apart, and then what each has. */
function choiceRows(
    environment: string,
    path: readonly string[],
    choice: z.ZodDiscriminatedUnion,
    shapeRows: (shape: z.ZodRawShape) => Row[],
): Row[] {
    const { discriminator } = choice.def;
    const options = (choice.options as readonly z.ZodObject<z.ZodRawShape>[]).map(({ shape }) => {
        const { [discriminator]: kind, ...others } = shape;
        return { kind, value: literals(kind)[0], rows: shapeRows(others) };
    });
    const unsaid = options.find(({ kind }) => kind instanceof z.ZodOptional);
    const values = options.map(({ value }) => value);
    const own: Row = {
        key: [...path, discriminator].join("."),
        type: values.every((value) => typeof value === "boolean") ? "true or false" : "text",
        standard: unsaid === undefined ? "required" : code(unsaid.value),
        allowed: values.join(" or "),
        what: docstring(environment, [...path, discriminator]),
    };
    const all = options.flatMap(({ value, rows }) => rows.map((row) => ({ row, value })));
    const same = Map.groupBy(all, ({ row }) => JSON.stringify(row));
    const others = [...same.values()].flatMap(([first, ...more]) => {
        if (first === undefined || more.length === options.length - 1) {
            return first?.row ?? [];
        }
        return { ...first.row, what: `With \`${discriminator}: ${String(first.value)}\`. ${first.row.what}` };
    });
    return [own, ...others];
}

/** A setting without what fills it in, and its default. */
function withDefault(setting: z.ZodType): { readonly type: z.ZodType; readonly standard: string } {
    if (setting instanceof z.ZodOptional) {
        return { ...withDefault(setting.unwrap() as z.ZodType), standard: NONE };
    }
    if (setting instanceof z.ZodDefault || setting instanceof z.ZodPrefault) {
        const { type } = withDefault(setting.unwrap() as z.ZodType);
        return { type, standard: code(setting.def.defaultValue) };
    }
    return { type: setting instanceof z.ZodPipe ? (setting.in as z.ZodType) : setting, standard: "required" };
}

/** A value as YAML spells it; an object of defaults alone is no default of its own. */
function code(value: unknown): string {
    const text = stringify(value, { collectionStyle: "flow", lineWidth: 0 }).trim();
    return text === "{}" || text === "[]" ? NONE : `\`${text}\``;
}

/** What is allowed, as the program says it. */
function allowed(type: z.ZodType): string {
    return type.safeParse(Symbol()).error?.issues[0]?.message ?? "";
}

function literals(type: unknown): unknown[] {
    const literal = type instanceof z.ZodOptional ? type.unwrap() : type;
    return literal instanceof z.ZodLiteral ? [...literal.values] : [];
}

function typeName(type: z.ZodType): string {
    if (type instanceof z.ZodBoolean) {
        return "true or false";
    }
    if (type instanceof z.ZodNumber) {
        return "whole number";
    }
    if (type instanceof z.ZodArray) {
        return "list";
    }
    return type instanceof z.ZodString || type instanceof z.ZodEnum ? "text" : "object";
}
