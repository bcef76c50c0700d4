import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { CACHE, NET, STATE } from "../../local/machine/layout";
import { ensure, logTail } from "../../local/machine/processes";
import { attempt, run, until } from "../../local/machine/shell";
import { template } from "../../local/machine/template";

const PORT = 5443;
/** A registry that asks for a login; its certificate is of a CA that only the nodes know. */
export const LOGIN_REGISTRY = `${NET.registry}:${PORT}`;
/** The login of strict.yaml: the password is "local". */
const HTPASSWD = "interlink:$2y$05$interlinkinterlinkinte8Kv3LkhAzMLFYt5/7ymv2Ytq/ztP43u\n";

/** Runs the registry until `make down`, and gives the nodes of the next cluster its CA. */
export async function ensureLoginRegistry(): Promise<void> {
    const folder = join(STATE, "login-registry");
    const hosts = join(STATE, "certs.d", LOGIN_REGISTRY);
    [folder, hosts].forEach((path) => mkdirSync(path, { recursive: true }));
    const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", join(folder, "tls.key")];
    const certificate = ["-subj", "/CN=registry", "-addext", `subjectAltName=IP:${NET.registry}`, "-days", "30"];
    await run(["openssl", "req", "-x509", ...key, ...certificate, "-out", join(folder, "tls.crt")]);
    writeFileSync(join(hosts, "ca.crt"), readFileSync(join(folder, "tls.crt")));
    writeFileSync(join(hosts, "hosts.toml"), template(join(__dirname, "hosts.toml"), { registry: LOGIN_REGISTRY }));
    writeFileSync(join(folder, "htpasswd"), HTPASSWD);
    const configuration = join(folder, "registry.yaml");
    const values = { folder, images: join(CACHE, "registry"), port: PORT };
    writeFileSync(configuration, template(join(__dirname, "loginRegistry.yaml"), values));
    ensure({ name: "login-registry", command: ["docker-registry", "serve", configuration] });
    await until(
        "the registry",
        15,
        async () => (await answer()) === "401",
        () => logTail("login-registry"),
    );
}

/** What the registry answers to those who do not log in. */
export async function answer(): Promise<string> {
    const curl = ["curl", "-sk", "-o", "/dev/null", "-w", "%{http_code}", `https://127.0.0.1:${PORT}/v2/`];
    return (await attempt(curl)).stdout;
}
