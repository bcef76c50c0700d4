import { IDLE_SECONDS, KEEP_ALIVE, REQUEST_HEADER_KIB, RESPONSE_HEADER_KIB } from "../parts/limits";
import { Clients, clientsConfiguration } from "./clients";
import { Admit, gateConfiguration } from "./gate";
import { Limits, limitsConfiguration } from "./limits";
import { connectionMetrics, requestLog } from "./metrics";

/** The API server's name inside the cluster: a subject alternative name of every API server certificate. */
export const API_SERVER = "kubernetes.default.svc";
/** Connections of one worker. A stream takes two and, measured, 100 KiB: those of both workers fit into the pod's memory. */
const WORKER_CONNECTIONS = 8192;
const WORKERS = 2;
/** Requests after which a connection ends, on either side: a thousand, nginx's own number, is gone within a second under load. */
const CONNECTION_REQUESTS = 100_000;
/** Headers of an answer by which a server behind nginx may give it orders. */
const ACCEL_HEADERS = ["Redirect", "Expires", "Limit-Rate", "Buffering", "Charset"].map((name) => `X-Accel-${name}`);

/** What the nginx configuration depends on. */
export interface NginxConfigurationArgs {
    /** Port on which nginx ends TLS. */
    readonly port: number;
    /** Who the clients are. */
    readonly clients: Clients["type"];
    /**
     * Port of plain HTTP that is only redirected, and the clients' port for HTTPS.
     * @default none: a controller redirects
     */
    readonly redirect?: { readonly from: number; readonly to: number };
    /**
     * Networks, as CIDRs, from which clients may come; empty lets all come.
     * @default []
     */
    readonly sourceRanges?: readonly string[];
    /** Port of plain HTTP for kubelet's probes, /readyz and metrics. */
    readonly healthPort: number;
    /** The paths that are passed on, without a trailing slash; everything below each is passed on too. */
    readonly paths: readonly string[];
    /** How long a connection may be silent, in seconds, whoever has to speak or to listen. */
    readonly readTimeoutSeconds: number;
    /** The largest request body, in nginx's notation. */
    readonly maxBodySize: string;
    /** Folder with nginx's own tls.crt and tls.key. */
    readonly certificateDirectory: string;
    /** File with the certificate authority of the API server. */
    readonly apiServerCaFile: string;
    /** How long connections go on in a worker that was told to stop, in seconds. */
    readonly shutdownSeconds: number;
    /** How much a client may take. */
    readonly limits: Limits;
    /** Whether requests and connections are counted for Prometheus. */
    readonly metrics: boolean;
    /**
     * Whose requests are passed on.
     * @default all
     */
    readonly admit?: Admit["type"];
    /** Folder with the code for nginx. */
    readonly configurationDirectory: string;
}

