/** The pages of the website: the project's Markdown files where they lie, and files that these have links to. */
import { existsSync, globSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join, posix } from "node:path";

/** A link in the side bar, as VitePress takes it. */
interface SidebarItem {
    readonly text: string;
    readonly link: string;
}

/** A section of the side bar, as VitePress takes it. */
interface SidebarSection {
    readonly text: string;
    readonly items: readonly SidebarItem[];
}

/** The project's root. */
export const PROJECT = join(__dirname, "..");

/** What the side bar shows: paths from the project's root or patterns of them, in this order, by their sections. */
const SECTIONS: Readonly<Record<string, readonly string[]>> = {
    Begin: ["README.md", "docs/how-it-works.md", "docs/from-the-guide.md", "docs/alternatives.md", "docs/faq.md"],
    Environments: ["docs/environments/*.md", "docs/load-balancers.md", "docs/clusters.md", "docs/closed-networks.md"],
    Settings: ["docs/configuration.md", "docs/configuration-errors.md"],
    Operation: [
        "docs/hpc-side.md",
        "docs/outputs.md",
        "docs/what-is-broken.md",
        "docs/previews.md",
        "docs/monitoring.md",
        "docs/rotation.md",
        "docs/upgrade.md",
        "docs/limits.md",
        "docs/admission.md",
        "docs/walls.md",
        "SECURITY.md",
    ],
    Examples: ["examples/*/README.md"],
    "What was run": ["docs/{argo,docs,doctor,package,performance,sites,slurm,trust}.md"],
    Decisions: ["docs/decisions/*.md"],
    Project: ["CONTRIBUTING.md", "local/README.md", "docs/upstream{,/*}.md", "docs/supply-chain.md", "CHANGELOG.md"],
};
/** Where the website shows files that are no pages. */
const SOURCE = "/source/";

/** Languages of code, by what a file's name ends with. */
const LANGUAGES: Readonly<Record<string, string>> = {
    cjs: "js",
    json: "json",
    jsonc: "jsonc",
    lua: "lua",
    mjs: "js",
    nft: "txt",
    sh: "sh",
    ts: "ts",
    yaml: "yaml",
};

/** The side bar. */
export function sidebar(): SidebarSection[] {
    return Object.entries(SECTIONS)
        .map(([text, patterns]) => ({
            text,
            items: sectionPages(patterns).map((path) => ({ text: title(path), link: address(path) })),
        }))
        .filter(({ items }) => items.length > 0);
}

/** The paths of pages that the side bar shows. */
export function sidebarPages(): string[] {
    return Object.values(SECTIONS).flatMap(sectionPages);
}

/** A Markdown file's path on the website, from its path in the project: a README is its folder's page. */
export function published(path: string): string {
    return path.replace(/(^|\/)README\.md$/, "$1index.md");
}

/**
 * Where a link of a file leads on the website: to a page of it or, for what is no Markdown, to a page that shows the file.
 * Addresses of others, and of places on the same page, stay as they are.
 * @throws Error where there is no such file.
 */
export function target(page: string, href: string): string {
    const file = linkedFile(page, href);
    return file === undefined ? href : address(file) + (/#.*/.exec(href)?.[0] ?? "");
}

/** The files and folders that pages have links to and that are no pages themselves: their paths there, and what they show. */
export function sources(): { path: string; content: string }[] {
    const pages = globSync("{*,{docs,examples,local}/**/*}.md", { cwd: PROJECT });
    const linked = pages.flatMap((page) =>
        Array.from(readFileSync(join(PROJECT, page), "utf8").matchAll(/\]\(([^)\s]+)\)/g), ([, href = ""]) =>
            linkedFile(page, href),
        ),
    );
    const files = new Set(linked.flatMap((file) => (file && address(file).startsWith(SOURCE) ? file : [])));
    return [...files].sort().map((file) => ({
        path: address(file).slice(SOURCE.length).replace(/\.md$/, ""),
        content: shown(file, files),
    }));
}

/** The file of the project, or the folder, that a link is to; undefined for addresses of others and places on the same page. */
function linkedFile(page: string, href: string): string | undefined {
    if (/^([a-z]+:|#|\/)/.test(href)) {
        return undefined;
    }
    const file = posix.join(posix.dirname(page), decodeURI(href).replace(/#.*/, "")).replace(/\/$/, "");
    if (file.startsWith("..") || !existsSync(join(PROJECT, file))) {
        throw new Error(`${page}: the link ${href} leads to no file of the project`);
    }
    return file;
}

function sectionPages(patterns: readonly string[]): string[] {
    return patterns.flatMap((pattern) => globSync(pattern, { cwd: PROJECT }).sort());
}

/** A page's first heading. */
function title(path: string): string {
    const heading = /^# (.+)$/m.exec(readFileSync(join(PROJECT, path), "utf8"))?.[1];
    if (heading === undefined) {
        throw new Error(`${path} has no heading`);
    }
    return heading.replaceAll("`", "");
}

/** Where a file or folder of the project is on the website. */
function address(path: string): string {
    const readme = posix.join(path, "README.md");
    if (existsSync(join(PROJECT, readme))) {
        return address(readme);
    }
    // Hosts of websites leave out names that begin with a dot.
    const name = path.replace(/(^|\/)\./g, "$1dot-");
    return path.endsWith(".md") && name === path ? `/${published(path)}` : `${SOURCE}${name}.md`;
}

/** The Markdown that shows a file's text, or what a folder holds; of that, links to what is on the website. */
function shown(path: string, known: ReadonlySet<string>): string {
    const file = join(PROJECT, path);
    const head = `# ${path}\n\n`;
    if (statSync(file).isDirectory()) {
        const entries = readdirSync(file).map((name) => {
            const link = address(posix.join(path, name));
            const there = !link.startsWith(SOURCE) || known.has(posix.join(path, name));
            return there ? `- [${name}](${link})\n` : `- ${name}\n`;
        });
        return head + entries.join("");
    }
    const text = readFileSync(file, "utf8");
    // Longer than every fence within.
    const fence = "`".repeat(Math.max(2, ...Array.from(text.matchAll(/`+/g), ([ticks]) => ticks.length)) + 1);
    return `${head}${fence}${LANGUAGES[path.split(".").at(-1) ?? ""] ?? "txt"}\n${text}\n${fence}\n`;
}
