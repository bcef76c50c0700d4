import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";

const PROJECT = join(__dirname, "..", "..", "..");

/** A fenced block of a page. */
export interface Block {
    /** Its language. */
    readonly language: string;
    /** Its text, without indentation of the fence. */
    readonly text: string;
}

/** Paths of all Markdown pages, from the project's root. */
export const PAGES: readonly string[] = globSync(["*.md", "{docs,examples,local}/**/*.md"], { cwd: PROJECT })
    .filter((page) => !page.startsWith("local/images/charts/"))
    .sort();

/** A file's text. */
export function textOf(path: string): string {
    return readFileSync(join(PROJECT, path), "utf8");
}

/** The fenced blocks of a page, in their order. */
export function blocksOf(page: string): Block[] {
    return Array.from(
        textOf(page).matchAll(/^( *)```([a-z]*)\n([^]*?)^ *```$/gm),
        ([, indentation = "", language = "", text = ""]) => ({
            language,
            text: text.replace(new RegExp(`^${indentation}`, "gm"), ""),
        }),
    );
}

/** The page without its fenced blocks. */
export function proseOf(page: string): string {
    return textOf(page).replace(/^ *```[^]*?^ *```$/gm, "");
}

/** The commands of a shell block, a line each: without comments, and those of several lines in one. */
export function commandsOf(block: string): string[] {
    return block
        .replaceAll("\\\n", " ")
        .split("\n")
        .map((line) => line.replace(/(^|\s)#\s.*$/, "").trim())
        .filter((line) => line !== "");
}

/** A command's words, as a shell reads plain ones and quoted ones; what it would replace stays as it is written. */
export function wordsOf(command: string): string[] {
    return Array.from(
        command.matchAll(/'([^']*)'|"([^"]*)"|[^\s'"]+/g),
        ([word, single, double]) => single ?? double ?? word,
    );
}
