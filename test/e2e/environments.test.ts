import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Environment } from "../../local/stacks/environments";
import { applyManifest, kubectl } from "../../local/cluster/kubectl";
import { HPC, STATE } from "../../local/machine/layout";
import { outputs } from "../../local/stacks/pulumi";
import { attempt, run, until } from "../../local/machine/shell";
import { version } from "../../local/toolchain/tools";
import { NAMES } from "../../stacks/compose";
import { assertStreams } from "./streams";
import { assertNamespaces, make, TABLE, UNCHANGED } from "./support";

/** Every way in, on the local cluster, each from nothing. */
describe("the environments and controllers", () => {
    it("`make up` goes on where an update was killed, in the middle of cert-manager's release", async () => {
        await make("down");
        const killed = attempt(["make", "up"]);
        const releases = [
            "get",
            "secrets",
            "--all-namespaces",
            "-l",
            "owner=helm,status=pending-install",
            "-o",
            "name",
        ];
        await until("cert-manager's release", 4800, async () => (await kubectl(...releases).catch(() => "")) !== "");
        await run(["pkill", "-9", "-f", `pulumi up .*${STATE}`]);
        assert.notEqual((await killed).status, 0);
        assert.match(await make("up"), TABLE);
    });

    for (const controller of ["traefik", "ingress-nginx"]) {
        it(`\`make up CONTROLLER=${controller}\` ends in the Job's table, and a second one changes nothing`, async () => {
            await make("down");
            assert.match(await make("up", `CONTROLLER=${controller}`), TABLE);
            assert.match(await make("up", `CONTROLLER=${controller}`), UNCHANGED);
        });

        it(`${controller}: a client that asks for plain HTTP is sent to HTTPS`, async () => {
            const { apiServerHost } = await outputs("dev");
            const url = `http://${apiServerHost}:6080/version`;
            const { stdout } = await attempt(["curl", "-si", "--max-time", "10", url], { netns: HPC });
            // Traefik answers 308 to all methods but GET.
            assert.match(stdout, /^HTTP\/1\.1 30[18] /);
            assert.match(stdout, new RegExp(`^location: https://${apiServerHost}:60443/version`, "im"));
        });

        it(`${controller}: exec, silent watches and large objects pass`, async () => {
            await assertStreams("dev");
        });

        if (controller === "traefik") {
            it("traefik: an Ingress with a host is served at the same port, and one without takes nothing away", async () => {
                await besideOtherIngresses();
            });
        }

        it(`${controller}: another controller and its Ingress stay untouched, and leave ours alone`, async () => {
            await besideAnotherController(controller);
        });
    }

    it("`make up ENV=metallb` ends in the Job's table, from an address that MetalLB announces", async () => {
        await make("down");
        assert.match(await make("up", "ENV=metallb"), TABLE);
        await announced("metallb");
    });

    it("`make up ENV=cloud` ends in it beside that, under names of its own", async () => {
        assert.match(await make("up", "ENV=cloud", "UNIQUE_NAMES=true", "CONTROLLER=traefik"), TABLE);
        await announced("cloud");
        const [metallb, cloud] = [await outputs("metallb"), await outputs("cloud")];
        for (const key of ["apiServerHost", "interlinkNodeName", "namespace"] as const) {
            assert.notEqual(metallb[key], cloud[key]);
        }
        assert.match(cloud.ingressClassName, /^nginx-internal-[0-9a-f]{6}$/);
    });

    it("neither changes the other: both are unchanged, and the one outlives the other", async () => {
        assert.match(await make("up", "ENV=metallb"), UNCHANGED);
        assert.match(await make("up", "ENV=cloud", "UNIQUE_NAMES=true"), UNCHANGED);
        await make("destroy", "ENV=cloud");
        await make("verify", "ENV=metallb");
        await make("destroy", "ENV=metallb");
    });

    it("the other order: `make up ENV=cloud` from nothing, then metallb, both with unique names", async () => {
        await make("down");
        assert.match(await make("up", "ENV=cloud", "UNIQUE_NAMES=true"), TABLE);
        assert.match(await make("up", "ENV=metallb", "UNIQUE_NAMES=true"), TABLE);
        await make("verify", "ENV=cloud");
    });

    it("`make destroy` leaves nothing of either", async () => {
        await make("destroy", "ENV=metallb");
        await make("destroy", "ENV=cloud");
        // MetalLB is the site's, whose load balancers the environment cloud uses.
        await assertNamespaces("metallb-system");
        await make("down");
    });
});

