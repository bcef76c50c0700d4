import { Check } from "../parts/arguments";

/** How much of one pod of the proxy a client may take: a token or, where a request has none, an address. */
export interface Limits {
    /** Requests per second that go on for long; 0 sets no limit to them. */
    readonly requestsPerSecond: number;
    /** Requests beyond that which a client may make at once. */
    readonly burst: number;
    /** Requests that are open at a time: watches, logs and exec; 0 sets no limit to them. */
    readonly connections: number;
}

/**
 * Far above what a client does by itself: client-go asks 5 to 50 times per second, kubectl 300 times at once. Jobs have a
 * token each; 200 that share one and ask 10 times each when they start stay within the burst. The open requests are a quarter of
 * what a pod holds.
 */
export const DEFAULT_LIMITS: Limits = { requestsPerSecond: 500, burst: 2000, connections: 2000 };

/** Memory of a zone: more than 20,000 clients; beyond, the one that was silent for longest is forgotten. */
const ZONE_SIZE = "10m";
/** What a refused client gets. Libraries for Kubernetes wait as they are told, and try again. */
const REFUSAL = {
    kind: "Status",
    apiVersion: "v1",
    metadata: {},
    status: "Failure",
    message: "The proxy refuses more requests of this client for now.",
    reason: "TooManyRequests",
    details: { retryAfterSeconds: 1 },
    code: 429,
};

/** Lines of nginx's configuration, by the block in which they stand; empty without limits. */
export interface LimitsConfiguration {
    /** Within http. */
    readonly http: string;
    /** Within the server for clients. */
    readonly server: string;
    /** Within the location that leads to the API server. */
    readonly location: string;
}

/** The lines that hold clients to limits. An answer 429 of the API server itself passes as it is. */
export function limitsConfiguration({ requestsPerSecond, burst, connections }: Limits): LimitsConfiguration {
    if (requestsPerSecond === 0 && connections === 0) {
        return { http: "", server: "", location: "" };
    }
    const rate = requestsPerSecond > 0;
    const open = connections > 0;
    return {
        http: `
    # Who a client is: the beginning of its token's signature, or of another login, or its address. It stays in memory;
    # nginx logs keys that are too long, hence the beginnings. The scheme may be in any case, as for the API server.
    map $http_authorization $limited_client {
        default $remote_addr;
        "~*^Bearer [\\w-]+\\.[\\w-]+\\.(?<signature>[\\w-]{43})" $signature;
        "~^(?<login>.{1,255})" $login;
    }
${rate ? `    limit_req_zone $limited_client zone=requests:${ZONE_SIZE} rate=${requestsPerSecond}r/s;\n` : ""}${open ? `    limit_conn_zone $limited_client zone=open_requests:${ZONE_SIZE};\n` : ""}`,
        server: `        location @too_many_requests {
            internal;
            default_type application/json;
            add_header Retry-After ${REFUSAL.details.retryAfterSeconds} always;
            return 429 '${JSON.stringify(REFUSAL)}';
        }

`,
        // The access log has them; the error log would have their queries too.
        location: `${rate ? `            limit_req zone=requests burst=${burst} nodelay;\n            limit_req_status 429;\n            limit_req_log_level info;\n` : ""}${open ? `            limit_conn open_requests ${connections};\n            limit_conn_status 429;\n            limit_conn_log_level info;\n` : ""}            error_page 429 @too_many_requests;

`,
    };
}

/** What the limits have to be. */
export function limitsChecks(limits: Limits): Check[] {
    return (["requestsPerSecond", "burst", "connections"] as const).map((key) => ({
        key: `limits.${key}`,
        value: limits[key],
        ok: Number.isInteger(limits[key]) && limits[key] >= 0,
        allowed: "a whole number of zero or more",
    }));
}
