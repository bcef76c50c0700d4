import { readFileSync, writeFileSync } from "node:fs";
import { podman, runEngine } from "../../../local/cluster/engine";
import { applyManifest, attemptKubectl, kubectl } from "../../../local/cluster/kubectl";
import { ensureHpc } from "../../../local/hpc/hpc";
import { stop } from "../../../local/machine/processes";
import { until } from "../../../local/machine/shell";
import { settingsPath } from "../../../local/stacks/environments";
import { outputs } from "../../../local/stacks/pulumi";
import { cluster } from "../../trust/cluster";
import { PROXY_ROLLED, PulumiRun } from "../../trust/update";
import { Changes, inSteps, Steps, upWith, writeChanged } from "../support";

const WORKER = "interlink-worker";
const CA_SECRET = ["secret", "ingress-nginx-internal-root-ca-secret", "--namespace", "cert-manager"];
const CLASS = `apiVersion: networking.k8s.io/v1
kind: IngressClass
metadata: { name: nginx-internal }
spec: { controller: k8s.io/nginx-internal }
`;
/** A namespace that does not go: somebody has still to do something for an object in it. */
const STUCK = `apiVersion: v1
kind: Namespace
metadata: { name: stuck }
---
apiVersion: v1
kind: ConfigMap
metadata: { name: held, namespace: stuck, finalizers: [site.example/never] }
`;

/** A fault of somebody else's. */
interface Fault {
    /** Makes it; returns what takes it away. */
    readonly make: () => Promise<() => Promise<unknown>>;
    /** What the update changes meanwhile; by default nothing. */
    readonly changes?: Changes;
    /** What the update says. */
    readonly says: RegExp;
}

const FAULTS: Readonly<Record<string, Fault>> = {
    "cert-manager is down": {
        make: () => scaledToNone("cert-manager", "cert-manager"),
        says: /The Deployment cert-manager in namespace cert-manager is scaled to 0/,
    },
    "CoreDNS is down": {
        make: () => scaledToNone("kube-system", "coredns"),
        says: /The Deployment coredns in namespace kube-system is scaled to 0/,
    },
    "the IngressClass is taken": {
        make: async () => {
            await applyManifest(CLASS);
            return () => kubectl("delete", "ingressclass", "nginx-internal");
        },
        changes: { controller: "traefik" },
        says: /ingressClassName: the IngressClass nginx-internal exists and is not this stack's/,
    },
    "a namespace is stuck": {
        make: async () => {
            await applyManifest(STUCK);
            await kubectl("delete", "namespace", "stuck", "--wait=false");
            return async () => {
                const none = ["--type=merge", '--patch={"metadata":{"finalizers":null}}'];
                await kubectl("patch", "configmap", "held", "--namespace", "stuck", ...none);
                await kubectl("wait", "--for=delete", "namespace/stuck", "--timeout=60s");
            };
        },
        changes: { namespace: "stuck" },
        says: /namespace: the namespace stuck is being deleted/,
    },
    "the CA's Secret is deleted": {
        make: () => otherCA(() => kubectl("delete", ...CA_SECRET)),
        says: /The Kubernetes API is not served at/,
    },
    "the CA's Secret is changed": {
        make: () => otherCA(() => kubectl("patch", ...CA_SECRET, '--patch={"data":{"tls.key":""}}')),
        says: /The Kubernetes API is not served at/,
    },
    "a quota is exceeded": {
        make: async () => {
            const { namespace } = await outputs("dev");
            await kubectl("create", "quota", "none", "--hard=pods=0", "--namespace", namespace);
            return () => kubectl("delete", "quota", "none", "--namespace", namespace);
        },
        changes: PROXY_ROLLED,
        says: /exceeded quota: none/,
    },
    "an image cannot be pulled": {
        make: () => Promise.resolve(() => Promise.resolve()),
        changes: { "images.nginx": "docker.io/nginxinc/nginx-unprivileged:0.0.0" },
        says: /pull\w* image .*nginx-unprivileged:0\.0\.0/,
    },
    "the plugin is away": {
        make: async () => {
            await stop("plugin");
            await virtualNodeReady("false");
            return async () => {
                await ensureHpc();
                await virtualNodeReady();
            };
        },
        says: /The virtual node \S+ is not Ready, and takes no pods: .*Ping failed/,
    },
    "a disk is full": {
        make: async () => {
            await evictBelow("99%");
            await kubectl("wait", "--for=condition=DiskPressure", `node/${WORKER}`, "--timeout=120s");
            return async () => {
                await evictBelow("0%");
                await kubectl("wait", "--for=condition=DiskPressure=false", `node/${WORKER}`, "--timeout=120s");
                // What was evicted begins anew.
                const available = ["--for=condition=Available", "deployments", "--all", "--all-namespaces"];
                await kubectl("wait", ...available, "--timeout=180s");
                await virtualNodeReady();
            };
        },
        says: /The node \S+ has DiskPressure/,
    },
};

