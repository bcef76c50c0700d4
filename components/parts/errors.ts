/** An error's message in one line; that of several attempts has none of its own. */
export function messageOf(error: unknown): string {
    const { message, errors, code } = (error ?? {}) as Partial<AggregateError> & { readonly code?: string };
    const thrown = typeof error === "string" ? error : "";
    const text = message || errors?.map(messageOf).join(", ") || code || thrown || "no reason given";
    return text.trim().replace(/\s+/g, " ");
}
