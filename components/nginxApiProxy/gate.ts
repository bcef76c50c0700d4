import * as pulumi from "@pulumi/pulumi";

/** The choices whose requests the proxy passes on. */
export const ADMIT = ["all", "tokens", "jobs"] as const;

/** Whose requests the proxy passes on. */
export type Admit =
    | {
          /** Everybody's: the API server alone decides. */
          readonly type: "all";
      }
    | {
          /** Those with a bearer token, whatever the API server makes of it. */
          readonly type: "tokens";
      }
    | {
          /** Those with the token of a pod on a virtual node. */
          readonly type: "jobs";
          /** Names of the virtual nodes. */
          readonly nodeNames: pulumi.Input<readonly string[]>;
          /** Name for what the cluster has only once: the proxy's role, and the policy for jobs. */
          readonly uniqueName: pulumi.Input<string>;
      };

/** The key of a user's extra under which the API server names the node of a token's pod, since Kubernetes 1.30. */
export const NODE_NAME = "authentication.kubernetes.io/node-name";
/** The same of the pod's name. */
export const POD_NAME = "authentication.kubernetes.io/pod-name";
/** Name of the file with the code for nginx, beside its configuration. */
export const GATE_SCRIPT = "gate.js";
/** Folder with the token by which the proxy asks whose a client's token is. */
export const GATE_TOKEN_DIRECTORY = "/etc/nginx/gate";
/** Socket at which nginx asks itself; one that a killed container left keeps nginx from starting. */
export const GATE_SOCKET = "/tmp/gate.sock";

/** Far above the token of a service account, which has a kilobyte or two. */
const TOKEN_LENGTH = 16384;
/** As long as the API server itself goes on believing a token that it has seen, in seconds. */
const GOOD_SECONDS = 10;
/** A flood of one bad token costs a question each, in seconds. */
const BAD_SECONDS = 2;

/** What the configuration has for the gate, by the places where it stands. */
export interface GateConfiguration {
    /** Above all blocks. */
    readonly main: string;
    /** In the access log's format: who asked, as the API server says; without a question it would be what anybody may claim. */
    readonly logged: string;
    /** In the block http: servers too. */
    readonly http: string;
    /** In the server for clients. */
    readonly server: string;
    /** In the location that passes requests on. */
    readonly location: string;
}

/**
 * nginx's part of the gate. Each request costs a subrequest, which finds the verdict in nginx's cache, on tmpfs or disk; without
 * one there, nginx asks itself at a socket, so that what it keeps is a hash of the token and the verdict, and there a
 * TokenReview goes to the API server. Requests that wait for the same verdict each ask: nginx's lock would let them wait for
 * half a second. What is admitted once, such as a watch or an exec, goes on until it ends, as with the API server.
 * @param apiServer the lines by which a location verifies the API server
 */
