/** Helm chart versions: what is installed unless the configuration says otherwise. */
export const charts = {
    /** cert-manager, from its own chart repository. */
    certManager: "v1.21.2",
    /** InterLink, from its OCI repository: the last stable release. */
    interlink: "0.6.1",
    /** MetalLB, from its own chart repository. */
    metalLB: "0.16.2",
    /** ingress-nginx, from its own chart repository: the last one before it was retired. */
    ingressNginx: "4.15.1",
} as const;

/** Container images: what runs unless the configuration says otherwise. */
export const images = {
    /** The API proxy; 1.31.0 is the first nginx with the fix for CVE-2026-42945. */
    nginx: "docker.io/nginxinc/nginx-unprivileged:1.31.6-alpine@sha256:6a23acdfca2b9cfbcec61419e3f1426bcbedb91362f2f19306a8567423bb4612",
    /** Counts the API proxy's requests for Prometheus, where metrics are wanted. */
    mtail: "ghcr.io/google/mtail:3.0.8",
    /** The ingress controller: the newest release, whose provider for nginx annotations knows those for timeouts. */
    traefik: "docker.io/library/traefik:v3.7.13",
    /** The other ingress controller. */
    ingressNginx:
        "registry.k8s.io/ingress-nginx/controller:v1.15.1@sha256:594ceea76b01c592858f803f9ff4d2cb40542cae2060410b2c95f75907d659e1",
    /** Waits for the virtual node; has no shell. */
    kubectl: "registry.k8s.io/kubectl:v1.37.2",
    /** Approves the virtual kubelet's certificate, where the cluster signs it; has kubectl and a shell. */
    approver: "docker.io/alpine/k8s:1.35.4",
    /** InterLink's virtual kubelet; the chart itself would take `latest`. */
    virtualKubelet: "ghcr.io/interlink-hq/interlink/virtual-kubelet-inttw:0.6.2",
    /** InterLink's API server, where it runs beside it; the chart itself would take `latest`. */
    interlinkApi: "ghcr.io/interlink-hq/interlink/interlink:0.6.2",
    /** Beside it, where OAUTH is used; the chart itself would take `latest`. */
    refreshToken: "ghcr.io/interlink-hq/interlink/virtual-kubelet-inttw-refresh:0.6.2",
} as const;

/** Images that charts name by themselves, by the parts of their values; their tags are the charts'. */
export const chartImages = {
    certManager: {
        controller: "quay.io/jetstack/cert-manager-controller",
        webhook: "quay.io/jetstack/cert-manager-webhook",
        cainjector: "quay.io/jetstack/cert-manager-cainjector",
        acmesolver: "quay.io/jetstack/cert-manager-acmesolver",
        startupapicheck: "quay.io/jetstack/cert-manager-startupapicheck",
    },
    metalLB: {
        controller: "quay.io/metallb/controller",
        speaker: "quay.io/metallb/speaker",
        "speaker.frr": "quay.io/frrouting/frr",
        "frr-k8s": "quay.io/metallb/frr-k8s",
        "frr-k8s.frr": "quay.io/frrouting/frr",
    },
} as const;
