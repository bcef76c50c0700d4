import { join } from "node:path";
import { CommandError, ConfigMap, ConfigValue, LocalWorkspace, OutputMap } from "@pulumi/pulumi/automation";
import { causesOf } from "../../commands/causes";

/** Folder of the program that is deployed, this project's root. */
const PROJECT = join(__dirname, "..", "..");

/** What a stack is told of a site. */
export interface Site {
    /** How the HPC side comes in, the setting `environment`: kind, for one, whose other settings all have defaults. */
    readonly environment: string;
    /** Address under which the HPC side comes, an IP address or a DNS name. */
    readonly address: string;
    /** InterLink's API server on the HPC side. */
    readonly interlink: {
        /** Its URL, https://, without the port. */
        readonly address: string;
        /** Its TCP port. */
        readonly port: number;
        /** Certificate that verifies it, PEM: a CA's, or its own. */
        readonly ca: string;
        /** What the virtual kubelet shows of itself there, PEM; left out, nothing. The key is kept as a secret. */
        readonly client?: { readonly cert: string; readonly key: string };
    };
}

/** How a stack is deployed. */
export interface Deployment {
    /** Name of the stack; made where it is not there. */
    readonly stack: string;
    /** What it is told. */
    readonly site: Site;
    /** Whether it ends with the preview. */
    readonly previewOnly: boolean;
    /** Takes what Pulumi prints, while it does. */
    readonly write: (text: string) => void;
}

/**
 * Shows what an update of a stack would do and, unless told otherwise, updates it.
 * @returns the stack's outputs; undefined after a preview alone.
 * @throws Error with a sentence for each cause.
 */
export async function deploy({ stack, site, previewOnly, write }: Deployment): Promise<OutputMap | undefined> {
    let printed = "";
    const options = {
        policyPacks: [join(PROJECT, "policy")],
        color: "never" as const,
        suppressProgress: true,
        onOutput: (text: string) => {
            printed += text;
            write(text);
        },
    };
    const run = async () => {
        const selected = await LocalWorkspace.createOrSelectStack({ stackName: stack, workDir: PROJECT });
        await selected.setAllConfig(configuration(site), true);
        await selected.preview(options);
        printed = "";
        return previewOnly ? undefined : (await selected.up(options)).outputs;
    };
    return run().catch((error: unknown) => {
        throw new Error(causes(error, printed));
    });
}

/** A site as Pulumi's configuration, each setting by its path, so that of an object the key alone is kept as a secret. */
function configuration({ environment, address, interlink }: Site): ConfigMap {
    const { ca, client } = interlink;
    const settings: [string, ConfigValue][] = [
        ["environment", { value: environment }],
        ["address", { value: address }],
        ["interlink.address", { value: interlink.address }],
        ["interlink.port", { value: String(interlink.port) }],
        ["interlink.tls.ca", { value: ca }],
    ];
    if (client !== undefined) {
        settings.push(["interlink.tls.cert", { value: client.cert }]);
        settings.push(["interlink.tls.key", { value: client.key, secret: true }]);
    }
    return Object.fromEntries(settings.map(([path, value]) => [`interlink-kube-api:${path}`, value]));
}

/**
 * Why it failed, a sentence for each cause. The message of Pulumi's error is passed on to nobody: it holds the whole command, and that
 * which sets the configuration has the secrets in it.
 */
function causes(error: unknown, printed: string): string {
    if (!(error instanceof CommandError)) {
        return (error as Error).message;
    }
    const found = causesOf(printed);
    if (found.length > 0) {
        return found.join("\n");
    }
    const [, said] = /^error: (.+)$/m.exec(error.message) ?? [];
    const unsaid = error.message.includes("ENOENT") ? "pulumi is not on PATH." : "pulumi failed, and did not say why.";
    return said ?? unsaid;
}
