import { once } from "node:events";
import { text } from "node:stream/consumers";
import { setTimeout } from "node:timers/promises";
import { checkServerIdentity, PeerCertificate } from "node:tls";
import { isFromApiServer, said } from "../checks/front";
import { reasonOf } from "../checks/notChecked";
import { secured } from "../checks/send";
import { tokenLifetimeSeconds } from "../checks/tokenLifetime";
import { durationSeconds } from "../components/parts/arguments";
import { longestJob } from "../settings/sites";
import { Link } from "./chain";
import { CARRY, Facts, HOP, REFUSED } from "./facts";
import { Broken, MAKE_ANEW, must, Unseen } from "./verdicts";

/** How long a TLS handshake may take, in milliseconds. */
const HANDSHAKE_MS = 5000;
/** What is watched and asked for by a name that nothing has. */
const NOTHING = "interlink-kube-api-doctor";
const DAY_MS = 24 * 3600 * 1000;

/** The links from the address to the API server, in the order of a job's request. */
export const WAY_IN: readonly Link[] = [
    { name: "address reached", after: ["outputs"], ask: reached },
    {
        name: "TLS",
        after: ["outputs", "proxy's pods", "controller's pods"],
        ask: async (facts) => (await handshake(facts)).protocol,
    },
    { name: "certificate's chain", after: ["TLS"], ask: chain },
    { name: "certificate's names", after: ["TLS"], ask: names },
    { name: "certificate's lifetime", after: ["TLS"], ask: lifetime },
    {
        name: "proxy to API server",
        after: ["certificate's chain", "certificate's names", "certificate's lifetime"],
        ask: proxied,
    },
    { name: "token accepted", after: ["API server", "proxy to API server"], ask: accepted },
    { name: "token's lifetime", after: ["API server"], ask: tokenLifetime },
    { name: "watch held", after: ["token accepted"], ask: watch },
    { name: "exec", after: ["token accepted"], ask: exec },
];

async function reached(facts: Facts): Promise<string> {
    const { unreached, end } = await facts.wayIn();
    const { host, port } = facts.server;
    if (unreached === undefined) {
        return end;
    }
    const through = `what follows goes through ${end}`;
    must(unreached.code !== "ECONNREFUSED", `${host}, port ${port} refuses connections; ${through}`, REFUSED);
    throw new Unseen(`${host}, port ${port} cannot be reached from here (${unreached.message}); ${through}`, CARRY);
}

/** What a TLS handshake showed; the certificate is taken as it is. */
interface Handshake {
    readonly protocol: string;
    readonly certificate: PeerCertificate;
    /** Why the CA does not verify it, as OpenSSL names that; undefined where it does. */
    readonly fault?: string;
}

async function handshake(facts: Facts): Promise<Handshake> {
    const { end, open } = await facts.wayIn();
    const options = { rejectUnauthorized: false, checkServerIdentity: () => undefined };
    const socket = secured(await open(), facts.server, options);
    try {
        await once(socket, "secureConnect", { signal: AbortSignal.timeout(HANDSHAKE_MS) });
        // Told as text, though declared as an Error.
        const fault = socket.authorizationError as unknown as string | null;
        return {
            protocol: socket.getProtocol() ?? "",
            certificate: socket.getPeerCertificate(),
            ...(fault !== null && { fault }),
        };
    } catch (error) {
        throw new Broken(
            `${end} does no TLS (${(error as { readonly reason?: string }).reason ?? reasonOf(error)})`,
            "See who listens there, and the log of the way in's pods; something on the way may cut TLS, and Traefik does where it " +
                "does not reach the proxy.",
        );
    } finally {
        socket.destroy();
    }
}

async function chain(facts: Facts): Promise<string> {
    const { certificate, fault } = await handshake(facts);
    const issuer = `issued by ${String(certificate.issuer?.CN ?? "nobody")}`;
    must(
        // A later link tells of times.
        fault === undefined || ["CERT_HAS_EXPIRED", "CERT_NOT_YET_VALID"].includes(fault),
        `the CA of the outputs does not verify the certificate, ${issuer} (${fault})`,
        "Jobs refuse it. See who serves it: a controller without the Secret serves a certificate of its own, and what inspects " +
            `TLS on the way another one. Where the CA has changed: ${MAKE_ANEW}`,
    );
    return issuer;
}

async function names(facts: Facts): Promise<string> {
    const { certificate } = await handshake(facts);
    const { host } = facts.server;
    const held = certificate.subjectaltname ?? "no name";
    const fault = checkServerIdentity(host, certificate);
    must(fault === undefined, `the certificate holds ${held}, and not ${host}`, MAKE_ANEW);
    return held;
}

async function lifetime(facts: Facts): Promise<string> {
    const { valid_from: from, valid_to: to } = (await handshake(facts)).certificate;
    const [begin, end, now] = [Date.parse(from), Date.parse(to), Date.now()];
    const days = Math.floor((end - now) / DAY_MS);
    const renewal = "See cert-manager's log: it renews when a third of the lifetime is left.";
    must(now >= begin, `the certificate is valid from ${from} on`, "Set the clocks, the cluster's and this machine's.");
    must(now <= end, `the certificate has expired, on ${to}`, renewal);
    const renewed = facts.given.settings.environment === "external" || end - now >= (end - begin) / 6;
    must(renewed, `${days} days are left, less than a sixth: nothing has renewed the certificate`, renewal);
    return `${days} days left`;
}

