/** The site that the environment cloud stands on: MetalLB gives any Service of type LoadBalancer an address. */
import { join } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { MetalLB } from "../../../components/metalLB";
import { PROJECT } from "../../machine/layout";
import { clusterNetworks } from "../../machine/site";
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
    addresses: clusterNetworks().map(({ cloudPool }) => cloudPool),
    autoAssign: true,
    kubectlImage: `registry.k8s.io/kubectl:${version("kubernetes")}`,
});
