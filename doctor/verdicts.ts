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
