/**
 * Deploys a stack of interlink-kube-api from a program of one's own, and prints what people have to know of it. Its settings come
 * from variables of the environment; with --preview it ends before anything is changed.
 */
import { readFileSync } from "node:fs";
import { deploy, Site } from "./deploy";

/** What a variable holds. */
function given(name: string): string {
    const value = process.env[name];
    if (!value) {
        throw new Error(`${name} is not set; the README beside this program says what it holds.`);
    }
    return value;
}

/** The text of the file that a variable names. */
function fileOf(name: string): string {
    const path = given(name);
    try {
        return readFileSync(path, "utf8");
    } catch {
        throw new Error(`${name}: the file ${path} cannot be read.`);
    }
}

/** The site that the variables tell of. */
function site(): Site {
    const { ENVIRONMENT = "kind", INTERLINK_CERT, INTERLINK_KEY } = process.env;
    const mutual = INTERLINK_CERT !== undefined || INTERLINK_KEY !== undefined;
    return {
        environment: ENVIRONMENT,
        address: given("ADDRESS"),
        interlink: {
            address: given("INTERLINK_ADDRESS"),
            port: Number(given("INTERLINK_PORT")),
            ca: fileOf("INTERLINK_CA"),
            client: mutual ? { cert: fileOf("INTERLINK_CERT"), key: fileOf("INTERLINK_KEY") } : undefined,
        },
    };
}

/** The program. */
async function main(): Promise<void> {
    // The terminal sends it to Pulumi too, which ends the update in order.
    process.on("SIGINT", () => {});
    const outputs = await deploy({
        stack: process.env.STACK ?? "automation",
        site: site(),
        previewOnly: process.argv.includes("--preview"),
        write: (text) => void process.stdout.write(text),
    });
    if (outputs !== undefined) {
        console.log(`${outputs.summary?.value}apiServerUrl: ${outputs.apiServerUrl?.value}`);
    }
}

void main().catch((error: unknown) => {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
});
