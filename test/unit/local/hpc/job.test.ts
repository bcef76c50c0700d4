import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { Container, CreateRequest, Job, Pod, toJob } from "../../../../local/hpc/job";

const FOLDER = "/data/pods/uid";
const MAIN: Container = { name: "main", image: "registry.example/site/image:1", command: ["sh", "-c"], args: ["true"] };

function job(spec: Partial<Pod["spec"]>, data: Partial<CreateRequest["container"][number]> = {}): Job {
    const metadata = { name: "pod", namespace: "ns", uid: "uid" };
    const handed = { configMaps: null, secrets: null, projectedvolumemaps: null, ...data };
    const containers = spec.containers ?? [MAIN];
    const container = [...containers, ...(spec.initContainers ?? [])].map(({ name }) => ({ ...handed, name }));
    return toJob({ pod: { metadata, spec: { ...spec, containers } }, container }, FOLDER);
}

function content(found: Job, path: string): string {
    return String(found.files.get(path)?.content);
}

/** The words that a shell makes of a script's commands, one list for each line that runs a container. */
function words(found: Job): string[][] {
    const lines = content(found, "job.sh")
        .split("\n")
        .filter((line) => /^run [^(]+ &$/.test(line));
    return lines.map((line) => {
        const shell = spawnSync("bash", ["-c", `printf '%s\\0' ${line.slice(0, -1)}`], { encoding: "utf8" });
        return shell.stdout.split("\0").slice(0, -1);
    });
}

describe("a pod's Slurm job", () => {
    it("gives a container the last value of each variable, as it is", () => {
        const values = { QUOTES: `it's "$HOME" \`id\` \\`, LINES: "one\ntwo\n", EMPTY: "", "my.name": "x" };
        const env = [
            { name: "KUBERNETES_SERVICE_HOST", value: "10.96.0.1" },
            ...Object.entries(values).map(([name, value]) => ({ name, value })),
            { name: "KUBERNETES_SERVICE_HOST", value: "198.18.0.2" },
        ];
        const file = content(job({ containers: [{ ...MAIN, env }] }), "containers/main/env");
        const script = `environment=()\n${file}printf '%s\\0' "\${environment[@]}"`;
        const { stdout } = spawnSync("bash", ["-c", script], { encoding: "utf8" });
        const expected = env.flatMap(({ name, value }) => ["--env", `${name}=${value}`]);
        assert.deepEqual(stdout.split("\0").slice(0, -1), expected);
    });

    it("keeps the environment's file from other users", () => {
        assert.equal(job({}).files.get("containers/main/env")?.mode, 0o600);
    });

    it("passes command and arguments through the shell as they are", () => {
        const args = ["echo 'a b' \"$X\"; exit 1", "", "*", "two\u00e9"];
        const [line] = words(job({ containers: [{ ...MAIN, args, tty: true, workingDir: "/tmp" }] }));
        const options = ["--tty", "--workdir", "/tmp", "--entrypoint", "sh"];
        assert.deepEqual(line, ["run", "main", ...options, "198.18.1.1:5000/site/image:1", "-c", ...args]);
    });

    it("binds each file of a projected volume, read-only, and no folder", () => {
        const data = { token: "secret", "ca.crt": "-----BEGIN\n", namespace: "ns" };
        const mountPath = "/var/run/secrets/kubernetes.io/serviceaccount";
        const found = job(
            {
                containers: [{ ...MAIN, volumeMounts: [{ name: "access", mountPath }] }],
                volumes: [{ name: "access", projected: { sources: [], defaultMode: 0o644 } }],
            },
            { projectedvolumemaps: [{ metadata: { name: "access" }, data }] },
        );
        const binds = words(found)[0]?.filter((word) => word.startsWith("/"));
        const expected = Object.keys(data).map((key) => `${FOLDER}/volumes/access/${key}:${mountPath}/${key}:ro`);
        assert.deepEqual(binds, expected);
        assert.equal(content(found, "volumes/access/token"), "secret");
        assert.equal(found.files.get("volumes/access/token")?.mode, 0o644);
        assert.doesNotMatch(content(found, "job.sh"), /BEGIN|=secret/);
    });

    it("takes a volume's items, modes and subPath", () => {
        const volumeMounts = [
            { name: "scripts", mountPath: "/scripts" },
            { name: "password", mountPath: "/password", subPath: "deep/p" },
        ];
        const base64 = (text: string) => Buffer.from(text).toString("base64");
        const found = job(
            {
                containers: [{ ...MAIN, volumeMounts }],
                volumes: [
                    { name: "scripts", configMap: { name: "map", defaultMode: 0o755 } },
                    {
                        name: "password",
                        secret: { secretName: "secret", items: [{ key: "p", path: "deep/p", mode: 0o400 }] },
                    },
                ],
            },
            {
                configMaps: [
                    { metadata: { name: "map" }, data: { run: "#!/bin/sh" }, binaryData: { b: base64("bin") } },
                ],
                secrets: [{ metadata: { name: "secret" }, data: { p: base64("hidden"), other: base64("no") } }],
            },
        );
        assert.deepEqual(
            words(found)[0]?.filter((word) => word.endsWith(":ro")),
            [
                `${FOLDER}/volumes/scripts/run:/scripts/run:ro`,
                `${FOLDER}/volumes/scripts/b:/scripts/b:ro`,
                `${FOLDER}/volumes/password/deep/p:/password:ro`,
            ],
        );
        assert.equal(content(found, "volumes/scripts/b"), "bin");
        assert.equal(found.files.get("volumes/scripts/run")?.mode, 0o755);
        assert.equal(content(found, "volumes/password/deep/p"), "hidden");
        assert.equal(found.files.get("volumes/password/deep/p")?.mode, 0o400);
        assert.ok(!found.files.has("volumes/password/other"));
    });

    it("shares an emptyDir among containers, with subPaths", () => {
        const found = job({
            initContainers: [{ ...MAIN, name: "init", volumeMounts: [{ name: "argo", mountPath: "/var/run/argo" }] }],
            containers: [
                { ...MAIN, volumeMounts: [{ name: "argo", mountPath: "/var/run/argo", readOnly: true }] },
                { ...MAIN, name: "wait", volumeMounts: [{ name: "argo", mountPath: "/tmp", subPath: "0" }] },
            ],
            volumes: [{ name: "argo", emptyDir: {} }],
        });
        assert.deepEqual([...found.shared], ["shared/argo", "shared/argo/0"]);
        assert.deepEqual(
            words(found).map(([, name, , bind]) => [name, bind]),
            [
                ["init", `${FOLDER}/shared/argo:/var/run/argo`],
                ["main", `${FOLDER}/shared/argo:/var/run/argo:ro`],
                ["wait", `${FOLDER}/shared/argo/0:/tmp`],
            ],
        );
    });

    it("runs init containers one after the other, and the others side by side", () => {
        const names = (...all: string[]) => all.map((name) => ({ ...MAIN, name }));
        const found = job({ initContainers: names("first", "second"), containers: names("main", "side") });
        const order = content(found, "job.sh").match(/^(run \w+|wait \$! \|\| exit|running\+=.*|for .*)/gm);
        const started = "running+=($!)";
        assert.deepEqual(order, [
            ...["run first", "wait $! || exit", "run second", "wait $! || exit"],
            ...["run main", started, "run side", started],
            'for process in "${running[@]}"; do wait "$process" || status=$?; done',
        ]);
    });

    it("asks Slurm for the limits: the sum of the containers, or what an init container needs", () => {
        const limited = (name: string, limits: Record<string, string>) => ({ ...MAIN, name, resources: { limits } });
        const asked = (spec: Partial<Pod["spec"]>) =>
            content(job(spec), "job.sh").match(/(?<=^#SBATCH --(cpus-per-task|mem)=).*$/gm);
        assert.deepEqual(asked({}), ["1", "128"]);
        assert.deepEqual(asked({ containers: [limited("main", { cpu: "1500m", memory: "2000Mi" })] }), ["2", "2000"]);
        const containers = [limited("main", { cpu: "1", memory: "1Gi" }), limited("side", { memory: "100M" })];
        assert.deepEqual(asked({ containers }), ["2", "1120"]);
        assert.deepEqual(asked({ initContainers: [limited("init", { cpu: "4" })] }), ["4", "128"]);
    });

    it("runs as the user that the pod names", () => {
        const securityContext = { runAsUser: 1000 };
        assert.ok(words(job({ securityContext }))[0]?.join(" ").includes("--user 1000:0"));
        const own = { ...MAIN, securityContext: { runAsUser: 7, runAsGroup: 8 } };
        assert.ok(
            words(job({ securityContext, containers: [own] }))[0]
                ?.join(" ")
                .includes("--user 7:8"),
        );
    });

    it("refuses a volume of a kind that InterLink does not hand over", () => {
        const containers = [{ ...MAIN, volumeMounts: [{ name: "disk", mountPath: "/disk" }] }];
        assert.throws(
            () => job({ containers, volumes: [{ name: "disk", hostPath: { path: "/" } }] }),
            /^Error: volume disk: InterLink does not hand over its kind; use emptyDir/,
        );
    });
});
