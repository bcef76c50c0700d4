import { ApiException } from "@kubernetes/client-node";

/** Nobody is let ask, so that nothing is known: a warning, not a failure. */
export class NotChecked extends Error {}

/** Why a request failed, in a few words of one line; never the request, nor the answer, which may hold a token. */
export function reasonOf(error: unknown): string {
    if (error instanceof ApiException) {
        return `HTTP ${error.code}`;
    }
    return (error instanceof Error ? error.message : String(error)).trim().replace(/\s+/g, " ");
}
