import { ApiException } from "@kubernetes/client-node";
import { messageOf } from "../components/parts/errors";

/** Nobody is let ask, so that nothing is known: a warning, not a failure. */
export class NotChecked extends Error {}

/** Why a request failed, in a few words of one line; never the request, nor the answer, which may hold a token. */
export function reasonOf(error: unknown): string {
    return error instanceof ApiException ? `HTTP ${error.code}` : messageOf(error);
}
