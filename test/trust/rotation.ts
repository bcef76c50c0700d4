import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { once } from "node:events";
import { KubeConfig } from "@kubernetes/client-node";
import { readyPods } from "../../checks/front";
import { secured } from "../../checks/send";
import { tunnelTo } from "../../checks/tunnel";
import { applyManifest, kubectl } from "../../local/cluster/kubectl";
import { KUBECONFIG } from "../../local/machine/layout";
import { until } from "../../local/machine/shell";
import { Environment } from "../../local/stacks/environments";
import { outputs } from "../../local/stacks/pulumi";
import { NAMES, TLS_SECRET_NAME } from "../../stacks/compose";
import { cluster } from "./cluster";
import { beginLoad, Seen, underLoad } from "./load";
import { curlOutside, deployWith, inSteps, Steps, upWith } from "../e2e/support";

const HOUR = { certificate: { duration: "1h" } };
/** Clients that connect five times a second, each time anew. */
const CLIENTS = { perSecond: 5, watches: 0 };
/** How long a renewed certificate may take to be served, in seconds: kubelet shows pods a changed Secret within 90. */
const SERVED_SECONDS = 240;
const [FIRST, SECOND] = [NAMES.ca, `${NAMES.ca}-g2`];
/** Pods whose certificates are looked at. */
interface Part {
    /** Their label `app.kubernetes.io/instance`. */
    readonly instance: string;
    /**
     * What a connection begins with, before TLS: behind Traefik, whose it is.
     * @default nothing
     */
    readonly before?: string;
}
/** A job of before, and how it is refused that it loses the API. */
const JOB = "old-job";
const OLD_JOB = /pods on virtual nodes that may trust the old CA alone: 1, the oldest default\/old-job of /;

/**
 * Registers steps in which certificates change under clients, of whom nobody fails. Afterwards the cluster is of no use to other parts.
 * @param variables what make needs for the way in
 */
export function certificatesRotate(name: string, environment: Environment, variables: readonly string[]): void {
    const isTraefik = variables.includes("CONTROLLER=traefik");
    const proxy: Part = { instance: NAMES.proxy, ...(isTraefik && { before: "PROXY UNKNOWN\r\n" }) };
    const parts = isTraefik ? [{ instance: NAMES.controller }, proxy] : [proxy];
    inSteps(name, {
        [`\`make ${["up", ...variables].join(" ")}\``]: async () => {
            await cluster(...variables);
            await upWith(environment, HOUR);
            return "the Job's table, certificates of an hour";
        },
        "the certificate of the address is renewed": () => renewal(environment, proxy),
        ...authority(environment, parts),
    });
}

/**
 * The three updates, and what all pods of some parts show after each. Clients that were given the old CA alone ask from before the
 * first until the second; those that were given both from after the first until after the third.
 */
function authority(environment: Environment, parts: readonly Part[]): Steps {
    let endOfOld: () => Promise<Seen>;
    let endOfBoth: () => Promise<Seen>;
    let old = "";
    const step = async (ca: object, signs: string, trusted: readonly string[]) => {
        await upWith(environment, { ...HOUR, ca });
        assert.deepEqual(subjectsOf((await outputs(environment)).caCertificate), trusted);
        const { namespace } = await outputs(environment);
        let seen: string[] = [];
        await until(
            `certificates of ${signs} at all pods`,
            SERVED_SECONDS,
            async () => {
                const certificates = await Promise.all(parts.map((part) => shown(namespace, part)));
                seen = certificates.flat().map(({ issuer }) => nameIn(issuer));
                return certificates.every(({ length }) => length > 0) && seen.every((issuer) => issuer === signs);
            },
            () => seen.join(", "),
        );
    };
    return {
        "the end and the second update are refused before the first": async () => {
            endOfOld = await beginLoad(environment, CLIENTS);
            old = (await outputs(environment)).caCertificate;
            for (const ca of [{ generation: 2 }, { generation: 2, rotation: "complete" }]) {
                await assert.rejects(
                    deployWith(environment, { ...HOUR, ca }),
                    /ca\.generation: generation 1 of the CA signs, .*set ca\.generation to 2 and ca\.rotation to prepare first/,
                );
            }
            await makeJob((await outputs(environment)).interlinkNodeName);
            return "refused, and clients with the old CA alone begin to ask";
        },
        "prepare: the old CA signs, both are handed out": async () => {
            await step({ generation: 2, rotation: "prepare" }, FIRST, [FIRST, SECOND]);
            endOfBoth = await beginLoad(environment, CLIENTS);
            return "clients with both begin to ask";
        },
        "complete is refused while a job of before runs": async () => {
            const complete = { ...HOUR, ca: { generation: 2, rotation: "complete" } };
            await assert.rejects(deployWith(environment, complete), OLD_JOB);
            await kubectl("delete", "pod", JOB, "--now", "--timeout=120s");
            const seen = await endOfOld();
            assert.equal(seen.failed, 0, JSON.stringify(seen.faults));
            return `refused; of the clients with the old CA alone until then ${inShort(seen)}`;
        },
        "complete: the new CA signs, both are handed out": async () => {
            const began = Date.now();
            await step({ generation: 2, rotation: "complete" }, SECOND, [FIRST, SECOND]);
            return `served after ${Math.round((Date.now() - began) / 1000)} s`;
        },
        "without a bundle that has both, clients fail then": async () => {
            const { apiServerUrl, caCertificate } = await outputs(environment);
            const [without, withBoth] = await Promise.all(
                [old, caCertificate].map((ca) => curlOutside(ca, `${apiServerUrl}/version`)),
            );
            // Of a server that it cannot verify curl says 60.
            assert.deepEqual([without?.status, withBoth?.status], [60, 0]);
            return "the old CA alone does not verify the way in, both do";
        },
        "the end: the new CA alone": async () => {
            await step({ generation: 2 }, SECOND, [SECOND]);
            const seen = await endOfBoth();
            assert.equal(seen.failed, 0, JSON.stringify(seen.faults));
            return `of the clients with both since the first update ${inShort(seen)}`;
        },
    };
}

