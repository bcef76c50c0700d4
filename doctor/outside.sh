#!/bin/sh
# Checks, from a login or compute node, the way to the Kubernetes API that jobs will take. It needs curl and openssl, changes
# nothing, and never prints the token.
set -u

url='@url@'
host='@host@'
port='@port@'
ca='@ca@'

usage() {
    cat <<END
usage: sh $0 [-t FILE] [-w SECONDS]

  -t FILE     a service account's token; default \$TOKEN_FILE. To make one: kubectl create token NAME -n NAMESPACE
  -w SECONDS  how long a watch is silent; default 70, longer than the minute after which many firewalls forget
END
    exit 2
}

token_file=${TOKEN_FILE-}
silence=70
while getopts t:w: option; do
    case $option in
        t) token_file=$OPTARG ;;
        w) silence=$OPTARG ;;
        *) usage ;;
    esac
done
case $silence in '' | 0* | *[!0-9]*) usage ;; esac

for tool in curl openssl; do
    command -v $tool >/dev/null || { echo "$tool is not installed"; exit 2; }
done
folder=$(mktemp -d) || exit 2
trap 'rm -rf "$folder"' EXIT
trap 'exit 2' HUP INT TERM
printf '%s\n' "$ca" >"$folder/ca.crt"

ok() { printf 'ok         %-12s  %s\n' "$1" "$2"; }
unseen() { printf 'unseen     %-12s  %s\n' "$1" "$2"; }
# broken LINK SEEN ADVICE: what comes after it is not asked.
broken() {
    printf 'broken     %-12s  %s\n\nThe first broken link is %s: %s.\n%s\n' "$1" "$2" "$1" "$2" "$3"
    exit 1
}
firewall() {
    echo "Ask the firewall's people for: TCP from $(uname -n), and every compute node, to $host, port $port," \
        "without inspection of TLS, and with silent connections kept for an hour or longer."
}

# request MAX_SECONDS PATH [curl's options]: the answer goes to $folder/body, the HTTP status to $status, how many seconds it
# took to $took, and curl's own status to $exit.
# The token comes by standard input: a process's arguments are seen by everybody.
request() {
    limit=$1 path=$2
    shift 2
    : >"$folder/body"
    said=$(header | curl -sSN --http1.1 --noproxy '*' --connect-timeout 5 --max-time "$limit" --cacert "$folder/ca.crt" \
        -o "$folder/body" -w '%{http_code} %{time_total}' -K - "$@" "$url$path" 2>"$folder/error")
    exit=$?
    status=${said% *} took=${said#* }
    took=${took%[.,]*}
    error=$(tr '\n' ' ' <"$folder/error" | sed 's/ *$//')
}
header() { [ -z "${token-}" ] || printf 'header = "Authorization: Bearer %s"\n' "$token"; }
excerpt() { tr '\n' ' ' <"$folder/body" | cut -c 1-120; }
# field NAME: the first text of that name in the answer.
field() { tr '{' ',' <"$folder/body" | tr ',' '\n' | sed -n "s/.*\"$1\": *\"\\([^\"]*\\)\".*/\\1/p" | head -n 1; }
from_api() { grep -q '"kind": *"Status"' "$folder/body"; }
review() {
    request 15 "/apis/$1?pretty=0" -H 'Content-Type: application/json' -d "{\"spec\":$2}"
}

# Name and route: what curl says before any TLS.
request 15 /version -k
case $exit in
    6) broken name "$host is not known here" "Ask for the name in this network's DNS, or give the stack an IP address." ;;
esac
ok name "$host"
case $exit in
    7) broken route "port $port refuses connections, or there is no way: $error" \
        "See that the stack is up and its address is this one. $(firewall)" ;;
    28) grep -qi 'connect' "$folder/error" && broken route "no connection within 5 s" "$(firewall)" ;;
esac
ok route "port $port takes connections"
[ -z "${HTTPS_PROXY-}${https_proxy-}" ] ||
    unseen proxy "HTTPS_PROXY is set: clients go there unless NO_PROXY has $host; this script goes straight"

# TLS: by the CA of the stack alone.
case $host in
    *:*) end="[$host]:$port" name="-verify_ip $host" ;;
    *[!0-9.]*) end=$host:$port name="-verify_hostname $host -servername $host" ;;
    *) end=$host:$port name="-verify_ip $host" ;;
