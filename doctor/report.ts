import { styleText } from "node:util";
import { Finding } from "./chain";

/** How a state looks on a terminal. */
const STYLES = { ok: "green", broken: "red", unseen: "yellow", "not asked": "gray" } as const;
const STATE_WIDTH = Math.max(...Object.keys(STYLES).map((state) => state.length));

/** Where the table goes. */
export interface Terminal {
    /** Whether somebody looks on: then there is colour, and the link that is being asked. */
    readonly isTTY?: boolean;
    /** Takes text. */
    readonly write: (text: string) => unknown;
}

/** Prints what becomes of the links, row by row, and what to do; returns it all. */
export async function table(
    names: readonly string[],
    findings: AsyncIterable<Finding>,
    terminal: Terminal,
): Promise<readonly Finding[]> {
    const { isTTY = false } = terminal;
    const width = Math.max(...names.map((name) => name.length));
    const all: Finding[] = [];
    const progress = () => isTTY && all.length < names.length && terminal.write(`asking: ${names[all.length]}`);
    progress();
    for await (const finding of findings) {
        all.push(finding);
        const { link, state, seen } = finding;
        const padded = state.padEnd(STATE_WIDTH);
        const shown = isTTY ? `\r\x1b[K${styleText(STYLES[state], padded, { validateStream: false })}` : padded;
        terminal.write(`${shown}  ${link.padEnd(width)}  ${seen}\n`);
        progress();
    }
    terminal.write(`\n${conclusion(all)}\n`);
    return all;
}

/** What the findings come to: the first broken link with what to do, then the others. */
function conclusion(findings: readonly Finding[]): string {
    const [first, ...others] = findings.filter(({ state }) => state === "broken");
    const told = ({ link, seen, advice = "" }: Finding) => `${link}: ${seen.replace(/\.$/, "")}.\n${advice}`;
    const unseen = findings.flatMap(({ state, advice }) => (state === "unseen" && advice ? [advice] : []));
    return [
        first === undefined ? "No link is broken." : `The first broken link is ${told(first)}`,
        ...others.map((finding) => `Broken as well: ${told(finding)}`),
        ...[...new Set(unseen)].map((advice) => `For what is unseen: ${advice}`),
    ].join("\n\n");
}
