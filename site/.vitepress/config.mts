import { relative } from "node:path";
import { renderMermaidSVG } from "beautiful-mermaid";
import { defineConfig } from "vitepress";
import { PROJECT, published, sidebar, target } from "../pages";
import { description, name } from "../../package.json";

/** A diagram as a picture in the page's colours: without fonts of another host, and with its style as Vue takes it. */
function picture(diagram: string): string {
    const colours = { bg: "var(--vp-c-bg)", fg: "var(--vp-c-text-1)", muted: "var(--vp-c-text-2)" };
    const svg = renderMermaidSVG(diagram, { ...colours, transparent: true, padding: 8 })
        .replace(/@import .*;/g, "")
        .replace("<style>", "<component :is=\"'style'\">")
        .replace("</style>", "</component>");
    return `<div class="diagram" tabindex="0">${svg}</div>`;
}

export default defineConfig({
    title: name,
    description,
    lang: "en-GB",
    srcDir: "..",
    srcExclude: ["local/images/charts/**"],
    outDir: "dist",
    cacheDir: "node_modules/.cache",
    rewrites: (path) => published(path).replace(/^site\/source\//, "source/"),
    // Without one, browsers ask for favicon.ico.
    head: [["link", { rel: "icon", href: "data:," }]],
    markdown: {
        // Addresses in the text are examples, and files' names no hosts.
        linkify: false,
        // As GitHub names headings, so that links to them are the same there.
        anchor: {
            slugify: (heading) =>
                heading
                    .toLowerCase()
                    .replace(/[^\p{L}\p{N}\s_-]/gu, "")
                    .replace(/\s/g, "-"),
        },
        theme: { light: "github-light-high-contrast", dark: "github-dark-high-contrast" },
        config: (md) => {
            const { fence } = md.renderer.rules;
            md.renderer.rules.fence = (tokens, index, ...others) => {
                const { content, info } = tokens[index];
                return info === "mermaid" ? picture(content) : fence(tokens, index, ...others);
            };
            md.core.ruler.push("project", ({ tokens, env }) => {
                const page = relative(PROJECT, env.realPath ?? env.path);
                for (const token of tokens.flatMap(({ children }) => children ?? [])) {
                    if (token.type === "code_inline") {
                        // Else Vue reads {{ }} as an expression of its own.
                        token.attrSet("v-pre", "");
                    }
                    const href = token.type === "link_open" && token.attrGet("href");
                    if (href) {
                        token.attrSet("href", target(page, href));
                    }
                }
            });
        },
    },
    themeConfig: {
        nav: [
            { text: "Settings", link: "/docs/configuration.md" },
            { text: "The HPC side", link: "/docs/hpc-side.md" },
            { text: "Security", link: "/SECURITY.md" },
        ],
        sidebar: sidebar(),
        outline: [2, 3],
        search: { provider: "local" },
    },
});
