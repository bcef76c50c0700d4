/** What Pulumi says of an update besides its cause: that it failed, and what came of its end. */
const CONSEQUENCES =
    /^(preview|update|destroy|refresh) failed$|grpc: the client connection is closing|resource monitor (has terminated|is terminating)/i;
/** Headings of what Pulumi prints at its end. */
const SECTION = /^(Policies|Diagnostics|Outputs|Resources|Duration|Permalink|View Live)\b/;

/**
 * The causes of a failure among what Pulumi printed, each once: refusals of policies, then errors. What merely follows from them is
 * left out, since Pulumi prints it last. Empty where there is no cause of Pulumi's own form.
 */
export function causesOf(printed: string): readonly string[] {
    const causes = [...refusals(section(printed, "Policies")), ...errors(section(printed, "Diagnostics"))];
    return [...new Set(causes)].filter((cause) => !CONSEQUENCES.test(cause));
}

/** The lines of a section, the last one of its name. */
function section(printed: string, name: string): string[] {
    const lines = printed.split(/\r?\n/);
    const begin = lines.findLastIndex((line) => line === `${name}:`);
    const rest = begin < 0 ? [] : lines.slice(begin + 1);
    const end = rest.findIndex((line) => SECTION.test(line));
    return end < 0 ? rest : rest.slice(0, end);
}

/** What mandatory policies refuse: the last line under each, after the policy's description. */
function refusals(lines: readonly string[]): string[] {
    const isHead = (line: string) => /^\s+- \[/.test(line) || /^\s*(✅|❌)/u.test(line);
    return lines.flatMap((line, index) => {
        if (!/^\s+- \[mandatory\]/.test(line)) {
            return [];
        }
        const rest = lines.slice(index + 1);
        const end = rest.findIndex((next) => isHead(next));
        const text = (end < 0 ? rest : rest.slice(0, end)).map((part) => part.trim()).filter((part) => part !== "");
        return text.slice(-1);
    });
}

/** The errors, each with the lines that belong to it. */
function errors(lines: readonly string[]): string[] {
    const found: string[] = [];
    let open = false;
    for (const line of lines) {
        const [, kind, text = ""] = /^ {4}(error|warning|info|debug): (.*)$/.exec(line) ?? [];
        if (kind !== undefined) {
            open = kind === "error";
            found.push(...(open ? [text] : []));
        } else if (open && /^ {4}/.test(line)) {
            found.push(`${found.pop()}\n${line.slice(4)}`);
        } else {
            open = false;
        }
    }
    return found;
}
