/** What other Pulumi programs import from the npm package. */
export { ApiAccess } from "./apiAccess";
export type { ApiAccessArgs } from "./arguments";
export { ApiIngress, type ApiIngressArgs } from "../components/apiIngress";
export { InterlinkRelease, type InterlinkReleaseArgs } from "../components/interlinkRelease";
export { InternalIngressController, type InternalIngressControllerArgs } from "../components/internalIngressController";
export { LoadBalancer, type LoadBalancerArgs } from "../components/loadBalancer";
export { MetalLB, type MetalLBArgs } from "../components/metalLB";
export { NginxApiProxy, type NginxApiProxyArgs } from "../components/nginxApiProxy";
export { SelfSignedCA, type SelfSignedCAArgs } from "../components/selfSignedCA";
export { readOutputs, type ReadOutputs } from "../outputs";
export { charts, images } from "../versions";
