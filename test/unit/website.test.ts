import assert from "node:assert/strict";
import { globSync } from "node:fs";
import { join } from "node:path";
import { sidebar, sidebarPages, sources, target } from "../../site/pages";

const PROJECT = join(__dirname, "..", "..");

describe("the website", () => {
    it("has every page of docs/ in its side bar, once", () => {
        const shown = sidebarPages().filter((path) => path.startsWith("docs/"));
        assert.deepEqual(shown.sort(), globSync("docs/**/*.md", { cwd: PROJECT }).sort());
    });

    it("calls pages by their headings", () => {
        const items = sidebar().flatMap((section) => section.items);
        assert.deepEqual(
            items.filter(({ link }) => link === "/docs/configuration.md"),
            [{ text: "Settings", link: "/docs/configuration.md" }],
        );
    });

    it("leads links to pages, and to files of the project", () => {
        for (const [page, href, expected] of [
            ["README.md", "docs/limits.md", "/docs/limits.md"],
            ["docs/limits.md", "../README.md#versions", "/index.md#versions"],
            ["docs/limits.md", "walls.md", "/docs/walls.md"],
            ["README.md", "examples/argo/", "/examples/argo/index.md"],
            ["docs/limits.md", "../settings/schema.ts", "/source/settings/schema.ts.md"],
            ["README.md", ".github/workflows/up.yaml", "/source/dot-github/workflows/up.yaml.md"],
            ["README.md", "components", "/source/components.md"],
            ["README.md", "https://site.example/a.md", "https://site.example/a.md"],
            ["README.md", "#versions", "#versions"],
        ] as const) {
            assert.equal(target(page, href), expected);
        }
    });

    it("refuses links to what is not there", () => {
        for (const href of ["../settings/gone.ts", "gone.md", "../../etc/passwd"]) {
            assert.throws(
                () => target("docs/limits.md", href),
                /^Error: docs\/limits.md: the link \S+ leads to no file/,
            );
        }
    });

    it("shows the files and folders that pages have links to", () => {
        const shown = new Map(sources().map(({ path, content }) => [path, content]));
        assert.match(shown.get("settings/schema.ts") ?? "", /^# settings\/schema.ts\n\n```ts\n.*\n```\n$/s);
        assert.match(shown.get("docs") ?? "", /^- \[limits.md\]\(\/docs\/limits.md\)$/m);
        assert.match(shown.get("components") ?? "", /^- apiIngress$/m);
    });
});
