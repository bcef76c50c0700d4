import assert from "node:assert/strict";
import { causesOf } from "../../../commands/causes";

/** What Pulumi prints of a failure, section by section, and what of it are causes. */
const CASES: Readonly<Record<string, { readonly printed: string; readonly causes: readonly string[] }>> = {
    "a policy's refusal, without its description and what is only advised": {
        printed: `Policies:
    ❌ interlink-kube-api@v0.1.0 (local: policy)
        - [mandatory]  pinned-images  (kubernetes:apps/v1:Deployment: proxy)
          Every container image has a digest, or a tag other than latest.
          image of Deployment proxy: "nginx:latest" is not allowed; give an image with a digest.
        - [advisory]  memory-limits  (kubernetes:apps/v1:Deployment: proxy)
          Every container has a memory limit.
          Deployment proxy has none.

Diagnostics:
  pulumi:pulumi:Stack (interlink-kube-api-kind):
    warning: KUBECONFIG: there is no file none.
    error: preview failed
    error: kubernetes:helm.sh/v4:Chart resource 'interlink-chart' has a problem: grpc: the client connection is closing

Outputs:
    apiServerPort       : 60443
`,
        causes: ['image of Deployment proxy: "nginx:latest" is not allowed; give an image with a digest.'],
    },
    "an error of a resource, with its lines, before what follows from it": {
        printed: `Policies:
    ✅ interlink-kube-api@v0.1.0 (local: policy)

Diagnostics:
  kubernetes:apps/v1:Deployment (proxy):
    error: Update failed: 1 error occurred:
    	* "proxy" timed out
    The pod waits.

  kubernetes:core/v1:Secret (certs):
    warning: a secret value

  pulumi:pulumi:Stack (interlink-kube-api-dev):
    error: update failed
    error: CertManager resource 'ca' has a problem: grpc: the client connection is closing

Resources:
    2 errored
`,
        causes: ['Update failed: 1 error occurred:\n\t* "proxy" timed out\nThe pod waits.'],
    },
    "several settings at once, each time the same": {
        printed: `Diagnostics:
  pulumi:pulumi:Stack (a):
    error: interlink-kube-api:address: give one.
    interlink-kube-api:ports: give two.
    error: interlink-kube-api:address: give one.
    interlink-kube-api:ports: give two.
`,
        causes: ["interlink-kube-api:address: give one.\ninterlink-kube-api:ports: give two."],
    },
    "an update that went well": {
        printed: "Diagnostics:\n  a (b):\n    warning: w\n\nResources:\n    2 unchanged\n",
        causes: [],
    },
    "what has no sections": { printed: "error: no stack selected\n", causes: [] },
};

describe("the causes of a failure", () => {
    for (const [what, { printed, causes }] of Object.entries(CASES)) {
        it(`are found in ${what}`, () => assert.deepEqual(causesOf(printed), causes));
    }
});
