/** A link does not hold. */
export class Broken extends Error {
    constructor(
        seen: string,
        /** What to do, in sentences. */
        readonly advice: string,
    ) {
        super(seen);
    }
}

/** Whether a link holds cannot be told from here. */
export class Unseen extends Error {
    constructor(
        seen: string,
        /** What to do, in sentences; undefined where nothing is to be done. */
        readonly advice?: string,
    ) {
        super(seen);
    }
}

/**
 * Asserts that what a link says holds.
 * @throws Broken where it does not, with what was seen instead
 */
export function must(holds: boolean, seen: string, advice: string): asserts holds {
    if (!holds) {
        throw new Broken(seen, advice);
    }
}

/** What to do where an object of the stack is missing, or somebody else has changed it. */
export const MAKE_ANEW = "Run `pulumi up --refresh`, which makes it anew.";