esac
# shellcheck disable=SC2086 # Two words, and four.
openssl s_client -connect "$end" $name -CAfile "$folder/ca.crt" -no-CApath </dev/null >"$folder/tls" 2>&1
verified=$(sed -n 's/^ *Verify return code: *//p' "$folder/tls" | head -n 1)
issuer=$(openssl x509 -noout -issuer -in "$folder/tls" 2>/dev/null)
expiry=$(openssl x509 -noout -enddate -in "$folder/tls" 2>/dev/null | sed 's/notAfter=//')
case $verified in
    '0 '*) ok TLS "verified by the CA, until $expiry" ;;
    '')
        broken TLS "port $port does no TLS" "Something else listens there, or cuts TLS, as Traefik does where it does not reach the proxy. $(firewall)"
        ;;
    '10 '*) broken TLS "the certificate has expired, on $expiry" "Run the doctor on the cluster's side: cert-manager renews." ;;
    '9 '*) broken TLS "the certificate is not valid yet" "Set this machine's clock." ;;
    '62 '* | '64 '*)
        broken TLS "the certificate is not for $host ($verified)" "Run pulumi up, and make this script anew."
        ;;
    *)
        broken TLS "the CA does not verify the certificate, $issuer ($verified)" \
            "If you do not know that issuer, TLS is inspected on the way. $(firewall)
Else the CA has changed: make this script anew by the doctor."
        ;;
esac

# The API server behind it.
request 15 /version
case $status in
    200) [ -n "$(field gitVersion)" ] || status='200, but it is no API server' ;;
    401 | 403) from_api || status="$status, but not from the API server" ;;
esac
case $status in
    200) ok API "Kubernetes $(field gitVersion)" ;;
    401 | 403) ok API "HTTP $status from the API server" ;;
    000) broken API "no answer: $error" "Run the doctor on the cluster's side. $(firewall)" ;;
    *) broken API "GET /version: HTTP $status ($(excerpt))" "Run the doctor on the cluster's side: the address is reached." ;;
esac

# The token.
if [ -z "$token_file" ]; then
    unseen token "no file was given; the links after it neither"
    echo "To ask them: sh $0 -t FILE"
    exit 0
fi
token=$(tr -d '\r\n' <"$token_file")
[ -n "$token" ] ||
    broken token "$token_file is empty, or cannot be read" \
        "In a job: ExportPodData and SHARED_FS of the plugin, and projected volumes of the virtual kubelet, see docs/hpc-side.md."
review authentication.k8s.io/v1/selfsubjectreviews '{}'
user=$(field username)
case $status in
    201) ok token "$user" ;;
    401) broken token "the API server refuses it (HTTP 401)" "It has ended, or is another cluster's: make another one." ;;
    404) unseen token "the API server has no reviews (before Kubernetes 1.28)" ;;
    *) broken token "HTTP $status ($(excerpt)) $error" "Run the doctor on the cluster's side." ;;
esac

# What it may do in its own namespace.
namespace=${user#system:serviceaccount:}
namespace=${namespace%%:*}
review authorization.k8s.io/v1/selfsubjectrulesreviews "{\"namespace\":\"${namespace:=default}\"}"
[ "$status" = 201 ] || broken RBAC "HTTP $status ($(excerpt)) $error" "Run the doctor on the cluster's side."
ok RBAC "in namespace $namespace:"
# One rule a line, in the order of their names.
rules() {
    tr -d '\n' <"$folder/body" | sed 's/.*"resourceRules": *\[//; s/ *\] *, *"nonResourceRules.*//' | sed 's/} *, *{/\
/g'
}
list() { sed -n "s/.*\"$1\": *\\[\\([^]]*\\)\\].*/\\1/p" | tr -d '" '; }
rules >"$folder/rules"
while read -r rule || [ -n "$rule" ]; do
    printf '           %-50s %-36s %s\n' "$(echo "$rule" | list resources)" "$(echo "$rule" | list apiGroups)" \
        "$(echo "$rule" | list verbs)"
done <"$folder/rules"

# A watch in which nothing happens: the API server ends it after so long, and its end has to arrive.
query="watch=1&fieldSelector=metadata.name%3Dinterlink-kube-api-doctor&timeoutSeconds=$silence"
for resource in pods configmaps events services; do
    request $((silence + 3)) "/api/v1/namespaces/$namespace/$resource?$query"
    case $status in
        403) continue ;;
        200) ;;
        *) broken watch "HTTP $status $error" "Run the doctor on the cluster's side." ;;
    esac
    [ "$exit" != 28 ] ||
        broken watch "silent for $silence s, and its end never came" "Something on the way forgets silent connections. $(firewall)"
    { [ "$exit" = 0 ] && [ "$took" -ge $((silence - 1)) ]; } ||
        broken watch "it was cut after $took s of silence, of $silence: $error" \
            "See the time-outs of load balancer, controller, proxy and firewall. $(firewall)"
    ok watch "silent for $silence s"
    exit 0
done
unseen watch "the token may watch nothing; give the one of a workflow's service account"
