/** The site that the environment cloud stands on: MetalLB gives any Service of type LoadBalancer an address. */
import { join } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { MetalLB } from "../../../components/metalLB";
import { NET, PROJECT } from "../../machine/layout";
import { version } from "../../toolchain/tools";

const namespace = "metallb-system";
new MetalLB("metallb", {
    release: new pulumi.Config().requireBoolean("install")
        ? {
              install: true,
              namespace,
              chart: join(PROJECT, "local", "images", "charts", "metallb"),
              version: version("metallb").slice(1),
          }
        : { install: false, namespace },
    poolName: "site",
    addresses: [NET.cloudPool],
    autoAssign: true,
    kubectlImage: `registry.k8s.io/kubectl:${version("kubernetes")}`,
});
