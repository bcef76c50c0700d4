/** Of the virtual kubelet's pods: when they were last started anew, since the cluster had lost their node. */
export const RESTARTED = "interlink-kube-api/restarted";
/** Of the virtual kubelet's pods: how many CA certificates they hand to jobs, where there are several. */
export const CA_CERTIFICATES = "interlink-kube-api/ca-certificates";
/** Of the virtual kubelet's configuration: "true" where somebody said that the InterLink API server need not be verified. */
export const INSECURE = "interlink-kube-api/insecure";
