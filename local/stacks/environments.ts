import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { parse, stringify } from "yaml";
import { attemptKubectl } from "../cluster/kubectl";
import { Net, NET, PROJECT, STATE, urlHost } from "../machine/layout";
import { UserError } from "../machine/shell";
import { clusterNetworks, merge, site } from "../machine/site";
import { version } from "../toolchain/tools";

/** The environments that `make up ENV=…` knows: names of Pulumi stacks, each the program's environment of that name; dev is kind. */
const ENVIRONMENTS = ["dev", "metallb", "cloud"] as const;

/** Name of an environment of the local cluster, and of its stack. */
export type Environment = (typeof ENVIRONMENTS)[number];

/** A stack's settings file, Pulumi.<stack>.yaml. */
interface SettingsFile {
    readonly config: Readonly<Record<string, unknown>>;
    readonly encryptionsalt: string;
}

const PREFIX = "interlink-kube-api:";
/** Settings that a caller of make may set. */
const VARIABLES = { CONTROLLER: "controller", UNIQUE_NAMES: "uniqueNames" } as const;
/** Namespaces that tell that another stack, or the site, has installed what a stack would install. */
const NAMESPACES = { certManager: "cert-manager", metallb: "metallb-system" } as const;

/** The environment that ENV names; dev without. */
export function chosenEnvironment(): Environment {
    const name = process.env.ENV || "dev";
    const found = ENVIRONMENTS.find((environment) => environment === name);
    if (found === undefined) {
        throw new UserError(`ENV: "${name}" is not allowed; give one of ${ENVIRONMENTS.join(", ")}.`);
    }
    return found;
}

/** Path of a stack's settings file. */
export function settingsPath(stack: string): string {
    return join(STATE, "stacks", stack, `Pulumi.${stack}.yaml`);
}

/**
 * Writes an environment's settings: those of Pulumi.dev.yaml, with another way in, and the variables that make was given, now
 * or when the stack began. What another stack in the cluster had installed when the stack began is not installed again.
 */
export async function writeSettings(environment: Environment, path = settingsPath(environment)): Promise<void> {
    const dev = parse(readFileSync(join(PROJECT, "Pulumi.dev.yaml"), "utf8")) as SettingsFile;
    const [net = NET] = clusterNetworks();
    const interlink = { address: `http://${urlHost(net.hpc)}` };
    const usual = merge({ ...withoutPrefix(dev), ...WAYS[environment](net) }, { interlink });
    const settings = merge(usual, site().settings) as Record<string, unknown>;
    const before = existsSync(settingsPath(environment)) ? readSettings(environment) : {};
    for (const [part, namespace] of Object.entries(NAMESPACES)) {
        const begun = before[part] as { readonly install: boolean } | undefined;
        if (part in settings && !(begun?.install ?? !(await namespaceExists(namespace)))) {
            const { addresses } = settings[part] as { readonly addresses?: unknown };
            settings[part] = { install: false, ...(addresses === undefined ? {} : { addresses }) };
        }
    }
    for (const [variable, key] of Object.entries(VARIABLES)) {
        const value = process.env[variable] || before[key];
        if (value !== undefined) {
            settings[key] = value === "true" || (value === "false" ? false : value);
        }
    }
    refuseOtherController(environment, settings, before);
    const config = Object.fromEntries(Object.entries(settings).map(([key, value]) => [PREFIX + key, value]));
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, stringify({ ...dev, config }));
}

/** Two ways in cannot have a node's ports at once, and the new one's pods would wait for the old one's for ever. */
function refuseOtherController(
    environment: Environment,
    { controller: asked = "none" }: Readonly<Record<string, unknown>>,
    before: Readonly<Record<string, unknown>>,
): void {
    const { controller: present = "none" } = before;
    if (environment === "dev" && Object.keys(before).length > 0 && asked !== present) {
        throw new UserError(
            `CONTROLLER: "${String(asked)}" is not allowed while the way in of "${String(present)}" has the node's ports; run make destroy first.`,
        );
    }
}

/** What each environment has instead of dev's settings: how the HPC side comes in. */
const WAYS: Readonly<Record<Environment, (net: Net) => Record<string, unknown>>> = {
    dev: ({ published }) => ({ address: published }),
    metallb: ({ metallb, metallbPool }) => ({
        environment: "metallb",
        address: metallb,
        metallb: { install: true, version: version("metallb").slice(1), addresses: [metallbPool] },
    }),
    cloud: ({ all }) => ({
        environment: "cloud",
        address: undefined,
        loadBalancer: { provider: "other", sourceRanges: [all], ...classOfMetalLB() },
    }),
};

/** The class that MetalLB serves where the stack metallb has installed it. */
function classOfMetalLB(): { readonly class?: string } {
    const { metallb } = existsSync(settingsPath("metallb")) ? readSettings("metallb") : {};
    const installed = (metallb as { readonly install: boolean } | undefined)?.install;
    return installed ? { class: "interlink-kube-api/metallb" } : {};
}

function readSettings(environment: Environment): Record<string, unknown> {
    return withoutPrefix(parse(readFileSync(settingsPath(environment), "utf8")) as SettingsFile);
}

function withoutPrefix({ config }: SettingsFile): Record<string, unknown> {
    return Object.fromEntries(Object.entries(config).map(([key, value]) => [key.slice(PREFIX.length), value]));
}

/** Whether the cluster has a namespace. */
export async function namespaceExists(name: string): Promise<boolean> {
    return (await attemptKubectl("get", "namespace", name)).status === 0;
}
