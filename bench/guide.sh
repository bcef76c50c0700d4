#!/usr/bin/env bash
# The guide's commands in its order, with what they need to succeed:
#   - nginx's variable is not for the shell, so the configuration is a file (guide.yaml); the chart of nginx has lost its images,
#     so that file holds what the chart makes of the guide's values
#   - the class is named by ingressClassResource.name; a value for ingressClassResource itself fails
#   - the Issuer is beside the Ingress, which finds no other
#   - the CA's later lines are indented as InterLink's chart indents the first
# and for a closed network: charts are folders, images have no digests, and the admission webhook, whose image is another one, is
# left out. Names and ports are variables, so that this runs beside another way in.
set -euo pipefail
cd "$(dirname "$0")"

step_way_in() {
    kubectl create namespace "$NAMESPACE" --dry-run=client -o yaml | kubectl apply -f -
    kubectl apply -n "$NAMESPACE" -f guide.yaml
    helm upgrade --install "$RELEASE" "$CHARTS/ingress-nginx" --create-namespace -n "$NAMESPACE" \
        --values "$KIND_VALUES" --set controller.allowSnippetAnnotations=true \
        --set controller.hostPort.ports.http="$HTTP_PORT" --set controller.hostPort.ports.https="$HTTPS_PORT" \
        --set controller.ingressClassResource.name="$CLASS" --set controller.ingressClassResource.controllerValue="k8s.io/$CLASS" \
        --set controller.ingressClass="$CLASS" --set controller.watchIngressWithoutClass=false \
        --set controller.image.digest= --set controller.admissionWebhooks.enabled=false \
        --set-string controller.config.use-http2=false --wait
}

step_certificates() {
    helm upgrade -i -n cert-manager cert-manager --create-namespace "$CHARTS/cert-manager" --wait
}

step_ingress() {
    sed "s/CLASS/$CLASS/; s/ADDRESS/$ADDRESS/" guide-ingress.yaml | kubectl apply -n "$NAMESPACE" -f -
    kubectl rollout status -n "$NAMESPACE" deployment/my-nginx-kubernetes-api --timeout=120s
}

step_interlink() {
    kubectl wait -n "$NAMESPACE" --for=condition=Ready certificate/web-ssl-kubernetes-api --timeout=120s
    ca=$(kubectl get secret -n "$NAMESPACE" web-ssl-kubernetes-api -o 'jsonpath={.data.ca\.crt}' | base64 -d | sed '2,$s/^/      /')
    helm upgrade --install --create-namespace -n interlink interlink "$CHARTS/interlink" --wait \
        --set nodeName=interlink-guide-node --set virtualNode.image="$VIRTUAL_KUBELET" \
        --set interlink.address="$INTERLINK" --set interlink.port=3000 --set interlink.exportPodData=true \
        --set-string "interlink.kubernetesApiAddr=$ADDRESS" --set-string "interlink.kubernetesApiPort=$HTTPS_PORT" \
        --set-string "interlink.kubernetesApiCaCrt=$ca"
    kubectl wait --for=create node/interlink-guide-node --timeout=120s
    kubectl wait --for=condition=Ready node/interlink-guide-node --timeout=120s
}

for step in "$@"; do
    "step_$step"
done
