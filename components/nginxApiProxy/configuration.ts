/** The API server's name inside the cluster: a subject alternative name of every API server certificate. */
const API_SERVER = "kubernetes.default.svc";

/** What the nginx configuration depends on. */
export interface NginxConfigurationArgs {
    /** Port on which nginx ends TLS. */
    readonly port: number;
    /** Port of plain HTTP that is only redirected, and the clients' port for HTTPS; without, there is none. */
    readonly redirect?: { readonly from: number; readonly to: number };
    /** Port of the plain-HTTP health answer, for kubelet's probes alone. */
    readonly healthPort: number;
    /** The paths that are passed on, without a trailing slash; everything below each is passed on too. */
    readonly paths: readonly string[];
    /** How long a connection may be silent, in seconds. */
    readonly readTimeoutSeconds: number;
    /** The largest request body, in nginx's notation. */
    readonly maxBodySize: string;
    /** Folder with nginx's own tls.crt and tls.key. */
    readonly certificateDirectory: string;
    /** File with the certificate authority of the API server. */
    readonly apiServerCaFile: string;
    /** How long watches may go on in a worker that was told to stop, in seconds. */
    readonly shutdownSeconds: number;
}

/** The text of nginx.conf: a reverse proxy that verifies the API server and lets watches, logs and exec stream. */
export function nginxConfiguration(args: NginxConfigurationArgs): string {
    const paths = args.paths.map((path) => path.slice(1).replaceAll(".", "\\.")).join("|");
    return `worker_processes 2;
pid /tmp/nginx.pid;
lock_file /tmp/nginx.lock;
error_log /dev/stderr warn;
worker_shutdown_timeout ${args.shutdownSeconds}s;

events {
    worker_connections 4096;
}

http {
    # No query and no header: either may hold a token.
    log_format access '$remote_addr [$time_iso8601] "$request_method $uri" $status $body_bytes_sent $request_time';
    access_log /dev/stdout access;
    server_tokens off;

    client_body_temp_path /tmp/client_body;
    proxy_temp_path /tmp/proxy;
    fastcgi_temp_path /tmp/fastcgi;
    scgi_temp_path /tmp/scgi;
    uwsgi_temp_path /tmp/uwsgi;

    # An empty value keeps the connection to the API server open for the next request.
    map $http_upgrade $connection_header {
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
    }

    server {
        listen ${args.port} ssl;
        ssl_certificate $certificate_directory/tls.crt;
        ssl_certificate_key $certificate_directory/tls.key;
        ssl_protocols TLSv1.2 TLSv1.3;

        client_max_body_size ${args.maxBodySize};
        large_client_header_buffers 4 32k;

        location ~ ^/(${paths})(/|$) {
            proxy_pass https://api_server;
            proxy_http_version 1.1;

            proxy_ssl_name ${API_SERVER};
            proxy_ssl_server_name on;
            proxy_ssl_verify on;
            proxy_ssl_verify_depth 3;
            proxy_ssl_trusted_certificate ${args.apiServerCaFile};
            proxy_ssl_protocols TLSv1.2 TLSv1.3;

            proxy_set_header Host ${API_SERVER};
            proxy_set_header Connection $connection_header;
            proxy_set_header Upgrade $http_upgrade;
            # The authenticating proxy's headers are the API server's own business.
            proxy_set_header X-Remote-User '';
            proxy_set_header X-Remote-Uid '';
            proxy_set_header X-Remote-Group '';

            proxy_buffering off;
            proxy_request_buffering off;
            proxy_read_timeout ${args.readTimeoutSeconds}s;
            proxy_send_timeout ${args.readTimeoutSeconds}s;
        }

        location / {
            return 404;
        }
    }

${args.redirect === undefined ? "" : redirect(args.redirect)}    server {
        listen ${args.healthPort};
        access_log off;

        location = /healthz {
            return 200;
        }

        location / {
            return 404;
        }
    }
}
`;
}

/** The server that sends clients of plain HTTP to HTTPS; a POST stays a POST. */
function redirect({ from, to }: NonNullable<NginxConfigurationArgs["redirect"]>): string {
    return `    server {
        listen ${from};
        return 308 https://$host:${to}$request_uri;
    }

`;
}
