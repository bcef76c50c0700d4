/** Helm chart versions: what is installed unless the configuration says otherwise. */
export const charts = {
    /** cert-manager, from its own chart repository. */
    certManager: "v1.21.2",
    /** InterLink, from its OCI repository: the last stable release. */
    interlink: "0.6.1",
} as const;

/** Container images: what runs unless the configuration says otherwise. */
export const images = {
    /** The API proxy; 1.31.0 is the first nginx with the fix for CVE-2026-42945. */
    nginx: "docker.io/nginxinc/nginx-unprivileged:1.31.6-alpine@sha256:6a23acdfca2b9cfbcec61419e3f1426bcbedb91362f2f19306a8567423bb4612",
    /** The ingress controller; 3.6.2 is the first Traefik whose provider for nginx annotations is not experimental. */
    traefik: "docker.io/library/traefik:v3.6.12",
    /** Waits for the virtual node; has no shell. */
    kubectl: "registry.k8s.io/kubectl:v1.35.4",
    /** InterLink's virtual kubelet; the chart itself would take `latest`. */
    virtualKubelet: "ghcr.io/interlink-hq/interlink/virtual-kubelet-inttw:0.6.2",
} as const;
