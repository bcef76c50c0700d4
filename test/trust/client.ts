/**
 * A crowd of clients outside the cluster, until its standard input ends: requests at a steady rate, each on a connection of
 * its own, and watches, which are begun again when they end. Prints what it saw as JSON.
 */
import { Agent, get } from "node:https";
import { text } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import { Crowd, Seen } from "./load";

/** How long a request may take, in milliseconds. */
const PATIENCE_MS = 5000;
/** After how long a watch that ended is begun again, in milliseconds. */
const AGAIN_MS = 100;
/** Between the beginnings of two watches, in milliseconds: else the handshakes of a thousand hold up what is measured. */
const STAGGER_MS = 4;

let asking = true;
/** Requests without an end. */
let pending = 0;
let lastAnswer = Date.now();
const seen: Seen = { requests: 0, failed: 0, watchesLost: 0, watchesOpen: 0, pauseMs: 0, silentMs: 0, faults: {} };

function fault(what: string): void {
    seen.faults[what] = (seen.faults[what] ?? 0) + 1;
}

function ask({ url, ca, token }: Crowd): void {
    const headers = { authorization: `Bearer ${token}` };
    seen.requests += 1;
    pending += 1;
    const request = get(`${url}/version`, { ca, headers, agent: false, timeout: PATIENCE_MS }, (response) => {
        response.resume();
        if (response.statusCode === 200) {
            seen.pauseMs = Math.max(seen.pauseMs, Date.now() - lastAnswer);
            lastAnswer = Date.now();
        } else {
            seen.failed += 1;
            fault(`status ${response.statusCode}`);
        }
    });
    request.on("timeout", () => request.destroy(new Error("no answer")));
    request.on("close", () => (pending -= 1));
    request.on("error", (error: NodeJS.ErrnoException) => {
        seen.failed += 1;
        fault(error.code ?? error.message);
    });
}

function watch(crowd: Crowd, agent: Agent): void {
    const again = (lost: boolean) => {
        if (asking) {
            seen.watchesLost += lost ? 1 : 0;
            setTimeout(() => watch(crowd, agent), AGAIN_MS);
        }
    };
    const url = `${crowd.url}/api/v1/namespaces/${crowd.namespace}/configmaps?watch=1&timeoutSeconds=3600`;
    const headers = { authorization: `Bearer ${crowd.token}` };
    get(url, { ca: crowd.ca, headers, agent }, (response) => {
        response.resume();
        const opened = response.statusCode === 200;
        if (opened) {
            seen.watchesOpen += 1;
        } else {
            fault(`watch: status ${response.statusCode}`);
        }
        response.once("close", () => {
            seen.watchesOpen -= opened ? 1 : 0;
            again(opened);
        });
    }).on("error", () => again(false));
}

async function main(): Promise<void> {
    const crowd = JSON.parse(process.env.CROWD ?? "") as Crowd;
    const agent = new Agent({ keepAlive: false, maxSockets: Infinity });
    Array.from({ length: crowd.watches }, (_, index) => setTimeout(() => watch(crowd, agent), index * STAGGER_MS));
    const timer = setInterval(() => ask(crowd), 1000 / crowd.perSecond);
    await text(process.stdin);
    clearInterval(timer);
    asking = false;
    seen.silentMs = Date.now() - lastAnswer;
    seen.pauseMs = Math.max(seen.pauseMs, seen.silentMs);
    const { watchesOpen } = seen;
    // What was asked last may take its time, and then fail.
    for (const deadline = Date.now() + PATIENCE_MS + 1000; pending > 0 && Date.now() < deadline;) {
        await sleep(100);
    }
    console.log(JSON.stringify({ ...seen, watchesOpen }));
    process.exit();
}

void main();
