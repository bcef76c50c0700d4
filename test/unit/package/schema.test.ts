import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { schema } from "../../../settings/schema";

/** A type, as JSON Schema and Pulumi's schemas spell it. */
interface Type {
    readonly type?: string;
    readonly const?: unknown;
    readonly properties?: Readonly<Record<string, Type>>;
    readonly additionalProperties?: Type | boolean;
    readonly items?: Type;
    readonly anyOf?: readonly Type[];
    readonly oneOf?: readonly Type[];
    readonly $ref?: string;
    readonly description?: string;
}

/** A Pulumi package's schema, in part. */
interface PackageSchema {
    readonly resources: Readonly<
        Record<
            string,
            {
                readonly inputProperties: Readonly<Record<string, Type>>;
                readonly properties: Readonly<Record<string, Type>>;
            }
        >
    >;
    readonly types: Readonly<Record<string, Type>>;
}

const PACKAGE = JSON.parse(
    readFileSync(join(__dirname, "..", "..", "..", "package", "schema.json"), "utf8"),
) as PackageSchema;
const COMPONENT = PACKAGE.resources["interlink-kube-api:index:ApiAccess"];

/**
 * Settings that the component does not take: those of the program's provider and of what the program asks the cluster, and those
 * that hold secrets, which would have to be known.
 */
const PROGRAM_ALONE =
    /^(kubeconfig|kubeconfigFor|context|ca\.force|.*\.longestJob|registryLogins(\..*)?|.*\.tls\.(cert|key)|sites\.\*\.values(\..*)?) /;

/** Each field below a type, by its path and with what it holds. */
function fields(given: Type, path: string): string[] {
    const type = PACKAGE.types[given.$ref?.replace(/^#\/types\//, "") ?? ""] ?? given;
    const below = (key: string, part: Type) => fields(part, path === "" ? key : `${path}.${key}`);
    const variants = [...(type.anyOf ?? []), ...(type.oneOf ?? [])];
    if (variants.length > 0) {
        return variants.flatMap((variant) => fields(variant, path));
    }
    if (type.properties !== undefined) {
        return Object.entries(type.properties).flatMap(([key, part]) => below(key, part));
    }
    if (type.items !== undefined) {
        return below("[]", type.items);
    }
    if (typeof type.additionalProperties === "object") {
        return below("*", type.additionalProperties);
    }
    const kind = type.type ?? (type.const === undefined ? "any" : typeof type.const);
    return [`${path} ${kind === "integer" ? "number" : kind}`];
}

describe("the package's schema", () => {
    it("has every setting under its name and with its type, but for those of the program alone", () => {
        const settings = fields(z.toJSONSchema(schema, { io: "input", unrepresentable: "any" }) as Type, "");
        const inputs = Object.fromEntries(
            Object.entries(COMPONENT?.inputProperties ?? {}).filter(([name]) => name !== "interlinkValues"),
        );
        assert.deepEqual(
            [...new Set(fields({ properties: inputs }, ""))].sort(),
            [...new Set(settings)].filter((field) => !PROGRAM_ALONE.test(field)).sort(),
        );
    });

    it("says of every input, output and field what it is for", () => {
        const all = [
            ...Object.entries(COMPONENT?.inputProperties ?? {}),
            ...Object.entries(COMPONENT?.properties ?? {}),
            ...Object.values(PACKAGE.types).flatMap(({ properties = {} }) => Object.entries(properties)),
        ];
        assert.ok(all.length > 0);
        assert.deepEqual(
            all.filter(([, { description = "" }]) => !/\.$/.test(description)).map(([name]) => name),
            [],
        );
    });
});
