import { Finding, examine, Link } from "./chain";
import { CLUSTER, ownWay } from "./cluster";
import { Case, Facts } from "./facts";
import { virtualNodes } from "./interlink";
import { mirror } from "./mirror";
import { WAY_IN } from "./wayIn";

/** What the doctor asks of a stack, in the order in which a job depends on it. */
export interface Examination {
    /** Names of the links. */
    readonly names: readonly string[];
    /** What becomes of them, one by one. */
    readonly findings: AsyncGenerator<Finding>;
}

/** Goes through the chain of a stack. It makes and changes nothing: what it posts are reviews and token requests, which are not kept. */
export function examination(given: Case): Examination {
    const facts = new Facts(given);
    const { settings } = given;
    const links: readonly Link[] = [
        ...CLUSTER,
        ...ownWay(settings),
        ...WAY_IN,
        ...virtualNodes(facts.nodes),
        ...mirror(settings),
    ];
    return { names: links.map(({ name }) => name), findings: examine(links, facts) };
}
