import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { stringify } from "yaml";
import { namespaceExists, settingsPath } from "./environments";
import { PROJECT } from "../machine/layout";
import { pulumiUp } from "./pulumi";

/** Gives the cluster what a cloud has: addresses for load balancers, from a MetalLB that the program does not know about. */
export async function ensureCloud(): Promise<void> {
    const settings = settingsPath("site");
    if (!existsSync(settings)) {
        // Decided once: the environment metallb may have brought MetalLB before, or may find it later.
        const install = !(await namespaceExists("metallb-system"));
        mkdirSync(dirname(settings), { recursive: true });
        writeFileSync(settings, stringify({ config: { "interlink-kube-api-site:install": install } }));
    }
    await pulumiUp({ name: "site", folder: join(PROJECT, "local", "stacks", "site"), settings });
}
