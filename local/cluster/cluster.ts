import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { registryHosts } from "../images/images";
import { applyManifest, attemptKubectl } from "./kubectl";
import { KUBECONFIG, NET, NODE, PROJECT, RUN, STATE } from "../machine/layout";
import { alive, Daemon, ensure, logTail, stop } from "../machine/processes";
import { attempt, run, until } from "../machine/shell";
import { program, version } from "../toolchain/tools";

/** Name of the one node. */
const NODE_NAME = "interlink-control-plane";
const PKI = join(STATE, "pki");
const CONTAINERD_SOCKET = join(RUN, "containerd.sock");

/** Starts the cluster, or what is missing of it, and returns when its node is Ready. */
export async function ensureCluster(): Promise<void> {
    await ensureKeys();
    writeConfiguration();
    await ensureDaemon(etcd(), "etcd", etcdReady);
    await ensureDaemon(apiServer(), "the API server", apiServerReady);
    await ensureDaemon(controllerManager(), "the controller manager", () => healthy("https://127.0.0.1:10257/healthz"));
    await ensureDaemon(scheduler(), "the scheduler", () => healthy("https://127.0.0.1:10259/healthz"));
    await ensureDaemon(containerd(), "containerd", containerdReady);
    await ensureDaemon(kubelet(), "kubelet", () => healthy("http://127.0.0.1:10248/healthz"));
    await ensureDaemon(kubeProxy(), "kube-proxy", () => healthy("http://127.0.0.1:10256/livez"));
    await until("the node's Ready", 60, nodeReady, () => logTail("kubelet"));
    const manifest = readFileSync(join(PROJECT, "local", "cluster", "addons.yaml"), "utf8")
        .replaceAll("${COREDNS_VERSION}", version("coredns"))
        .replaceAll("${DNS_ADDRESS}", NET.dns);
    await applyManifest(manifest, "--server-side");
}

/** Stops the cluster and removes what it had mounted; its state stays. */
export async function stopCluster(): Promise<void> {
    await stop("kubelet");
    await stop("kube-proxy");
    await removePods();
    for (const name of ["containerd", "kube-scheduler", "kube-controller-manager", "kube-apiserver", "etcd"]) {
        await stop(name);
    }
    // Deepest first.
    const mounts = readFileSync("/proc/mounts", "utf8")
        .split("\n")
        .map((line) => line.split(" ")[1] ?? "")
        .filter((path) => path.startsWith(`${STATE}/`) || path.startsWith(`${RUN}/`));
    for (const path of mounts.reverse()) {
        await attempt(["umount", "-l", path]);
    }
    removeCgroups();
}

/** Whether the cluster's API server answers. */
export async function apiServerReady(): Promise<boolean> {
    return (await attemptKubectl("get", "--raw", "/readyz")).status === 0;
}

async function ensureDaemon(daemon: Daemon, what: string, ready: () => Promise<boolean>): Promise<void> {
    ensure(daemon);
    await until(
        what,
        60,
        async () => {
            // A process that dies at once is started again: the one before it may still hold the port.
            ensure(daemon);
            return alive(daemon.name) && (await ready());
        },
        () => logTail(daemon.name),
    );
}

/** Keys, certificates and kubeconfigs, by kubeadm. */
async function ensureKeys(): Promise<void> {
    if (existsSync(KUBECONFIG)) {
        return;
    }
    mkdirSync(STATE, { recursive: true });
    const kubeadm = [program("kubernetes", "kubeadm"), "init", "phase"];
    const common = ["--cert-dir", PKI, "--apiserver-advertise-address", NET.node];
    const kubernetes = ["--kubernetes-version", version("kubernetes")];
    await run([...kubeadm, "certs", "all", ...common, ...kubernetes, "--service-cidr", NET.services]);
    const kubeconfig = ["kubeconfig", "all", ...common, ...kubernetes, "--kubeconfig-dir", STATE];
    await run([...kubeadm, ...kubeconfig, "--node-name", NODE_NAME]);
    await run(["cp", join(STATE, "super-admin.conf"), KUBECONFIG]);
}

