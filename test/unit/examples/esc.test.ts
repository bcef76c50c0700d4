import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { parse } from "yaml";
import { loadSettings } from "../../../settings/read";
import { isSecret as isSecretSetting } from "../../../settings/schema";
import { CA_PEM, record, valueOf } from "../support/mocks";
import { certificate } from "../support/servers";

const FOLDER = join(__dirname, "..", "..", "..", "examples", "esc");
const { cert, key } = certificate();
/** What stands for the texts that an administrator fills in. */
const FILLED_IN: Readonly<Record<string, string>> = {
    "<text of the kubeconfig>": "apiVersion: v1\nkind: Config\n",
    "<password of the puller>": "s3cret of the puller",
    "<certificate of InterLink's API server, PEM>": CA_PEM,
    "<certificate of the virtual kubelet, PEM>": cert,
    "<private key of the virtual kubelet, PEM>": key,
    "<secret of the client>": "s3cret of the client",
};

/** A text of the environment, and where it is. */
interface Leaf {
    readonly path: readonly string[];
    readonly text: unknown;
    readonly secret: boolean;
}

/** The environment's definition, and the file of a stack that has it. */
function read(file: string): Record<string, unknown> {
    return parse(readFileSync(join(FOLDER, file), "utf8")) as Record<string, unknown>;
}

/** A value as ESC makes it: what a function is of, and every text filled in. */
function opened(value: unknown, path: readonly string[], leaves: Leaf[], secret = false): unknown {
    if (typeof value !== "object" || value === null) {
        leaves.push({ path, text: value, secret });
        return typeof value === "string" && value.startsWith("<") ? (FILLED_IN[value] ?? assert.fail(value)) : value;
    }
    const entries = Object.entries(value as Readonly<Record<string, unknown>>);
    const [[name, argument] = ["", undefined]] = entries;
    if (name.startsWith("fn::")) {
        assert.equal(name, "fn::secret");
        assert.equal(entries.length, 1, "a function is alone");
        assert.equal(typeof argument, "string", "ESC takes a text alone as a secret");
        return opened(argument, path, leaves, true);
    }
    return Object.fromEntries(entries.map(([step, part]) => [step, opened(part, [...path, step], leaves, secret)]));
}

describe("the example of an environment of Pulumi ESC", () => {
    const leaves: Leaf[] = [];
    const { values, ...others } = read("environment.yaml") as { values: Record<string, object> };
    const settings = opened(values.pulumiConfig, [], leaves) as Record<string, unknown>;
    const stack = read("Pulumi.north.yaml") as { environment: string[]; config: Record<string, unknown> };

    before(() => record());
    afterEach(() => pulumi.runtime.setAllConfig({}));

    /** What the program reads of settings, which Pulumi hands over as texts, objects as JSON. */
    function loaded(given: Readonly<Record<string, unknown>>) {
        const texts = Object.entries(given).map(([name, value]) => [
            name,
            typeof value === "string" ? value : JSON.stringify(value),
        ]);
        pulumi.runtime.setAllConfig(Object.fromEntries(texts) as Record<string, string>);
        return loadSettings();
    }

    it("has nothing but values, of kinds that Pulumi takes from an environment", () => {
        assert.deepEqual(others, {});
        assert.deepEqual(Object.keys(values), ["environmentVariables", "pulumiConfig"]);
        assert.deepEqual(stack.environment, ["interlink-kube-api/north"]);
    });

    it("holds settings that the program accepts, with those of the stack", async () => {
        const { environment, admit, kubeconfig, interlink, registryLogins, interlinkValues } = loaded({
            ...settings,
            ...stack.config,
        }) as Extract<ReturnType<typeof loadSettings>, { environment: "kind" }>;
        assert.deepEqual([environment, admit], ["kind", "tokens"]);
        assert.equal(kubeconfig, FILLED_IN["<text of the kubeconfig>"]);
        assert.ok(interlink !== undefined && interlink.mode !== "in-cluster");
        assert.deepEqual(interlink.tls, { ca: CA_PEM, cert, key, insecure: false });
        const login = registryLogins["mirror.site.example:5000"] ?? assert.fail("no login");
        assert.deepEqual(await valueOf(login), { username: "puller", password: "s3cret of the puller" });
        const { OAUTH } = (await valueOf(interlinkValues ?? assert.fail("no values"))) as { OAUTH: object };
        assert.deepEqual(Object.keys(OAUTH), ["enabled", "TokenURL", "ClientID", "ClientSecret"]);
    });

    it("is read by a program that refuses what is wrong in it", () => {
        assert.throws(
            () => loaded({ ...settings, "interlink-kube-api:adress": "10.1.2.3" }),
            /adress: there is no such setting/,
        );
    });

    it("has every secret, and no other text, below fn::secret", () => {
        const isSecret = ([setting = "", ...path]: readonly string[]) => {
            const name = setting.replace("interlink-kube-api:", "");
            return (
                name === "kubeconfig" ||
                path.at(-1) === "ClientSecret" ||
                // What the program shows in no sentence, but for what is public of it.
                (isSecretSetting([name, ...path]) && !["username", "ca", "cert"].includes(path.at(-1) ?? ""))
            );
        };
        assert.deepEqual(
            leaves.filter(({ secret }) => secret).map(({ path }) => path.join(".")),
            leaves.filter(({ path }) => isSecret(path)).map(({ path }) => path.join(".")),
        );
        assert.deepEqual(
            leaves.map(({ text }) => text).filter((text) => String(text).startsWith("<")),
            Object.keys(FILLED_IN),
        );
    });
});
