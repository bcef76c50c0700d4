import assert from "node:assert/strict";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { kindNodeImage } from "../../local/images/images";
import { STATE } from "../../local/machine/layout";
import { podmanEnvironment } from "../../local/machine/podman";
import { attempt, run, until } from "../../local/machine/shell";
import { make, TABLE } from "./support";

/** What a machine may lack for kind: each is told in one sentence, and nothing is made. */
describe("a machine that cannot have the cluster", () => {
    before(async () => {
        await make("down");
    });

    it("has no engine that answers", async () => {
        const folder = mkdtempSync(join(tmpdir(), "interlink-engine-"));
        for (const name of ["docker", "podman"]) {
            writeFileSync(join(folder, name), `#!/bin/sh\necho "${name} is broken" >&2\nexit 125\n`, { mode: 0o755 });
        }
        await assertRefused(
            /^container engine: neither Docker nor podman answers \(.*podman is broken\); start Docker/m,
            {
                PATH: `${folder}${delimiter}${process.env.PATH}`,
            },
        );
        rmSync(folder, { recursive: true });
    });

    it("has cgroups in which no systemd runs", async () => {
        const command = "umount /sys/fs/cgroup/systemd && exec make up";
        const { status, stdout, stderr } = await attempt(["unshare", "--mount", "sh", "-c", command]);
        assert.notEqual(status, 0, stdout);
        assert.match(stderr, /^\/sys\/fs\/cgroup: .*without the hierarchy systemd.*; make it: mkdir/m);
        await assertNothingMade();
    });

    it("has the nodes' network on another device", async () => {
        await run(["ip", "link", "add", "taken", "type", "bridge"]);
        try {
            await run(["ip", "addr", "add", "198.18.64.9/24", "dev", "taken"]);
            await run(["ip", "link", "set", "taken", "up"]);
            await assertRefused(/^network 198\.18\.64\.0\/24: taken has it; remove that/m);
        } finally {
            await run(["ip", "link", "del", "taken"]);
        }
    });

    it("has a published port in use", async () => {
        const server = `require("net").createServer().listen(60443, () => console.log("up"))`;
        const listener = attempt([process.execPath, "-e", server], { timeoutSeconds: 60 });
        await assertRefused(/^port 60443: it is taken by \S+, process \d+; stop that/m);
        await run(["pkill", "-f", "listen.60443"]);
        await listener;
    });

    it("cannot pull kind's node image, and builds one; kind is killed, and `make up` begins it anew", async () => {
        const env = podmanEnvironment();
        await attempt(["podman", "rmi", "--force", kindNodeImage()], { env });
        const killed = attempt(["make", "up"]);
        const nodes = ["podman", "ps", "--format", "{{.Names}}"];
        await until("a node", 4800, async () => (await run(nodes, { env })).includes("interlink-control-plane"));
        await run(["pkill", "-9", "-f", "kind create cluster"]);
        const { status, stdout } = await killed;
        assert.notEqual(status, 0, stdout);
        assert.match(stdout, /^kind's node image kindest\/node:\S+: podman cannot pull it$/m);
        assert.match(stdout, /^image localhost\/kindest\/node:\S+: building$/m);
        assert.match(await make("up"), TABLE);
    });
});

/** Asserts that `make up` says the one sentence and makes nothing. */
async function assertRefused(sentence: RegExp, env: Readonly<Record<string, string>> = {}): Promise<void> {
    const { status, stdout, stderr } = await attempt(["make", "up"], { env });
    assert.notEqual(status, 0, stdout);
    assert.match(stderr, sentence);
    await assertNothingMade();
}

async function assertNothingMade(): Promise<void> {
    assert.ok(!existsSync(STATE));
    assert.equal(await run(["podman", "ps", "--all", "--quiet"], { env: podmanEnvironment() }), "");
    assert.doesNotMatch(await run(["ip", "netns"]), /interlink/);
}
