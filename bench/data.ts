/** What a way's requests cost: each by the part that took it, such as "nginx-api-proxy" or "API server". */
export type ByPart = Readonly<Record<string, number>>;

/** What is asked: GET /version, a list of the pods, or GET /version with a new connection for each request. */
export type Request = "version" | "pods" | "connect";

/** One run of the load generator. */
export interface Load {
    /** What was asked. */
    readonly request: Request;
    /** Connections at once. */
    readonly connections: number;
    /** Answered requests of a second. */
    readonly perSecond: number;
    /** Half of the requests took no longer, in milliseconds. */
    readonly p50: number;
    /** 99 of 100 requests took no longer, in milliseconds. */
    readonly p99: number;
    /** Requests that failed, or were answered with a status above 399. */
    readonly failed: number;
    /** CPU time of each part, and of all others on the machine, in microseconds for a request. */
    readonly cpu: ByPart;
    /** What of the machine's CPU time was left, as a share. */
    readonly idle: number;
    /** What of it the kernel spent, most of it on the network. */
    readonly kernel: ByPart;
    /** Connections that each part opened to the next one, for 1,000 requests. */
    readonly handshakes: ByPart;
}

/** How long events take. */
export interface Events {
    /** From the request for a watch to its first event, in milliseconds; the median. */
    readonly first: number;
    /** From the request that changes an object to the watch's event, in milliseconds. */
    readonly p50: number;
    /** The same, of 99 of 100 events. */
    readonly p99: number;
}

/** Watches that were held without an event. */
export interface Watches {
    /** How many were asked for. */
    readonly asked: number;
    /** How many were open when all had been asked for. */
    readonly open: number;
    /** For how long they were held, in seconds. */
    readonly seconds: number;
    /** How many ended before, and why, as far as the client was told. */
    readonly lost: number;
    /** How many received the event at the end. */
    readonly received: number;
    /** Memory of each part for a watch, in KiB. */
    readonly kib: ByPart;
    /** CPU of each part while they were silent, in thousandths of a core. */
    readonly cpu: ByPart;
}

/** Jobs that start together: discovery, a list and a watch each. */
export interface Jobs {
    /** How many. */
    readonly jobs: number;
    /** Until the last one had its first event, in seconds. */
    readonly seconds: number;
    /** Requests that failed. */
    readonly errors: number;
}

/** A way to the API server. */
export interface WayOf {
    /** Its name. */
    readonly name: string;
    /** Whose it is. */
    readonly kind: "limit" | "guide" | "ours" | "peer";
    /** Proxies on the way, whether they end TLS or pass it through. */
    readonly hops: number;
    /** What it consists of, in words. */
    readonly is: string;
}

/** A way with what was measured of it, filled by a run; what failed is left out. */
export interface Measured extends WayOf {
    /** Why it, or a figure of it, was not measured. */
    readonly faults: string[];
    /** All runs of the load generator. */
    readonly loads: Load[];
    /** Events. */
    events?: Events;
    /** Megabytes in a second out of `kubectl exec`. */
    exec?: number;
    /** Megabytes in a second into a pod by `kubectl cp`. */
    cp?: number;
    /** The jobs that start together. */
    jobs?: Jobs;
    /** GET /version with more pods of the proxy: how many, and what they did. */
    readonly replicas: { readonly count: number; readonly load: Load }[];
    /** Silent watches. */
    readonly watches: Watches[];
    /** CPU of each part without any client, in thousandths of a core. */
    idleCpu: ByPart;
    /** Memory of each part without any client, in MiB. */
    idleMib: ByPart;
}

/** A resource of an update, and when the update was at it, in seconds from the update's start. */
export interface Span {
    /** Type and name. */
    readonly resource: string;
    /** When it began. */
    readonly from: number;
    /** When it was there. */
    readonly to: number;
}

/** How long deploying takes, in seconds. */
export interface Deployment {
    /** Each command by what it does. */
    readonly seconds: Readonly<Record<string, number>>;
    /** What `pulumi up` from an empty cluster waited for. */
    readonly spans: readonly Span[];
}

/** All that a run has measured. */
export interface Data {
    /** Day of the run, as 2026-01-31. */
    readonly day: string;
    /** How long the run took, in seconds. */
    readonly took: number;
    /** The machine and what runs on it, each by its name. */
    readonly machine: Readonly<Record<string, string>>;
    /** Name of the way that the program makes unless told otherwise. */
    readonly usual: string;
    /** The ways. */
    readonly ways: readonly Measured[];
    /** Deploying, where it was measured. */
    readonly deployment?: Deployment;
}
