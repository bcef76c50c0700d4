import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parse, stringify } from "yaml";
import { attemptKubectl, kubectl } from "../local/cluster/kubectl";
import { NET, PROJECT } from "../local/machine/layout";
import { attempt, run } from "../local/machine/shell";
import { environment, mainStack, pulumiDestroy, pulumiUp } from "../local/stacks/pulumi";
import { Deployment, Span } from "./data";
import { sum } from "./numbers";
import { SCRIPT, UNCHANGED, UP } from "./report";
import { answered, script } from "./ways";

const STACK = mainStack("dev");
const PUBLISHED = `https://${NET.published}:60443`;
const GUIDE = {
    NAMESPACE: "ingress-nginx-internal",
    RELEASE: "my-ingress-nginx",
    CLASS: "nginx-internal",
    HTTP_PORT: "6080",
    HTTPS_PORT: "60443",
};
/** The steps of guide.sh. */
const STEPS = ["way_in", "certificates", "ingress", "interlink"] as const;
const OPTIONS = ["--non-interactive", "--color", "never", "--suppress-progress"];
const POLICIES = ["--policy-pack", join(PROJECT, "policy")];

/** Deploys the local cluster's own stack and the guide's commands, each from an empty cluster, and puts the stack back. */
export async function deployment(folder: string): Promise<Deployment> {
    const settings = readFileSync(STACK.settings, "utf8");
    const log = join(folder, "events");
    const seconds: Record<string, number> = {};
    const timed = async (what: string, step: () => Promise<unknown>) => {
        const start = performance.now();
        await step();
        seconds[what] = (performance.now() - start) / 1000;
    };
    try {
        await pulumiDestroy(STACK);
        try {
            await removeDefinitions();
            for (const name of STEPS) {
                await timed(`of them: ${name}`, () => script("guide.sh", [name], GUIDE));
            }
            seconds[SCRIPT] = sum(seconds);
            await timed("the guide's first answer after them", () => answered(PUBLISHED));
        } finally {
            await removeGuide();
        }
        await timed(UP, () => up("--event-log", log));
        await timed("its first answer after it", () => answered(PUBLISHED));
        await timed(UNCHANGED, () => up());
        await timed("`pulumi preview`, unchanged", () => pulumi("preview", ...POLICIES));
        writeFileSync(STACK.settings, changed(settings));
        await timed("`pulumi up`, one setting changed", () => up());
    } finally {
        writeFileSync(STACK.settings, settings);
        await pulumiUp(STACK);
    }
    return { seconds, spans: spansOf(readFileSync(log, "utf8")) };
}

/** The resources that an update waited for, components left out, of the events that Pulumi has logged, whose clock counts seconds. */
export function spansOf(log: string): Span[] {
    interface Event {
        readonly timestamp: number;
        readonly resourcePreEvent?: {
            readonly metadata: { readonly urn: string; readonly new?: { readonly custom?: boolean } };
        };
        readonly resOutputsEvent?: { readonly metadata: { readonly urn: string } };
    }
    const events = log
        .split("\n")
        .filter(Boolean)
        .map((line) => JSON.parse(line) as Event);
    const start = events[0]?.timestamp ?? 0;
    const began = new Map<string, number>();
    const spans: Span[] = [];
    for (const { timestamp, resourcePreEvent, resOutputsEvent } of events) {
        if (resourcePreEvent?.metadata.new?.custom === true) {
            began.set(resourcePreEvent.metadata.urn, timestamp - start);
        }
        const { urn = "" } = resOutputsEvent?.metadata ?? {};
        const from = began.get(urn);
        if (from !== undefined && timestamp - start > from) {
            const [, , type = "", ...name] = urn.split("::");
            const resource = `${type.split(":").at(-1)} ${name.join("::")}`;
            spans.push({ resource, from, to: timestamp - start });
        }
    }
    return spans;
}

/** One setting more or less: how many pods the virtual node offers. */
function changed(settings: string): string {
    const file = parse(settings) as { config: { "interlink-kube-api:interlink": { resources: { pods: number } } } };
    file.config["interlink-kube-api:interlink"].resources.pods += 1;
    return stringify(file);
}

function up(...options: string[]): Promise<string> {
    return pulumi("up", "--yes", "--skip-preview", ...POLICIES, ...options);
}

function pulumi(...command: string[]): Promise<string> {
    // Without this it has no --event-log.
    const env = { ...environment(STACK.name), PULUMI_DEBUG_COMMANDS: "true" };
    return run(["pulumi", ...command, ...OPTIONS, "--config-file", STACK.settings], { cwd: PROJECT, env });
}

async function removeGuide(): Promise<void> {
    const env = environment("bench");
    await attempt(["helm", "uninstall", "--no-hooks", "interlink", "-n", "interlink"], { env });
    await attempt(["helm", "uninstall", GUIDE.RELEASE, "-n", GUIDE.NAMESPACE], { env });
    await attempt(["helm", "uninstall", "cert-manager", "-n", "cert-manager"], { env });
    await kubectl("delete", "node", "interlink-guide-node", "--ignore-not-found");
    await kubectl("delete", "namespace", "interlink", GUIDE.NAMESPACE, "cert-manager", "--ignore-not-found", "--wait");
    await removeDefinitions();
}

/** cert-manager's definitions stay when it goes, with everybody's certificates; an empty cluster has none. */
async function removeDefinitions(): Promise<void> {
    const names = (await kubectl("get", "crd", "-o", "name")).match(/^.*cert-manager\.io$/gm) ?? [];
    if (names.length > 0) {
        await attemptKubectl("delete", ...names);
    }
}
