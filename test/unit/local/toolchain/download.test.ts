import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { download } from "../../../../local/toolchain/download";

describe("the toolchain's official downloads", () => {
    const folder = mkdtempSync(join(tmpdir(), "interlink-download-"));
    const target = join(folder, "target");
    const files: Record<string, Buffer> = {};
    const server = createServer((request, response) => {
        const file = files[request.url ?? ""];
        response.writeHead(file === undefined ? 404 : 200);
        response.end(file);
    });
    let url = "";

    before(async () => {
        writeFileSync(join(folder, "plugin"), "the plugin");
        spawnSync("tar", ["-czf", join(folder, "plugin.tar.gz"), "-C", folder, "plugin"]);
        files["/plugin.tar.gz"] = readFileSync(join(folder, "plugin.tar.gz"));
        await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
        url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    });

    after(() => {
        server.close();
        server.closeAllConnections();
        rmSync(folder, { recursive: true });
    });

    /** The archive, with a list that holds this checksum. */
    function archive(checksum: string) {
        files["/sums.txt"] = Buffer.from(`${checksum}  plugin.tar.gz\n`);
        return { url: `${url}/plugin.tar.gz`, checksums: `${url}/sums.txt` };
    }

    it("are left where the network has them not", async () => {
        assert.equal(await download({ url: `${url}/none.tar.gz`, checksums: `${url}/sums.txt` }, target), false);
    });

    it("are refused where the checksum is another, and where there is none", async () => {
        const wrong = download(archive("0".repeat(64)), target);
        await assert.rejects(wrong, /plugin\.tar\.gz: its SHA-256 is [0-9a-f]{64}, but .*sums\.txt says 0{64}\./);
        await assert.rejects(
            download({ url: `${url}/plugin.tar.gz`, checksums: `${url}/none.txt` }, target),
            /says nothing\./,
        );
        assert.ok(!existsSync(target));
    });

    it("are unpacked where it fits", async () => {
        const checksum = createHash("sha256")
            .update(readFileSync(join(folder, "plugin.tar.gz")))
            .digest("hex");
        assert.equal(await download(archive(checksum), target), true);
        assert.equal(readFileSync(join(target, "plugin"), "utf8"), "the plugin");
    });
});
