import { asMade } from "../e2e/support";

/** A cluster whose API server writes down who asked for what: one for all parts whose way in is the same. */
export function cluster(...variables: string[]): Promise<string> {
    return asMade("SITE=test/trust/audit/site.yaml", ...variables);
}
