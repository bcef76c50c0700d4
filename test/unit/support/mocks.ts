import * as pulumi from "@pulumi/pulumi";
import { DeployedOutputs } from "../../../stacks/outputs";

/** A resource that a component registered. */
export interface Recorded {
    /** Type token. */
    readonly type: string;
    /** Name given to Pulumi. */
    readonly name: string;
    /** Inputs, with secrets still wrapped. */
    readonly inputs: Readonly<Record<string, unknown>>;
    /** Whether it is only read, not made. */
    readonly read: boolean;
}

/** A certificate that stands for a CA's. */
export const CA_PEM = `-----BEGIN CERTIFICATE-----
MIIBUTCCAQOgAwIBAgIUDqvjP5PMGZ+uS2YuHL8thWGVrHswBQYDK2VwMBUxEzAR
BgNVBAMMCkV4YW1wbGUgQ0EwIBcNMjYxMTI1MTMwNTI1WhgPMjEyNjExMDExMzA1
MjVaMBUxEzARBgNVBAMMCkV4YW1wbGUgQ0EwKjAFBgMrZXADIQBEsT+Ch1/P7q7I
mDCHqGsECrQNd0ePTJ19Z1zpsXq3m6NjMGEwHQYDVR0OBBYEFPeT/SeBLydtHn0V
vjeRXJZwh19OMB8GA1UdIwQYMBaAFPeT/SeBLydtHn0VvjeRXJZwh19OMA8GA1Ud
EwEB/wQFMAMBAf8wDgYDVR0PAQH/BAQDAgIEMAUGAytlcANBAClz81jtlXVSVoh1
6ctgnWbCrsLC7LtZ8AaJqw8DH541S1WxSpWiDZxtWBGnazbdxKi/4SjWjvnpI/uJ
oWufHgQ=
-----END CERTIFICATE-----
`;

/** Address in the cluster that every Service gets. */
export const SERVICE_IP = "10.96.1.2";

const recorded: Recorded[] = [];
let loadBalancer: object = {};

/** Sets the status that every Service of type LoadBalancer gets until the next recording. */
export function loadBalancerStatus(status: object): void {
    loadBalancer = status;
}

/** Starts a recording, of an update or of a preview; every test calls it first. Secrets that are read hold the CA. */
export async function record(preview = false): Promise<void> {
    recorded.length = 0;
    loadBalancerStatus({ ingress: [{ ip: "10.1.2.3" }] });
    await pulumi.runtime.setMocks(
        {
            newResource: ({ type, name, inputs, id }) => {
                const given = inputs as Record<string, unknown>;
                recorded.push({ type, name, inputs: given, read: id !== "" && id !== undefined });
                return { id: id || `${name}-id`, state: { ...given, ...computed(type, given, id) } };
            },
            call: ({ inputs }) => inputs as Record<string, unknown>,
        },
        "interlink-kube-api",
        "test",
        preview,
    );
}

/** What the cluster adds to a resource. */
function computed(type: string, given: Readonly<Record<string, unknown>>, id?: string): Record<string, unknown> {
    switch (type) {
        case "kubernetes:core/v1:Secret":
            return { data: pulumi.secret({ "tls.crt": Buffer.from(CA_PEM).toString("base64") }) };
        case "kubernetes:core/v1:ConfigMap":
            return id === "kube-system/kube-root-ca.crt" ? { data: { "ca.crt": CA_PEM } } : {};
        case "kubernetes:core/v1:Service":
            return { spec: { ...(given.spec as object), clusterIP: SERVICE_IP }, status: { loadBalancer } };
        case "random:index/randomId:RandomId":
            return { hex: "c0ffee" };
        default:
            return {};
    }
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

/** All that was recorded, in order. */
export function recordedResources(): readonly Recorded[] {
    return recorded;
}

/** The value below a path of the resource's inputs. */
export function input(name: string, ...path: (string | number)[]): unknown {
    return path.reduce<unknown>((value, step) => (value as Record<string | number, unknown>)[step], find(name).inputs);
}

/** Ports of the node that the first container of a Deployment takes, in the order of its ports. */
export function hostPortsOf(deployment: string): (number | undefined)[] {
    const ports = input(deployment, "spec", "template", "spec", "containers", 0, "ports") as { hostPort?: number }[];
    return ports.map(({ hostPort }) => hostPort);
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
    await recordingComplete();
}

/** Waits until everything that a stack makes is registered. */
export async function settledStack({ apiServerUrl, interlinkNodeNames }: DeployedOutputs): Promise<void> {
    await valueOf(pulumi.all([apiServerUrl, interlinkNodeNames]));
    await recordingComplete();
}

async function recordingComplete(): Promise<void> {
    // Left out of Pulumi's types. A pause instead would be too short on a busy machine.
    const { waitForRPCs } = pulumi.runtime as unknown as { waitForRPCs: () => Promise<void> };
    await waitForRPCs();
}