function write(file: string, text: string): string {
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
    return file;
}

function writeConfiguration(): void {
    write(join(STATE, "resolv.conf"), `nameserver ${NET.dns}\n`);
    write(join(STATE, "certs.d", "_default", "hosts.toml"), registryHosts());
    write(
        join(STATE, "cni", "10-ptp.conflist"),
        JSON.stringify({
            cniVersion: "1.0.0",
            name: "pods",
            plugins: [
                {
                    // Point to point, not a bridge: all traffic is routed, so that Services need no br_netfilter.
                    type: "ptp",
                    ipMasq: true,
                    ipam: {
                        type: "host-local",
                        dataDir: join(RUN, "cni"),
                        ranges: [[{ subnet: NET.pods }]],
                        routes: [{ dst: "0.0.0.0/0" }],
                    },
                },
                { type: "portmap", capabilities: { portMappings: true }, snat: true },
            ],
        }),
    );
    write(
        join(STATE, "containerd.toml"),
        `version = 3
root = "${STATE}/containerd"
state = "${RUN}/containerd"
disabled_plugins = ["io.containerd.internal.v1.opt", "io.containerd.tracing.processor.v1.otlp"]

[grpc]
  address = "${CONTAINERD_SOCKET}"

[ttrpc]
  address = "${CONTAINERD_SOCKET}.ttrpc"

[plugins."io.containerd.cri.v1.images".pinned_images]
  sandbox = "registry.k8s.io/pause:3.10"

[plugins."io.containerd.cri.v1.images".registry]
  config_path = "${STATE}/certs.d"

[plugins."io.containerd.cri.v1.runtime"]
  # Needs no CAP_SYS_RESOURCE, which containers and small virtual machines often lack.
  restrict_oom_score_adj = true
  # Pods' namespaces lie where the cluster's end finds them.
  netns_mounts_under_state_dir = true

[plugins."io.containerd.cri.v1.runtime".cni]
  bin_dirs = ["/usr/lib/cni"]
  conf_dir = "${STATE}/cni"

[plugins."io.containerd.cri.v1.runtime".containerd.runtimes.runc]
  runtime_type = "io.containerd.runc.v2"

[plugins."io.containerd.cri.v1.runtime".containerd.runtimes.runc.options]
  BinaryName = "/usr/sbin/runc"
  SystemdCgroup = false
`,
    );
    write(
        join(STATE, "kubelet.yaml"),
        `apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
authentication:
  anonymous: { enabled: false }
  webhook: { enabled: true }
  x509: { clientCAFile: ${PKI}/ca.crt }
authorization: { mode: Webhook }
cgroupDriver: cgroupfs
failCgroupV1: false
clusterDNS: [${NET.dns}]
clusterDomain: cluster.local
containerRuntimeEndpoint: unix://${CONTAINERD_SOCKET}
resolvConf: ${STATE}/resolv.conf
podLogsDir: ${STATE}/log/pods
failSwapOn: false
localStorageCapacityIsolation: true
imageGCHighThresholdPercent: 100
evictionHard: { memory.available: 0%, nodefs.available: 0%, imagefs.available: 0% }
rotateCertificates: false
`,
    );
    write(
        join(STATE, "kube-proxy.yaml"),
        `apiVersion: kubeproxy.config.k8s.io/v1alpha1
kind: KubeProxyConfiguration
mode: nftables
clusterCIDR: ${NET.pods}
hostnameOverride: ${NODE_NAME}
clientConnection: { kubeconfig: ${KUBECONFIG} }
conntrack: { maxPerCore: 0 }
`,
    );
}

