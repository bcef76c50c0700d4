import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { configuredSettings, parseSettings } from "../../settings/read";
import { CLOUD, EXTERNAL, KIND, METALLB } from "./support/badSettings";
import { exampleSettings } from "./support/generated";

const PROJECT = join(__dirname, "..", "..");
const { config, template } = parse(readFileSync(join(PROJECT, "Pulumi.yaml"), "utf8")) as {
    readonly config: Readonly<
        Record<string, { readonly type?: string; readonly description: string; default: unknown }>
    >;
    readonly template: { readonly config: Readonly<Record<string, { readonly default?: string }>> };
};

/** A setting as Pulumi hands it over: an object as JSON, everything else as text. */
function text(value: unknown): string {
    return typeof value === "string" ? value : JSON.stringify(value);
}

/** The settings of a stack, with what Pulumi adds to them from Pulumi.yaml. */
function withDefaults(given: Readonly<Record<string, unknown>>) {
    const defaults = Object.entries(config).map(([key, { default: value }]) => [key, value] as const);
    const all = Object.entries({ ...Object.fromEntries(defaults), ...given });
    const configuration = Object.fromEntries(all.map(([key, value]) => [`interlink-kube-api:${key}`, text(value)]));
    return configuredSettings(configuration, "interlink-kube-api");
}

describe("Pulumi.yaml", () => {
    for (const [name, settings] of [
        ...(["dev", "kind", "cloud", "metallb", "external"] as const).map(
            (name) => [name, exampleSettings(name)] as const,
        ),
        ...[KIND, CLOUD, METALLB, EXTERNAL].map((good) => [`the fewest of ${good.environment}`, good] as const),
    ]) {
        it(`has defaults that change no setting: ${name}`, () => {
            assert.deepEqual(withDefaults(settings), parseSettings(settings));
        });
    }

    it("leaves it to the program to say what a stack lacks, all at once", () => {
        assert.throws(() => withDefaults({}), {
            message: /^interlink-kube-api:environment is missing; .*\ninterlink-kube-api:interlink is missing; /,
        });
        assert.throws(() => withDefaults({ environment: "external" }), {
            message: /^interlink-kube-api:api is missing; .*\ninterlink-kube-api:interlink is missing; /,
        });
        assert.throws(() => withDefaults({ ...EXTERNAL, admit: "tokens" }), {
            message: "interlink-kube-api:admit: there is no such setting.",
        });
    });

    it("has a sentence and a default for every setting, of the type that it says", () => {
        for (const [name, { type, description, default: value }] of Object.entries(config)) {
            assert.match(description, /^\S.*\.$/, name);
            assert.doesNotMatch(description, /undefined/, name);
            assert.notEqual(value, undefined, name);
            assert.ok(type === undefined || typeof value === type, name);
        }
        assert.equal(config.controller?.type, "string");
        assert.equal(config.uniqueNames?.type, "boolean");
        assert.deepEqual(config.ports?.default, { http: 6080, https: 60443 });
        assert.match(config.address?.description ?? "", /^In kind: .* In cloud: .* In metallb: /);
    });

    it("is of a template that asks for settings and no others, and holds nothing that `pulumi new` would replace", () => {
        assert.deepEqual(
            Object.keys(template.config).filter((key) => !(key in config)),
            [],
        );
        const files = globSync("**/*.{ts,mjs,js,go,lua,sh,yaml,json,md}", {
            cwd: PROJECT,
            exclude: (name) => name === "node_modules",
        });
        assert.ok(files.length > 100);
        assert.deepEqual(
            files.filter((file) => /\$\{(PROJECT|DESCRIPTION)}/.test(readFileSync(join(PROJECT, file), "utf8"))),
            [],
        );
    });
});
