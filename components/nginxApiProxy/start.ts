import { API_SERVER } from "./configuration";
import { GATE_SOCKET } from "./gate";

/** What the start of nginx depends on. */
export interface StartArgs {
    /** File with the configuration, which listens to both address families. */
    readonly configurationFile: string;
    /** File with the certificate authority of the API server. */
    readonly apiServerCaFile: string;
    /** File to which nginx writes its requests for what counts them, if something does. */
    readonly requestLog?: string;
}

/** How often the script looks for changes, in seconds; kubelet itself takes a minute or so to show them. */
const LOOK_SECONDS = 10;

/** How large the file of requests may become, in bytes, before it is emptied. */
const REQUEST_LOG_BYTES = 16_000_000;

/**
 * The shell script that starts nginx, for any image with a shell. nginx asks for the API server's address and reads its
 * certificate authority only when it starts or is told to read all again, which the script does when one has changed.
 */
export function startScript(args: StartArgs): string {
    return `conf=/tmp/nginx.conf
# A container that was killed has left it.
rm -f ${GATE_SOCKET}
# A kernel without IPv6 has no such file, and nginx would not start.
if [ -e /proc/net/if_inet6 ]; then
    cat ${args.configurationFile}
else
    grep -v 'listen \\[::\\]:' ${args.configurationFile}
fi >$conf

read_once() {
    cat ${args.apiServerCaFile}
    getent hosts ${API_SERVER}
}

seen=$(read_once)
# nginx reads nothing again while it cannot use what it would read; then this asks once more.
while sleep ${LOOK_SECONDS}; do
${args.requestLog === undefined ? "" : `    [ "$(wc -c <${args.requestLog})" -lt ${REQUEST_LOG_BYTES} ] || : >${args.requestLog}\n`}    now=$(read_once)
    [ "$now" = "$seen" ] || { nginx -e /dev/stderr -c $conf -s reload && seen=$now; }
done &

exec nginx -e /dev/stderr -c $conf -g 'daemon off;'
`;
}