function etcd(): Daemon {
    return {
        name: "etcd",
        netns: NODE,
        command: [
            program("etcd", "server"),
            ...["--name", NODE_NAME, "--data-dir", join(STATE, "etcd")],
            ...["--listen-client-urls", "https://127.0.0.1:2379", "--advertise-client-urls", "https://127.0.0.1:2379"],
            ...[
                "--listen-peer-urls",
                "https://127.0.0.1:2380",
                "--initial-advertise-peer-urls",
                "https://127.0.0.1:2380",
            ],
            ...["--initial-cluster", `${NODE_NAME}=https://127.0.0.1:2380`],
            ...["--cert-file", `${PKI}/etcd/server.crt`, "--key-file", `${PKI}/etcd/server.key`],
            ...["--trusted-ca-file", `${PKI}/etcd/ca.crt`, "--client-cert-auth"],
            ...["--peer-cert-file", `${PKI}/etcd/peer.crt`, "--peer-key-file", `${PKI}/etcd/peer.key`],
            ...["--peer-trusted-ca-file", `${PKI}/etcd/ca.crt`, "--peer-client-cert-auth"],
            ...["--log-level", "warn"],
        ],
    };
}

function etcdReady(): Promise<boolean> {
    const client = ["--cert", `${PKI}/etcd/healthcheck-client.crt`, "--key", `${PKI}/etcd/healthcheck-client.key`];
    return healthy("https://127.0.0.1:2379/health", client);
}

/** Whether a component's health address, on the node's loopback, answers. */
async function healthy(url: string, options: readonly string[] = []): Promise<boolean> {
    return (await attempt(["curl", "-skf", "--max-time", "5", ...options, url], { netns: NODE })).status === 0;
}

/** The socket alone says nothing: a containerd that was killed leaves it. */
async function containerdReady(): Promise<boolean> {
    const version = [program("containerd", "ctr"), "--address", CONTAINERD_SOCKET, "version"];
    return (await attempt(version, { timeoutSeconds: 5 })).status === 0;
}

function apiServer(): Daemon {
    const client = (name: string) => [`${PKI}/${name}.crt`, `${PKI}/${name}.key`] as const;
    const [etcdCert, etcdKey] = client("apiserver-etcd-client");
    const [kubeletCert, kubeletKey] = client("apiserver-kubelet-client");
    const [proxyCert, proxyKey] = client("front-proxy-client");
    const [cert, key] = client("apiserver");
    return {
        name: "kube-apiserver",
        netns: NODE,
        command: [
            program("kubernetes", "kube-apiserver"),
            `--advertise-address=${NET.node}`,
            `--bind-address=${NET.node}`,
            "--secure-port=6443",
            "--allow-privileged=true",
            "--authorization-mode=Node,RBAC",
            "--enable-admission-plugins=NodeRestriction",
            "--enable-bootstrap-token-auth=false",
            `--client-ca-file=${PKI}/ca.crt`,
            "--etcd-servers=https://127.0.0.1:2379",
            `--etcd-cafile=${PKI}/etcd/ca.crt`,
            `--etcd-certfile=${etcdCert}`,
            `--etcd-keyfile=${etcdKey}`,
            `--kubelet-client-certificate=${kubeletCert}`,
            `--kubelet-client-key=${kubeletKey}`,
            // By name, the API server would ask the machine's name server.
            "--kubelet-preferred-address-types=InternalIP",
            `--proxy-client-cert-file=${proxyCert}`,
            `--proxy-client-key-file=${proxyKey}`,
            `--requestheader-client-ca-file=${PKI}/front-proxy-ca.crt`,
            "--requestheader-allowed-names=front-proxy-client",
            "--requestheader-extra-headers-prefix=X-Remote-Extra-",
            "--requestheader-group-headers=X-Remote-Group",
            "--requestheader-username-headers=X-Remote-User",
            "--service-account-issuer=https://kubernetes.default.svc.cluster.local",
            `--service-account-key-file=${PKI}/sa.pub`,
            `--service-account-signing-key-file=${PKI}/sa.key`,
            `--service-cluster-ip-range=${NET.services}`,
            `--tls-cert-file=${cert}`,
            `--tls-private-key-file=${key}`,
        ],
    };
}