/** What an update says of faults that are not its own, and that it goes on when they are gone. */
describe("a door", () => {
    inSteps("with faults of others", {
        "`make up`": () => cluster(),
        ...(Object.fromEntries(
            Object.entries(FAULTS).map(([what, fault]) => [what, () => saidAndMended(fault)]),
        ) as Steps),
    });
});

async function saidAndMended({ make: inject, changes = {}, says }: Fault): Promise<string> {
    const file = settingsPath("dev");
    const before = readFileSync(file, "utf8");
    const mend = await inject();
    let seen: string;
    await writeChanged("dev", changes);
    const update = new PulumiRun("dev", "up");
    try {
        seen = await update.said(says);
    } finally {
        await mend();
        // What it waits for comes, or never will: the next one takes the state as it is.
        const late = setTimeout(() => update.kill(), 20_000);
        await update.end();
        clearTimeout(late);
        // Else a controller that was asked for would be taken for the one that the stack began with.
        writeFileSync(file, before);
    }
    return `${seen}; then \`pulumi up\` at ${await upWith("dev", {})}`;
}

async function scaledToNone(namespace: string, name: string): Promise<() => Promise<unknown>> {
    const target = [`deployment/${name}`, "--namespace", namespace];
    const replicas = await kubectl("get", ...target, "-o", "jsonpath={.spec.replicas}");
    await kubectl("scale", ...target, "--replicas=0");
    return async () => {
        await kubectl("scale", ...target, `--replicas=${replicas}`);
        await kubectl("rollout", "status", ...target, "--timeout=120s");
    };
}

/** Waits until the virtual node is Ready, or is not. */
async function virtualNodeReady(status: "true" | "false" = "true"): Promise<void> {
    const { interlinkNodeName } = await outputs("dev");
    await kubectl("wait", `--for=condition=Ready=${status}`, `node/${interlinkNodeName}`, "--timeout=180s");
}

/** Lets cert-manager make another CA; returns what puts the one back that was there. */
async function otherCA(action: () => Promise<unknown>): Promise<() => Promise<unknown>> {
    const data = () => attemptKubectl("get", ...CA_SECRET, "-o", "jsonpath={.data}");
    const { stdout: before } = await data();
    // Without data there is no text either.
    const certificate = (text: string) => (JSON.parse(text || "{}") as Record<string, string>)["tls.crt"] ?? "";
    await action();
    await until("another CA", 60, async () => {
        const { status, stdout } = await data();
        return status === 0 && certificate(stdout) !== "" && certificate(stdout) !== certificate(before);
    });
    return () => kubectl("patch", ...CA_SECRET, `--patch={"data":${before}}`);
}

/** Sets how much of a disk has to be free on the worker: below, kubelet says that it is full, and for a while after it no longer is. */
async function evictBelow(free: string): Promise<void> {
    const file = "/var/lib/kubelet/config.yaml";
    // kubelet's own while is five minutes.
    const lines = [`nodefs.available: "${free}"`, "evictionPressureTransitionPeriod: 10s"];
    const edits = lines.map((line) => `-e 's/${line.replace(/: .*/, ": .*")}/${line}/'`).join(" ");
    const edit = `sed -i ${edits} ${file} && systemctl restart kubelet`;
    await runEngine(podman(), ["exec", WORKER, "sh", "-c", edit]);
}