export function gateConfiguration(admit: Admit["type"], directory: string, apiServer: string): GateConfiguration {
    if (admit === "all") {
        return { main: "", logged: "", http: "", server: "", location: "" };
    }
    const bearer = `
    # The only form in which nginx and the API server read the same token.
    map $http_authorization $bearer {
        default '';
        "~*^Bearer ([-._~+/a-z0-9]{1,${TOKEN_LENGTH}}=*)$" $1;
    }
`;
    // The API server takes no notice of a second header, nor of a token among a WebSocket's protocols, beside this one.
    const location = `            if ($bearer = '') {
                return 401;
            }
            error_page 401 = @unauthorized;
            proxy_set_header Authorization "Bearer $bearer";
`;
    const unauthorized = status(
        "unauthorized",
        401,
        "Unauthorized",
        "this way in takes requests with a valid bearer token alone",
    );
    if (admit === "tokens") {
        return { main: "", logged: "", http: bearer, server: unauthorized, location };
    }
    return {
        main: "load_module /usr/lib/nginx/modules/ngx_http_js_module.so;\n",
        logged: ',"user":"$gate_user","pod":"$gate_pod"',
        http: `${bearer}
    js_import gate from ${directory}/${GATE_SCRIPT};
    js_set $gate_key gate.key;
    js_set $gate_authorization gate.authorization;
    proxy_cache_path /tmp/gate-verdicts keys_zone=gate:4m inactive=${GOOD_SECONDS}s max_size=64m use_temp_path=off;

    server {
        listen unix:${GATE_SOCKET};
        access_log off;
        client_header_buffer_size 8k;
        large_client_header_buffers 2 32k;
        # The answer holds the token again.
        subrequest_output_buffer_size 64k;

        location / {
            js_content gate.judge;
        }

        location = /review {
            internal;
            proxy_pass https://api_server/apis/authentication.k8s.io/v1/tokenreviews;
${apiServer}
            proxy_pass_request_headers off;
            proxy_set_header Connection '';
            proxy_set_header Content-Type application/json;
            proxy_set_header Authorization $gate_authorization;
            # A connection that the API server has closed meanwhile is no answer.
            proxy_next_upstream error non_idempotent;
            proxy_connect_timeout 5s;
            proxy_read_timeout 10s;
        }
    }
`,
        server: `        location = /gate {
            internal;
            proxy_pass http://unix:${GATE_SOCKET}:/;
            proxy_pass_request_body off;
            proxy_pass_request_headers off;
            # Else a body would be waited for.
            proxy_set_header Content-Length '';
            proxy_set_header Transfer-Encoding '';
            proxy_set_header Authorization "Bearer $bearer";
            proxy_cache gate;
            proxy_cache_key $gate_key;
            proxy_cache_valid 204 ${GOOD_SECONDS}s;
            proxy_cache_valid 401 403 ${BAD_SECONDS}s;
            proxy_read_timeout 20s;
        }

${unauthorized}${status("forbidden", 403, "Forbidden", "this way in takes requests of jobs on the virtual nodes alone, and no impersonation")}${status(
            "unasked",
            503,
            "ServiceUnavailable",
            "the API server could not be asked whose token this is",
            "            add_header Retry-After 1 always;\n",
        )}`,
        // Whoever is impersonated has no node, and the policy for jobs does not know him.
        location: `${location}            if ($http_impersonate_user) {
                return 403;
            }
            auth_request /gate;
            auth_request_set $gate_user $upstream_http_x_gate_user;
            auth_request_set $gate_pod $upstream_http_x_gate_pod;
            error_page 403 = @forbidden;
            error_page 500 = @unasked;
`,
    };
}

/** A location that answers as the API server does, which clients can read. */
function status(location: string, code: number, reason: string, message: string, more = ""): string {
    const body = { kind: "Status", apiVersion: "v1", metadata: {}, status: "Failure", message, reason, code };
    return `        location @${location} {
            default_type application/json;
${more}            return ${code} '${JSON.stringify(body)}';
        }

`;
}

/**
 * The code for nginx's JavaScript, which knows neither classes nor optional chaining: of the versions from 0.7.9 on.
 * @param nodeNames names of the virtual nodes
 */
export function gateScript(nodeNames: readonly string[]): string {
    return `import crypto from 'crypto';
import fs from 'fs';

const NODES = ${JSON.stringify(nodeNames)};
const REVIEW = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenReview' };

/* Under which a verdict is kept: never the token. */
function key(r) {
    return crypto.createHash('sha256').update(r.variables.bearer).digest('hex');
}

/* The proxy's own token, which kubelet renews. */
function authorization() {
    return 'Bearer ' + fs.readFileSync('${GATE_TOKEN_DIRECTORY}/token', 'utf8').trim();
}

/* Asks whose a token is: 204 for a job's, 401 for nobody's, 403 for anybody else's, 503 without an answer. */
function judge(r) {
    const body = JSON.stringify(Object.assign({ spec: { token: r.variables.bearer } }, REVIEW));
    r.subrequest('/review', { method: 'POST', body: body }, function (reply) {
        const status = statusOf(reply);
        const user = (status || {}).user || {};
        const extra = user.extra || {};
        r.headersOut['X-Gate-User'] = logged(user.username);
        r.headersOut['X-Gate-Pod'] = logged((extra['${POD_NAME}'] || [])[0]);
        r.return(verdict(status, user, extra['${NODE_NAME}'] || []));
    });
}

/* What the API server says, if it says something. */
function statusOf(reply) {
    try {
        return reply.status === 201 ? JSON.parse(reply.responseText).status || {} : undefined;
    } catch (e) {
        return undefined;
    }
}

function verdict(status, user, nodes) {
    if (status === undefined) {
        return 503;
    }
    if (status.authenticated !== true) {
        return 401;
    }
    const admitted =
        String(user.username).startsWith('system:serviceaccount:') && nodes.length === 1 && NODES.includes(nodes[0]);
    return admitted ? 204 : 403;
}

/* A header holds no other characters. */
function logged(name) {
    return String(name || '').replace(/[^ -~]/g, '?');
}

export default { key, authorization, judge };
`;
}