/**
 * Renews the certificate of the address as `cmctl renew` does, by a condition, until all pods of a part show the new one; the pods
 * stay, and no client fails.
 */
async function renewal(environment: Environment, part: Part): Promise<string> {
    const { namespace } = await outputs(environment);
    const pods = () => kubectl("get", "pods", "--namespace", namespace, "-o", "jsonpath={.items[*].metadata.uid}");
    const serials = async () => (await shown(namespace, part)).map(({ serialNumber }) => serialNumber);
    // Of the change before, which kubelet shows within a minute and a half, and at once to pods that change.
    const ofPart = ["--namespace", namespace, "--selector", `app.kubernetes.io/instance=${part.instance}`];
    await kubectl("annotate", "pods", ...ofPart, "--overwrite", `site.example/asked=${Date.now()}`);
    await until("the Secret's certificate at all pods", SERVED_SECONDS, async () => {
        const secret = ["get", "secret", TLS_SECRET_NAME, "--namespace", namespace, "-o", "jsonpath={.data.tls\\.crt}"];
        const { serialNumber } = new X509Certificate(Buffer.from(await kubectl(...secret), "base64"));
        return (await serials()).every((serial) => serial === serialNumber);
    });
    const [podsBefore, before] = [await pods(), await serials()];
    assert.notEqual(before.length, 0);
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
            const where = ["certificate", NAMES.ingress, "--namespace", namespace, "--subresource=status"];
            await kubectl("patch", ...where, "--type=json", `--patch=${patch}`);
            await until("a renewed certificate at all pods", SERVED_SECONDS, async () => {
                const now = await serials();
                return now.length === before.length && now.every((serial) => !before.includes(serial));
            });
            seconds = Math.round((Date.now() - started) / 1000);
        },
        CLIENTS,
    );
    assert.equal(seen.failed, 0, JSON.stringify(seen.faults));
    assert.equal(await pods(), podsBefore);
    return `at ${before.length} pods after ${seconds} s, the same pods, ${inShort(seen)}`;
}

/** The certificates that the ready pods of a part show at their port for HTTPS, whoever is let in to them from outside. */
async function shown(namespace: string, { instance, before }: Part): Promise<X509Certificate[]> {
    const cluster = new KubeConfig();
    cluster.loadFromFile(KUBECONFIG);
    const pods = await readyPods(cluster, { namespace, labels: { "app.kubernetes.io/instance": instance } });
    return Promise.all(
        pods.map(async (pod) => {
            const port = 60443;
            const connection = await tunnelTo(cluster, { namespace, pod, port });
            if (before !== undefined) {
                connection.write(before);
            }
            // Which one it is, whether or not it is trusted.
            const server = { host: "127.0.0.1", port, caCertificate: "" };
            const socket = secured(connection, server, { ca: undefined, rejectUnauthorized: false });
            try {
                await once(socket, "secureConnect");
                return socket.getPeerX509Certificate() ?? assert.fail(`pod ${pod} shows no certificate`);
            } finally {
                connection.destroy();
            }
        }),
    );
}

/** A job on the virtual node that goes on until somebody deletes it. */
async function makeJob(nodeName: string): Promise<void> {
    const container = {
        name: "job",
        image: "docker.io/nginxinc/nginx-unprivileged:1.22.1",
        command: ["sleep", "infinity"],
    };
    const spec = { nodeName, restartPolicy: "Never", tolerations: [{ operator: "Exists" }], containers: [container] };
    const metadata = { name: JOB, namespace: "default" };
    await applyManifest(JSON.stringify({ apiVersion: "v1", kind: "Pod", metadata, spec }));
}

/** The names of the CAs in a bundle. */
function subjectsOf(bundle: string): string[] {
    const certificates = bundle.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
    return certificates.map((pem) => nameIn(new X509Certificate(pem).subject));
}

/** The common name in a distinguished name of one line each. */
function nameIn(distinguishedName: string): string {
    return /^CN=(.*)$/m.exec(distinguishedName)?.[1] ?? "";
}

function inShort({ failed, requests }: Seen): string {
    return `${failed} of ${requests} connections failed`;
}
