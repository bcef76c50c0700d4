import assert from "node:assert/strict";
import { kubectl } from "../../../local/cluster/kubectl";
import { HPC } from "../../../local/machine/layout";
import { run, until } from "../../../local/machine/shell";
import { Environment } from "../../../local/stacks/environments";
import { outputs } from "../../../local/stacks/pulumi";
import { Seen, underLoad } from "../../trust/load";
import { fromNothing, inSteps, Steps, upWith } from "../support";

const HOUR = { certificate: { duration: "1h" } };
/** Clients that connect five times a second, each time anew. */
const CLIENTS = { perSecond: 5, watches: 0 };

/** Certificates that change under clients: nobody fails. */
describe("a door", () => {
    inSteps("whose certificates are rotated", {
        "`make up`": async () => {
            await fromNothing();
            await upWith("dev", HOUR);
            return "the Job's table, certificates of an hour";
        },
        "the certificate of the address is renewed": () => renewal("dev", "kubernetes-api"),
        ...authority("dev"),
    });

    inSteps("whose certificates are rotated, behind Traefik", {
        "`make up ENV=metallb CONTROLLER=traefik`": () => fromNothing("ENV=metallb", "CONTROLLER=traefik"),
        "the certificate of the address is renewed": () => renewal("metallb", "kubernetes-api"),
        "the proxy's own certificate is renewed": () => renewal("metallb", "my-nginx-kubernetes-api"),
    });
});

/** The three steps, with clients that hold what was handed out before each. */
function authority(environment: Environment): Steps {
    const step = (ca: object, signs: string, trusted: number) => async () => {
        const started = Date.now();
        const seen = await underLoad(environment, () => upWith(environment, { ...HOUR, ca }), CLIENTS);
        assert.equal(seen.failed, 0, JSON.stringify(seen.faults));
        const { apiServerUrl, caCertificate } = await outputs(environment);
        assert.equal(caCertificate.match(/BEGIN CERTIFICATE/g)?.length, trusted);
        assert.equal((await served(apiServerUrl, "-issuer")).replace(/.*CN ?= ?/, ""), signs);
        return `${inShort(seen)}, ${Math.round((Date.now() - started) / 1000)} s`;
    };
    const [first, second] = ["ingress-nginx-internal-root-ca", "ingress-nginx-internal-root-ca-g2"];
    return {
        "the end before its time is refused": async () => {
            await assert.rejects(upWith(environment, { ...HOUR, ca: { generation: 2 } }));
            return "refused";
        },
        "prepare, clients with the old CA alone": step({ generation: 2, rotation: "prepare" }, first, 2),
        "complete, clients with both": step({ generation: 2, rotation: "complete" }, second, 2),
        "the end, clients with both": step({ generation: 2 }, second, 1),
    };
}

/** Renews a certificate as `cmctl renew` does, by a condition; the pods stay, and no client fails. */
async function renewal(environment: Environment, name: string): Promise<string> {
    const { apiServerUrl, namespace } = await outputs(environment);
    const pods = () => kubectl("get", "pods", "--namespace", namespace, "-o", "jsonpath={.items[*].metadata.uid}");
    const revision = () =>
        kubectl("get", "certificate", name, "--namespace", namespace, "-o", "jsonpath={.status.revision}");
    const [podsBefore, revisionBefore] = [await pods(), await revision()];
    const serialBefore = await served(apiServerUrl, "-serial");
    let seconds = 0;
    const seen = await underLoad(
        environment,
        async () => {
            const started = Date.now();
            const condition = {
                type: "Issuing",
                status: "True",
                reason: "ManuallyTriggered",
                message: "Renewed by hand",
            };
            const patch = JSON.stringify([{ op: "add", path: "/status/conditions/-", value: condition }]);
            const where = ["certificate", name, "--namespace", namespace, "--subresource=status"];
            await kubectl("patch", ...where, "--type=json", `--patch=${patch}`);
            await until("a renewed certificate", 180, async () =>
                name === "kubernetes-api"
                    ? (await served(apiServerUrl, "-serial")) !== serialBefore
                    : (await revision()) !== revisionBefore,
            );
            seconds = Math.round((Date.now() - started) / 1000);
        },
        CLIENTS,
    );
    assert.equal(seen.failed, 0, JSON.stringify(seen.faults));
    assert.equal(await pods(), podsBefore);
    return `after ${seconds} s, the same pods, ${inShort(seen)}`;
}

/** What openssl says of the certificate that is served. */
async function served(url: string, what: "-serial" | "-issuer"): Promise<string> {
    const command = `openssl s_client -connect "$1" </dev/null 2>/dev/null | openssl x509 -noout ${what}`;
    return (await run(["sh", "-c", command, "sh", new URL(url).host], { netns: HPC })).trim();
}

function inShort({ failed, requests }: Seen): string {
    return `${failed} of ${requests} connections failed`;
}
