#!/usr/bin/env bash
# Makes a way that is not ours, or removes all that the ways have left. Variables: NAMESPACE, PORT (on the node), NODE and ADDRESS
# (the control plane's, and the published one), and what ways.ts says besides.
set -euo pipefail
cd "$(dirname "$0")"
MADE=(-l interlink-bench=made)

fill() {
    sed "s|\${namespace}|$NAMESPACE|g; s|\${port}|$PORT|g; s|\${node}|$NODE|g; s|\${address}|$ADDRESS|g; s|\${traefik}|$TRAEFIK|g
        s|\${provider}|${PROVIDER:-}|g; s|\${controller}|${CONTROLLER_CLASS:-}|g" "$1"
}

traefik() {
    fill peers.yaml | kubectl apply -f -
    kubectl rollout status deployment/traefik -n "$NAMESPACE" --timeout=120s
}

make_guide() {
    RELEASE=$NAMESPACE CLASS=$NAMESPACE HTTP_PORT=$((PORT + 100)) HTTPS_PORT=$PORT ./guide.sh way_in ingress
}

make_traefik-ingress() {
    PROVIDER="--providers.kubernetesingress.ingressclass=$NAMESPACE"
    CONTROLLER_CLASS=traefik.io/ingress-controller
    fill peer-ingress.yaml | kubectl apply -f -
    traefik
}

make_ingress-nginx-ingress() {
    CONTROLLER_CLASS=k8s.io/$NAMESPACE
    fill peer-ingress.yaml | kubectl apply -f -
    fill peer-nginx-values.yaml | helm install "$NAMESPACE" "$CHARTS/ingress-nginx" --create-namespace -n "$NAMESPACE" --values - --wait
}

make_traefik-gateway() {
    if ! kubectl get crd gateways.gateway.networking.k8s.io; then
        # Beside the definitions there is an admission policy.
        for file in "$GATEWAY_API"/config/crd/standard/gateway.networking.k8s.io_[a-u]*.yaml; do
            kubectl apply --server-side -f "$file"
            kubectl label -f "$file" interlink-bench=made
        done
        kubectl wait --for=condition=Established crd "${MADE[@]}" --timeout=60s
    fi
    PROVIDER=--providers.kubernetesgateway=true
    traefik
    fill peer-gateway.yaml | kubectl apply -f -
}

# A process in the node's network, as the API server is.
make_haproxy-tcp() {
    fill haproxy.cfg >"$STATE/haproxy.cfg"
    nsenter --net="/proc/$(pgrep -ox kube-apiserver)/ns/net" -- /usr/sbin/haproxy -D -p "$STATE/haproxy.pid" -f "$STATE/haproxy.cfg"
}

remove_all() {
    if [ -f "$STATE/haproxy.pid" ]; then
        kill "$(cat "$STATE/haproxy.pid")" || true
    fi
    rm -rf "$STATE"
    kubectl delete ingress,ingressclass -n default "${MADE[@]}"
    kubectl delete referencegrant,backendtlspolicy,gatewayclass -n default "${MADE[@]}" || true
    for release in $(helm list --all-namespaces --all --short --filter '^bench-'); do
        helm uninstall "$release" -n "$release"
    done
    for namespace in $(kubectl get namespaces -o name | sed -nE 's/^namespace\/(bench(-.*)?)$/\1/p'); do
        kubectl delete namespace "$namespace" --wait=false
        # ingress-nginx waits for its clients up to five minutes.
        kubectl delete pods --all -n "$namespace" --grace-period=0 --force --wait=false
        kubectl wait --for=delete "namespace/$namespace" --timeout=120s
    done
    kubectl delete clusterrole,clusterrolebinding,customresourcedefinition "${MADE[@]}"
}

mkdir -p "$STATE"
"$@"
