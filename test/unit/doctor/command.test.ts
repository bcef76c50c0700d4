import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { Finding } from "../../../doctor/chain";
import { doctor } from "../../../doctor/command";
import { table } from "../../../doctor/report";
import { readStack } from "../../../doctor/stack";
import { withEnvironment } from "../support/servers";

const OUTPUTS = {
    apiServerUrl: "https://10.1.2.3:60443",
    apiServerHost: "10.1.2.3",
    apiServerPort: 60443,
    caCertificate: "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n",
    ingressClassName: "nginx-internal",
    interlinkNodeName: "interlink-slurm-node",
    interlinkNodeNames: ["interlink-slurm-node"],
    namespace: "ingress-nginx-internal",
    tokenLifetimeSeconds: 3600,
    kubeconfig: "[secret]",
    interlinkValues: "interlink: {}\n",
    summary: "Kubernetes API: https://10.1.2.3:60443\n",
};
const FINDINGS: readonly Finding[] = [
    { link: "outputs", state: "ok", seen: "https://10.1.2.3:60443" },
    { link: "cert-manager", state: "broken", seen: "no cert-manager runs", advice: "Start it." },
    { link: "TLS", state: "not asked", seen: "it depends on: cert-manager" },
    { link: "mirror", state: "unseen", seen: "pods may not be listed", advice: "Ask with more rights." },
];

/** Pulumi's command, as far as the doctor asks it: it knows the stack dev, and prints what it was given. */
const PULUMI = `#!/bin/sh
case "$*" in
    *"--stack dev"*) ;;
    *) echo "error: no stack named 'prod' found" >&2; exit 255 ;;
esac
case "$1" in
    config) cat "$(dirname "$0")/config.json" ;;
    *) cat "$(dirname "$0")/outputs.json" ;;
esac
echo "$*" >>"$(dirname "$0")/asked"
`;

describe("npm run doctor", () => {
    const folder = mkdtempSync(join(tmpdir(), "interlink-doctor-"));
    const PATH = `${folder}${delimiter}${process.env.PATH}`;

    before(() => {
        writeFileSync(join(folder, "pulumi"), PULUMI, { mode: 0o755 });
        writeFileSync(join(folder, "outputs.json"), JSON.stringify(OUTPUTS));
        const value = (of: unknown) => ({ value: typeof of === "string" ? of : JSON.stringify(of), secret: false });
        const config = {
            "interlink-kube-api:environment": value("kind"),
            "interlink-kube-api:address": value("10.1.2.3"),
            "interlink-kube-api:uniqueNames": value(true),
            "interlink-kube-api:kubeconfig": { value: "/nowhere/kubeconfig", secret: true },
            "interlink-kube-api:interlink": value({ address: "https://10.9.9.9", port: 3000 }),
            "another:key": value("x"),
        };
        writeFileSync(join(folder, "config.json"), JSON.stringify(config));
    });
    after(() => rmSync(folder, { recursive: true }));

    it("reads settings, with defaults, and outputs by Pulumi's command", async () => {
        const { settings, outputs } = await withEnvironment({ PATH }, () => readStack("dev"));
        assert.equal(settings.environment, "kind");
        assert.equal(settings.uniqueNames, true);
        assert.equal(settings.kubeconfig, "/nowhere/kubeconfig");
        assert.equal(settings.interlink?.nodeName, "interlink-slurm-node");
        assert.deepEqual(outputs, OUTPUTS);
    });

    it("says what Pulumi says of a stack that is not there, and that there is no Pulumi", async () => {
        await withEnvironment({ PATH }, () =>
            assert.rejects(readStack("prod"), /^Error: error: no stack named 'prod' found$/),
        );
        await withEnvironment({ PATH: "/nowhere" }, () =>
            assert.rejects(readStack("dev"), /^Error: pulumi: it is not on PATH/),
        );
    });

    /** What the table prints. */
    async function printed(isTTY: boolean): Promise<string> {
        let text = "";
        const names = FINDINGS.map(({ link }) => link);
        // eslint-disable-next-line @typescript-eslint/require-await
        const one = async function* () {
            yield* FINDINGS;
        };
        await table(names, one(), { isTTY, write: (more: string) => (text += more) });
        return text;
    }

    it("prints a table, the first broken link and what to do", async () => {
        const text = await printed(false);
        assert.equal(
            text,
            `ok         outputs       https://10.1.2.3:60443
broken     cert-manager  no cert-manager runs
not asked  TLS           it depends on: cert-manager
unseen     mirror        pods may not be listed

The first broken link is cert-manager: no cert-manager runs.
Start it.

For what is unseen: Ask with more rights.
`,
        );
    });

    it("has colour and progress on a terminal alone", async () => {
        const text = await printed(true);
        assert.ok(text.startsWith("asking: outputs\r\x1b[K\x1b[32mok       "), text);
        assert.ok(text.includes("asking: cert-manager\r\x1b[K\x1b[31mbroken"), text);
    });

    it("ends with 1 where a link is broken, and prints JSON, the script or its usage, and nothing else", async () => {
        let text = "";
        const run = (...args: string[]) => {
            text = "";
            return withEnvironment({ PATH }, () => doctor(args, { isTTY: true, write: (more) => (text += more) }));
        };
        assert.equal(await run("--stack", "dev", "--json"), 1);
        const [outputs, kubeconfig] = JSON.parse(text) as Finding[];
        assert.equal(outputs?.state, "ok");
        assert.match(kubeconfig?.seen ?? "", /there is no file \/nowhere\/kubeconfig/);
        assert.equal(await run("--stack", "dev", "--script"), 0);
        assert.match(text, /^#!\/bin\/sh\n[^]*\nurl='https:\/\/10\.1\.2\.3:60443'\nhost='10\.1\.2\.3'\nport='60443'\n/);
        writeFileSync(join(folder, "outputs.json"), "{}");
        await assert.rejects(run("--stack", "dev", "--script"), /^Error: Output apiServerUrl of stack dev is missing/);
        assert.equal(await run("--stack", "dev"), 1);
        assert.match(text, /^The first broken link is outputs: the stack dev has none\.\nRun `pulumi up`/m);
        assert.equal(await run(), 1);
        assert.match(text, /^npm run --silent doctor -- --stack NAME/);
        for (const [option, value, sentence] of [
            ["--service-account", "default", /"default" is not allowed; give NAMESPACE\/NAME\.$/],
            ["--silence", "0", /"0" is not allowed; give seconds/],
        ] as const) {
            await assert.rejects(run("--stack", "dev", option, value), sentence);
        }
    });

    it("is a command: it ends with 1 and one sentence where there is no such stack", () => {
        const command = ["-r", "ts-node/register/transpile-only", "doctor/main.ts", "--stack", "prod"];
        const { status, stderr } = spawnSync(process.execPath, command, {
            encoding: "utf8",
            env: { ...process.env, PATH },
        });
        assert.equal(stderr, "error: no stack named 'prod' found\n");
        assert.equal(status, 1);
    });
});
