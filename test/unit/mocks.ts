import * as pulumi from "@pulumi/pulumi";

/** A resource that a component registered. */
export interface Recorded {
    /** Type token. */
    readonly type: string;
    /** Name given to Pulumi. */
    readonly name: string;
    /** Inputs, with secrets still wrapped. */
    readonly inputs: Readonly<Record<string, unknown>>;
}

/** A certificate that stands for the CA's; only its text matters. */
export const CA_PEM = "-----BEGIN CERTIFICATE-----\nMIIB\nAAAA\nBBBB\n-----END CERTIFICATE-----\n";

const recorded: Recorded[] = [];

/** Starts a recording; every test calls it first. Secrets that are read hold the CA. */
export async function record(): Promise<void> {
    recorded.length = 0;
    await pulumi.runtime.setMocks(
        {
            newResource: ({ type, name, inputs, id }) => {
                const given = inputs as Record<string, unknown>;
                recorded.push({ type, name, inputs: given });
                const data = { "tls.crt": Buffer.from(CA_PEM).toString("base64") };
                const state = type === "kubernetes:core/v1:Secret" ? { ...given, data: pulumi.secret(data) } : given;
                return { id: id || `${name}-id`, state };
            },
            call: ({ inputs }) => inputs as Record<string, unknown>,
        },
        "interlink-kube-api",
        "test",
        false,
    );
}

/** The recorded resource of a name; fails where there is none. */
export function find(name: string): Recorded {
    const found = recorded.find((resource) => resource.name === name);
    if (found === undefined) {
        throw new Error(`no resource ${name} among ${recorded.map((resource) => resource.name).join(", ")}`);
    }
    return found;
}

/** Names and types of all that was recorded, in order. */
export function registered(): string[] {
    return recorded.map(({ type, name }) => `${type} ${name}`);
}

/** The value below a path of the resource's inputs. */
export function input(name: string, ...path: (string | number)[]): unknown {
    return path.reduce<unknown>((value, step) => (value as Record<string | number, unknown>)[step], find(name).inputs);
}

/** What an Output resolves to. */
export function valueOf<T>(output: pulumi.Output<T>): Promise<T> {
    return new Promise((resolve) => {
        output.apply(resolve);
    });
}

/** Whether an Output is a secret. */
export function isSecret(output: pulumi.Output<unknown>): Promise<boolean> {
    return pulumi.isSecret(output);
}

/** Waits until everything that a component makes is registered. */
export async function settled(resource: pulumi.Resource): Promise<void> {
    await valueOf(resource.urn);
    // Children register one after the other; the recording is complete when it no longer grows.
    for (let count = -1; count !== recorded.length;) {
        count = recorded.length;
        await new Promise((resolve) => setTimeout(resolve, 50));
    }
}
