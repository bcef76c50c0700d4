import { Duplex, duplexPair, PassThrough } from "node:stream";
import { KubeConfig, PortForward } from "@kubernetes/client-node";

/** What a forwarded port is on this side. */
type Socket = Extract<Awaited<ReturnType<PortForward["portForward"]>>, { close(): void }>;

/** Where a tunnel ends. */
export interface TunnelEnd {
    /** Namespace of the pod. */
    readonly namespace: string;
    /** Name of the pod. */
    readonly pod: string;
    /** TCP port of the pod. */
    readonly port: number;
}

/** The API server let no tunnel through. */
export class TunnelRefused extends Error {
    constructor(
        /** HTTP status of the refusal; undefined where there was no answer. */
        readonly status: number | undefined,
        message: string,
    ) {
        super(message);
    }
}

/**
 * A connection to a port of a pod, through the API server: it works wherever the API server is reached.
 * @throws TunnelRefused where the API server opens none
 */
export async function tunnelTo(cluster: KubeConfig, { namespace, pod, port }: TunnelEnd): Promise<Duplex> {
    const [connection, podsEnd] = duplexPair();
    const errors = new PassThrough();
    let socket: Socket;
    try {
        socket = (await new PortForward(cluster).portForward(
            namespace,
            pod,
            [port],
            podsEnd,
            errors,
            podsEnd,
        )) as Socket;
    } catch (error) {
        // What ws throws is an event with a message.
        const { message } = error as { readonly message: string };
        const status = /^Unexpected server response: (\d+)/.exec(message)?.[1];
        throw new TunnelRefused(status === undefined ? undefined : Number(status), message);
    }
    errors.on("data", (text: Buffer) => text.length > 0 && connection.destroy(new Error(text.toString())));
    socket.onclose = () => connection.destroy(new Error("the connection was closed without an answer"));
    connection.once("close", () => socket.close());
    return connection;
}
