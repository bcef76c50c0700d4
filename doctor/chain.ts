import { NotChecked, reasonOf } from "../checks/notChecked";
import { Facts } from "./facts";
import { Broken, Unseen } from "./verdicts";

/** One thing that must hold between a job and the Kubernetes API. */
export interface Link {
    /** What it is called in the table; no two links have one name. */
    readonly name: string;
    /**
     * Names of the links without which it cannot be asked.
     * @default none
     */
    readonly after?: readonly string[];
    /**
     * Asks, and returns what was seen.
     * @throws Broken where it does not hold; Unseen where that cannot be told from here
     */
    readonly ask: (facts: Facts) => string | Promise<string>;
}

/** What became of a link. */
export interface Finding {
    /** The link's name. */
    readonly link: string;
    /** "unseen" where nobody was let ask, or it cannot be told from here; "not asked" where a link before it is broken. */
    readonly state: "ok" | "broken" | "unseen" | "not asked";
    /** What was seen, as a part of a sentence. */
    readonly seen: string;
    /** What to do, in sentences; of broken and some unseen links. */
    readonly advice?: string;
}

/** Asks the links in their order, each unless one that it depends on is broken or was not asked itself. */
export async function* examine(links: readonly Link[], facts: Facts): AsyncGenerator<Finding> {
    const findings = new Map<string, Finding>();
    for (const link of links) {
        const before = (link.after ?? []).find((name) =>
            ["broken", "not asked"].includes(findings.get(name)?.state ?? "ok"),
        );
        const finding =
            before === undefined
                ? await found(link, facts)
                : { link: link.name, state: "not asked" as const, seen: `it depends on: ${before}` };
        findings.set(link.name, finding);
        yield finding;
    }
}

async function found({ name: link, ask }: Link, facts: Facts): Promise<Finding> {
    try {
        return { link, state: "ok", seen: await ask(facts) };
    } catch (error) {
        if (error instanceof Broken) {
            return { link, state: "broken", seen: error.message, advice: error.advice };
        }
        if (error instanceof Unseen) {
            return { link, state: "unseen", seen: error.message, advice: error.advice };
        }
        if (error instanceof NotChecked) {
            return { link, state: "unseen", seen: error.message };
        }
        return { link, state: "broken", seen: reasonOf(error), advice: "Run the doctor again; this was not expected." };
    }
}