/** The text of nginx.conf: a reverse proxy that verifies the API server and lets watches, logs and exec stream. */
export function nginxConfiguration(args: NginxConfigurationArgs): string {
    const { redirect, sourceRanges = [] } = args;
    const paths = args.paths.map((path) => path.slice(1).replaceAll(".", "\\.")).join("|");
    const clients = clientsConfiguration(args.clients);
    const limits = limitsConfiguration(args.limits);
    const apiServer = verifiedApiServer(args.apiServerCaFile);
    const gate = gateConfiguration(args.admit ?? "all", args.configurationDirectory, apiServer);
    return `${gate.main}worker_processes ${WORKERS};
pid /tmp/nginx.pid;
lock_file /tmp/nginx.lock;
error_log /dev/stderr warn;
worker_shutdown_timeout ${args.shutdownSeconds}s;
# A stream takes two connections; besides, handshakes open the certificate's files. The soft limit is often 1,024.
worker_rlimit_nofile ${2 * WORKER_CONNECTIONS};

events {
    worker_connections ${WORKER_CONNECTIONS};
}

http {
    # No query and no header: either may hold a token.
    log_format access escape=json '{"time":"$time_iso8601","client":"${clients.logged}","method":"$request_method",'
        '"path":"$uri","upgrade":"$upgrade_header","status":$status,"bytes":$body_bytes_sent,"seconds":$request_time${gate.logged}}';
    access_log /dev/stdout access buffer=64k flush=1s;
${args.metrics ? requestLog() : ""}    server_tokens off;

    client_body_temp_path /tmp/client_body;
    proxy_temp_path /tmp/proxy;
    fastcgi_temp_path /tmp/fastcgi;
    scgi_temp_path /tmp/scgi;
    uwsgi_temp_path /tmp/uwsgi;

    # Only the upgrades that Kubernetes knows, in whatever case.
    map $http_upgrade $upgrade_header {
        default   '';
        websocket $http_upgrade;
        SPDY/3.1  $http_upgrade;
    }

    # An empty value keeps the connection to the API server open for the next request.
    map $upgrade_header $connection_header {
        default upgrade;
        ''      '';
    }

    # A path with a variable is read at each handshake, so a renewed certificate needs no reload.
    map '' $certificate_directory {
        default ${args.certificateDirectory};
    }

    upstream api_server {
        server ${API_SERVER}:443;
        keepalive 64;
        keepalive_requests ${CONNECTION_REQUESTS};
    }
${limits.http}${gate.http}
    server {
        # No HTTP/2: nginx 1.22 holds an answer's header back until its body begins, and a silent watch has none.
${listen(args.port, ` ssl${clients.listen} so_keepalive=${KEEP_ALIVE.idle}s:${KEEP_ALIVE.interval}s:${KEEP_ALIVE.probes}`)}
${clients.server}${sources(sourceRanges)}        ssl_certificate $certificate_directory/tls.crt;
        ssl_certificate_key $certificate_directory/tls.key;
        ssl_protocols TLSv1.2 TLSv1.3;

        # The API server has limits of its own.
        client_max_body_size ${args.maxBodySize};
        # The first buffer holds a token; a second one is for what does not fit into the rest of the first large one.
        client_header_buffer_size 8k;
        large_client_header_buffers 2 ${REQUEST_HEADER_KIB}k;
        # Headers of any name are passed on, or the request is refused.
        ignore_invalid_headers off;
        underscores_in_headers on;

        keepalive_timeout ${IDLE_SECONDS}s;
        keepalive_requests ${CONNECTION_REQUESTS};
        # A reader or a writer may pause for as long as the API server may be silent.
        send_timeout ${args.readTimeoutSeconds}s;
        client_body_timeout ${args.readTimeoutSeconds}s;

${limits.server}${gate.server}        location ~ ^/(${paths})(/|$) {
            # It is sent on as it was written, so what it says before it is decoded has to be in the list too.
            if ($request_uri !~ "^/(${paths})([/?]|$)") {
                return 404;
            }
${limits.location}${gate.location}            proxy_pass https://api_server;
${apiServer}
            proxy_set_header Connection $connection_header;
            proxy_set_header Upgrade $upgrade_header;
            # The API server's audit log names the client by these.
${clients.location}            proxy_set_header X-Real-Ip '';
            # The authenticating proxy's headers, which the API server believes only with a client certificate that nginx
            # has not: hence those that begin with X-Remote-Extra-, which nginx cannot name, do no harm either.
            proxy_set_header X-Remote-User '';
            proxy_set_header X-Remote-Uid '';
            proxy_set_header X-Remote-Group '';

            # The answer's headers are the API server's or, through it, a pod's, and none of them is an order to nginx.
            proxy_redirect off;
            proxy_ignore_headers ${ACCEL_HEADERS.join(" ")};
${["Date", "Server", "X-Pad", ...ACCEL_HEADERS].map((name) => `            proxy_pass_header ${name};`).join("\n")}

            proxy_buffering off;
            # Even without buffering, the first of these must hold the answer's header, and the others must not be fewer.
            proxy_buffer_size ${RESPONSE_HEADER_KIB}k;
            proxy_buffers 4 ${RESPONSE_HEADER_KIB}k;
            proxy_request_buffering off;
            proxy_read_timeout ${args.readTimeoutSeconds}s;
            proxy_send_timeout ${args.readTimeoutSeconds}s;
        }

        location / {
            return 404;
        }
    }

${redirect === undefined ? "" : redirection(redirect)}    server {
${listen(args.healthPort)}
        access_log off;

        location = /healthz {
            return 200;
        }

        # Through to the API server, for people and alerts; the pod is not to be taken out for the API server's faults.
        location = /readyz {
            proxy_pass https://api_server;
${apiServer}
            proxy_connect_timeout 5s;
            proxy_read_timeout 5s;
        }

${args.metrics ? connectionMetrics(WORKERS * WORKER_CONNECTIONS) : ""}        location / {
            return 404;
        }
    }
}
`;
}

/** The lines by which a location verifies the API server and calls it by its name. */
function verifiedApiServer(caFile: string): string {
    return `            proxy_http_version 1.1;

            proxy_ssl_name ${API_SERVER};
            proxy_ssl_server_name on;
            proxy_ssl_verify on;
            proxy_ssl_verify_depth 3;
            proxy_ssl_trusted_certificate ${caFile};
            proxy_ssl_protocols TLSv1.2 TLSv1.3;
            # Asks as often as the pod's sysctls say.
            proxy_socket_keepalive on;

            proxy_set_header Host ${API_SERVER};`;
}

/** The lines by which a server listens to both address families; the pod's start takes the first one away where there is no IPv6. */
function listen(port: number, options = ""): string {
    return `        listen [::]:${port}${options};\n        listen ${port}${options};`;
}

/** The lines that let clients of some networks come alone; none where all may come. */
function sources(ranges: readonly string[]): string {
    return ranges.length === 0
        ? ""
        : `${ranges.map((range) => `        allow ${range};\n`).join("")}        deny all;\n`;
}

/** The server that sends clients of plain HTTP to HTTPS; a POST stays a POST. */
function redirection({ from, to }: NonNullable<NginxConfigurationArgs["redirect"]>): string {
    return `    server {
${listen(from)}
        return 308 https://$host:${to}$request_uri;
    }

`;
}
