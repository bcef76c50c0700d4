import * as pulumi from "@pulumi/pulumi";
import { ApiServer } from "../settings/apiServer";

/** Annotation that says which stack made an object, or may take it. */
const OWNER = "interlink-kube-api/stack";
/** What to do about a name that somebody else has. */
export const OTHER_NAME = "give another name, or set uniqueNames to true";
/** Types of the objects of which a cluster has one of a name, and of which the stack makes its own. */
const MARKED = [
    "kubernetes:core/v1:Namespace",
    "kubernetes:core/v1:Node",
    "kubernetes:networking.k8s.io/v1:IngressClass",
    "kubernetes:cert-manager.io/v1:ClusterIssuer",
    "kubernetes:metallb.io/v1beta1:IPAddressPool",
];

/** Marks what the stack makes from now on with its name, so that a later look knows it from what others made. */
export function markObjects(stack: string): void {
    pulumi.runtime.registerStackTransformation(({ type, props, opts }) => {
        if (!MARKED.includes(type)) {
            return undefined;
        }
        const { metadata } = props as { readonly metadata?: { readonly annotations?: Record<string, string> } };
        const annotations = { ...metadata?.annotations, [OWNER]: stack };
        return { props: { ...props, metadata: { ...metadata, annotations } }, opts };
    });
}

/** An object of the cluster, as far as the look at it goes. */
export interface ClusterObject {
    /** Name, and whose it is. */
    readonly metadata: {
        readonly name: string;
        readonly namespace?: string;
        readonly labels?: Readonly<Record<string, string>>;
        readonly annotations?: Readonly<Record<string, string>>;
        readonly managedFields?: readonly { readonly manager?: string }[];
        readonly deletionTimestamp?: string;
    };
}

/** An IngressClass. */
export interface IngressClass extends ClusterObject {
    readonly spec?: { readonly controller?: string };
}

/** A Deployment. */
export interface Deployment extends ClusterObject {
    readonly spec?: {
        readonly replicas?: number;
        readonly template?: {
            readonly spec?: {
                readonly containers?: readonly { readonly image?: string; readonly args?: readonly string[] }[];
            };
        };
    };
    readonly status?: { readonly availableReplicas?: number };
}

/** Reads what a cluster has. What may not be read, or is not answered, is no fault: it is "unseen", and named once at the end. */
export class Look {
    /** Paths that could not be read. */
    readonly unseen: string[] = [];
    private readonly answers = new Map<string, Promise<unknown>>();

    constructor(
        private readonly api: ApiServer,
        private readonly stack: string,
    ) {}

    /**
     * Whose an object is, as a sentence's end; undefined where it may be this stack's. Without a mark, whatever Pulumi made
     * may be: earlier versions made no marks, and namespaces with nothing but a name, of which nobody manages a field.
     */
    stranger({ metadata: { annotations, managedFields } }: ClusterObject): string | undefined {
        const mark = annotations?.[OWNER];
        if (mark !== undefined) {
            return mark === this.stack ? undefined : `belongs to the stack ${mark}`;
        }
        const fields = managedFields ?? [];
        const byPulumi = fields.length === 0 || fields.some(({ manager }) => manager?.startsWith("pulumi-"));
        return byPulumi ? undefined : "is not this stack's";
    }

    /** Whether an object has this stack's mark. */
    isMarked({ metadata: { annotations } }: ClusterObject): boolean {
        return annotations?.[OWNER] === this.stack;
    }

    /** Whether an object has some stack's mark. */
    hasMark({ metadata: { annotations } }: ClusterObject): boolean {
        return annotations?.[OWNER] !== undefined;
    }

    /** The Kubernetes version, minor number and name; undefined where it is unseen. */
    async version(): Promise<{ readonly major: number; readonly minor: number; readonly name: string } | undefined> {
        const version = (await this.read("/version", "whole")) as
            { readonly major?: string; readonly minor?: string; readonly gitVersion?: string } | null | undefined;
        // Some clouds write 30+.
        const [major, minor] = [parseInt(version?.major ?? "", 10), parseInt(version?.minor ?? "", 10)];
        return Number.isNaN(major + minor) ? undefined : { major, minor, name: version?.gitVersion ?? "" };
    }

    /** An object's metadata; null where there is no such object, undefined where it is unseen. */
    async object(path: string): Promise<ClusterObject | null | undefined> {
        return this.read(path, "metadata") as Promise<ClusterObject | null | undefined>;
    }

    /** The objects of a list; undefined where it is unseen. */
    async list<Kind extends ClusterObject>(path: string): Promise<readonly Kind[] | undefined> {
        const list = (await this.read(path, "whole")) as { readonly items?: readonly Kind[] } | null | undefined;
        return list === undefined ? undefined : (list?.items ?? []);
    }

    /** Asks once for each path: several checks want the same namespace. */
    private read(path: string, part: "whole" | "metadata"): Promise<unknown> {
        const answer = this.answers.get(path) ?? this.ask(path, part);
        this.answers.set(path, answer);
        return answer;
    }

    private async ask(path: string, part: "whole" | "metadata"): Promise<unknown> {
        const { status, body } = await this.api.get(path, part).catch(() => ({ status: 0, body: undefined }));
        if (status === 200 && typeof body === "object" && body !== null) {
            return body;
        }
        if (status === 404) {
            return null;
        }
        this.unseen.push(path.replace(/\?.*/, ""));
        return undefined;
    }
}