async function proxied(facts: Facts): Promise<string> {
    const { namespace } = facts.given.outputs;
    const { status, body } = await facts.send({ path: "/version" });
    const answer = await text(body);
    if (isFromApiServer(status, answer)) {
        return status === 200 ? (JSON.parse(answer) as { readonly gitVersion: string }).gitVersion : `HTTP ${status}`;
    }
    const route = `Nobody knows the way from there: see \`kubectl describe ingress -n ${namespace}\`, and the controller's log.`;
    const other = "Something else than the API server answers: see where the address leads, and sourceRanges.";
    const advice = status === 404 ? route : status >= 500 ? HOP : other;
    throw new Broken(`GET /version is answered with HTTP ${said(status, answer)}`, advice);
}

async function accepted(facts: Facts): Promise<string> {
    const { namespace, name } = facts.given.account;
    const { userInfo } = await facts.review<{ readonly userInfo?: { readonly username?: string } }>(
        "/apis/authentication.k8s.io/v1/selfsubjectreviews",
        {},
    );
    const expected = `system:serviceaccount:${namespace}:${name}`;
    must(
        userInfo?.username === expected,
        `the API server takes the token for ${userInfo?.username}, not ${expected}`,
        "See who stands on the way: it shows credentials of its own.",
    );
    return expected;
}

async function tokenLifetime(facts: Facts): Promise<string> {
    const seconds = await tokenLifetimeSeconds(facts.api().client(), facts.given.account.namespace);
    const longest = longestJob(facts.given.settings);
    must(
        longest === undefined || seconds >= durationSeconds(longest),
        `a token ends ${seconds} s after its submission, before the longest job, longestJob: ${longest}`,
        "Have such jobs renew it, as examples/renewToken does, or raise --service-account-max-token-expiration.",
    );
    return longest === undefined ? `${seconds} s; longestJob is not set` : `${seconds} s, longestJob is ${longest}`;
}

/** A resource of the core that the service account may watch in its namespace; undefined where there is none. */
async function watchable(facts: Facts): Promise<string | undefined> {
    const { namespace } = facts.given.account;
    const { resourceRules } = await facts.review<{
        readonly resourceRules: readonly Readonly<
            Partial<Record<"verbs" | "apiGroups" | "resources" | "resourceNames", string[]>>
        >[];
    }>("/apis/authorization.k8s.io/v1/selfsubjectrulesreviews", { namespace });
    const may = (list: string[] | undefined, ...wanted: string[]) => wanted.some((one) => list?.includes(one));
    const resources = resourceRules
        .filter((rule) => may(rule.verbs, "watch", "*") && may(rule.apiGroups, "", "*") && !rule.resourceNames?.length)
        .flatMap((rule) => rule.resources ?? []);
    return ["pods", "configmaps", "events", "services", "secrets"].find((name) => may(resources, name, "*"));
}

/** The path of a watch in which nothing will happen. */
async function silentWatch(facts: Facts, seconds: number): Promise<string | undefined> {
    const resource = await watchable(facts);
    const query = `watch=1&fieldSelector=metadata.name%3D${NOTHING}&timeoutSeconds=${seconds}`;
    return resource && `/api/v1/namespaces/${facts.given.account.namespace}/${resource}?${query}`;
}

async function watch(facts: Facts): Promise<string> {
    const { account, silenceSeconds } = facts.given;
    const path = await silentWatch(facts, silenceSeconds + 30);
    if (path === undefined) {
        throw new Unseen(
            `${account.namespace}/${account.name} may watch nothing`,
            "Name the service account of a workflow: --service-account NAMESPACE/NAME.",
        );
    }
    const advice = "See the time-outs of what stands on the way: load balancer, controller, proxy, firewall.";
    const silenceMs = silenceSeconds * 1000;
    const start = Date.now();
    const { status, body } = await facts
        .send({ path, headers: await facts.bearer() }, silenceMs + 20_000)
        .catch((error: unknown) => {
            throw new Broken(`a watch gets no header (${reasonOf(error)})`, `Something on the way buffers. ${advice}`);
        });
    must(status === 200, `a watch is answered with HTTP ${status}`, advice);
    body.resume();
    const end = await Promise.race([
        once(body, "close").then(
            () => "ended",
            (error: unknown) => `ended (${reasonOf(error)})`,
        ),
        setTimeout(silenceMs, "held"),
    ]);
    body.destroy();
    must(end === "held", `a silent watch ${end} after ${Math.round((Date.now() - start) / 100) / 10} s`, advice);
    return `open after ${silenceSeconds} s of silence`;
}

/** An upgrade that changes nothing: a watch over a WebSocket or, without the right for one, an exec in a pod that is not there. */
async function exec(facts: Facts): Promise<string> {
    const { namespace } = facts.given.account;
    const path = await silentWatch(facts, 5);
    const headers = {
        ...(await facts.bearer()),
        connection: "Upgrade",
        upgrade: "websocket",
        // The API server's watches want one, of whatever host.
        origin: facts.given.outputs.apiServerUrl,
        "sec-websocket-version": "13",
        "sec-websocket-key": Buffer.from(NOTHING.slice(0, 16)).toString("base64"),
        ...(path === undefined && { "sec-websocket-protocol": "v5.channel.k8s.io" }),
    };
    const { status, body } = await facts.send({
        path: path ?? `/api/v1/namespaces/${namespace}/pods/${NOTHING}/exec?command=true&stdout=1`,
        headers,
    });
    if (path !== undefined && status === 101) {
        body.destroy();
        return "an upgrade to WebSocket goes through";
    }
    const answer = status === 101 ? "" : await text(body);
    if (path === undefined && [403, 404].includes(status) && isFromApiServer(403, answer)) {
        return `an exec in a pod that is not there is answered by the API server, HTTP ${status}`;
    }
    throw new Broken(
        `an upgrade to WebSocket is answered with HTTP ${said(status, answer)}`,
        "Something on the way does not pass upgrades (the headers Connection and Upgrade, by HTTP/1.1): a load balancer that is " +
            "not of TCP, or another proxy.",
    );
}