/** Asserts that the address of an environment answers ARP on the link to the HPC side, where no interface has it. */
async function announced(environment: Environment): Promise<void> {
    const { apiServerHost } = await outputs(environment);
    const neighbour = await run(["ip", "neigh", "show", apiServerHost], { netns: HPC });
    assert.match(neighbour, /lladdr ([0-9a-f]{2}:){5}/);
    assert.doesNotMatch(await run(["ip", "-o", "addr"], { netns: HPC }), new RegExp(`${apiServerHost}/`));
}

/** Makes Ingresses of the class that lead to who does not answer plain HTTP: one that is served says 502. */
async function besideOtherIngresses(): Promise<void> {
    const { apiServerHost, apiServerPort, apiServerUrl, ingressClassName, namespace } = await outputs("dev");
    const backend = { service: { name: NAMES.proxy, port: { number: apiServerPort } } };
    const http = { paths: [{ path: "/", pathType: "Prefix", backend }] };
    const ingress = (name: string, rule: object) => ({
        apiVersion: "networking.k8s.io/v1",
        kind: "Ingress",
        metadata: { name, namespace },
        spec: { ingressClassName, rules: [rule], tls: [{}] },
    });
    const items = [ingress("with-host", { host: "other.example", http }), ingress("without-host", { http })];
    await applyManifest(JSON.stringify({ apiVersion: "v1", kind: "List", items }));
    try {
        const resolve = ["--resolve", `other.example:${apiServerPort}:${apiServerHost}`];
        const curl = ["curl", "-sk", "--max-time", "5", "-o", "/dev/null", "-w", "%{http_code}", ...resolve];
        const status = async (url: string) => (await attempt([...curl, url], { netns: HPC })).stdout;
        const other = `https://other.example:${apiServerPort}`;
        await until("the Ingress with a host", 30, async () => (await status(other)) === "502");
        assert.equal(await status(`${apiServerUrl}/version`), "200");
        await make("verify");
    } finally {
        await kubectl("delete", "ingress", "with-host", "without-host", "--namespace", namespace);
    }
}

/** Runs a public controller beside the internal one: neither touches the other's Ingresses. */
async function besideAnotherController(controller: string): Promise<void> {
    const manifest = readFileSync(join(__dirname, "public.yaml"), "utf8");
    await applyManifest(manifest.replaceAll("${TRAEFIK_VERSION}", version("traefik")));
    await kubectl("rollout", "status", "deployment/public", "--namespace", "public", "--timeout=60s");
    const { apiServerUrl, apiServerHost, namespace } = await outputs("dev");
    // The cluster publishes the internal controller's ports alone: the other one is asked at its node.
    const pod = ["get", "pods", "--namespace", "public", "-o", "jsonpath={.items[0].status.hostIP}"];
    const publicUrl = `http://${await kubectl(...pod)}:8000`;
    const curl = ["curl", "-sk", "--max-time", "5", "-o", "/dev/null", "-w", "%{http_code}"];
    const status = async (url: string, netns?: string) => (await attempt([...curl, url], { netns })).stdout;
    await until("the public Ingress", 30, async () => (await status(`${publicUrl}/ping`)) === "200");
    assert.equal(await status(`${apiServerUrl}/version`, HPC), "200");
    assert.equal(await status(`${apiServerUrl}/ping`, HPC), "404");
    assert.equal(await status(`${publicUrl}/version`), "404");
    const address = "jsonpath={.status.loadBalancer.ingress[*].ip}";
    if (controller === "ingress-nginx") {
        assert.equal(await kubectl("get", "ingress", "kubernetes-api", "-n", namespace, "-o", address), apiServerHost);
    }
    assert.equal(await kubectl("get", "ingress", "ping", "-n", "public", "-o", address), "198.18.0.99");
    await make("verify");
    await kubectl(
        "delete",
        "namespace/public",
        "ingressclass/nginx",
        "clusterrole/public",
        "clusterrolebinding/public",
    );
}