function controllerManager(): Daemon {
    const kubeconfig = join(STATE, "controller-manager.conf");
    return {
        name: "kube-controller-manager",
        netns: NODE,
        command: [
            program("kubernetes", "kube-controller-manager"),
            `--kubeconfig=${kubeconfig}`,
            `--authentication-kubeconfig=${kubeconfig}`,
            `--authorization-kubeconfig=${kubeconfig}`,
            "--bind-address=127.0.0.1",
            "--leader-elect=false",
            `--client-ca-file=${PKI}/ca.crt`,
            `--cluster-signing-cert-file=${PKI}/ca.crt`,
            `--cluster-signing-key-file=${PKI}/ca.key`,
            `--requestheader-client-ca-file=${PKI}/front-proxy-ca.crt`,
            `--root-ca-file=${PKI}/ca.crt`,
            `--service-account-private-key-file=${PKI}/sa.key`,
            `--service-cluster-ip-range=${NET.services}`,
            "--use-service-account-credentials=true",
        ],
    };
}

function scheduler(): Daemon {
    const kubeconfig = join(STATE, "scheduler.conf");
    return {
        name: "kube-scheduler",
        netns: NODE,
        command: [
            program("kubernetes", "kube-scheduler"),
            `--kubeconfig=${kubeconfig}`,
            `--authentication-kubeconfig=${kubeconfig}`,
            `--authorization-kubeconfig=${kubeconfig}`,
            "--bind-address=127.0.0.1",
            "--leader-elect=false",
        ],
    };
}

function containerd(): Daemon {
    return {
        name: "containerd",
        netns: NODE,
        command: [program("containerd", "containerd"), "--config", join(STATE, "containerd.toml")],
        // containerd looks for its shim on PATH.
        env: { PATH: `${dirname(program("containerd", "containerd"))}:${process.env.PATH ?? ""}` },
    };
}

function kubelet(): Daemon {
    return {
        name: "kubelet",
        netns: NODE,
        command: [
            program("kubernetes", "kubelet"),
            `--config=${STATE}/kubelet.yaml`,
            `--kubeconfig=${STATE}/kubelet.conf`,
            `--root-dir=${STATE}/kubelet`,
            `--cert-dir=${STATE}/kubelet-pki`,
            `--hostname-override=${NODE_NAME}`,
            `--node-ip=${NET.node}`,
            "--node-labels=ingress-ready=true",
        ],
    };
}

function kubeProxy(): Daemon {
    return {
        name: "kube-proxy",
        netns: NODE,
        command: [program("kubernetes", "kube-proxy"), `--config=${STATE}/kube-proxy.yaml`],
    };
}

async function nodeReady(): Promise<boolean> {
    const path = "jsonpath={.status.conditions[?(@.type=='Ready')].status}";
    return (await attemptKubectl("get", "node", NODE_NAME, "-o", path)).stdout === "True";
}

/** Kills every container of the cluster; its shims end with them. */
async function removePods(): Promise<void> {
    const shims = (await attempt(["pgrep", "-f", `containerd-shim-runc-v2 .*${CONTAINERD_SOCKET}`])).stdout;
    for (const shim of shims.split("\n").filter((pid) => pid !== "")) {
        const children = (await attempt(["pgrep", "-P", shim])).stdout.split("\n").filter((pid) => pid !== "");
        await attempt(["kill", "-9", shim, ...children]);
    }
    await until("the end of the pods", 10, async () => {
        return (await attempt(["pgrep", "-f", `containerd-shim-runc-v2 .*${CONTAINERD_SOCKET}`])).status !== 0;
    });
}

/** Removes the cgroups that kubelet made. */
function removeCgroups(): void {
    const roots = ["/sys/fs/cgroup", ...readdirSync("/sys/fs/cgroup").map((entry) => join("/sys/fs/cgroup", entry))];
    for (const root of roots) {
        removeCgroup(join(root, "kubepods"));
    }
}

function removeCgroup(path: string): void {
    if (!existsSync(path)) {
        return;
    }
    for (const entry of readdirSync(path, { withFileTypes: true })) {
        if (entry.isDirectory()) {
            removeCgroup(join(path, entry.name));
        }
    }
    try {
        rmdirSync(path);
    } catch {
        // Its last process is still dying; an empty cgroup costs nothing and the next start takes it over.
    }
}
