import assert from "node:assert/strict";
import { existsSync, globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { AxeResults, ContextObject, RunOptions } from "axe-core";
import { source as axeSource } from "axe-core";
import { Browser, BrowserContextOptions, chromium, Page } from "playwright-core";

/** What axe-core adds to a page. */
declare const axe: { run(context: ContextObject, options: RunOptions): Promise<AxeResults> };

const BUILT = join(__dirname, "..", "..", "site", "dist");
const PAGES = globSync("**/*.html", { cwd: BUILT }).sort();
/** Nobody has this name: whatever the browser asks for is looked up in the folder, or refused. */
const ORIGIN = "http://docs.test";
const SIZES = { phone: { width: 390, height: 844 }, desktop: { width: 1280, height: 800 } } as const;
/** A setting that several pages speak of. */
const SETTING = "externalTrafficPolicy";

let browser: Browser;

/** A window of the website, and what went wrong in it. */
async function open(options: BrowserContextOptions): Promise<{ page: Page; faults: string[] }> {
    const context = await browser.newContext({ reducedMotion: "reduce", ...options });
    const page = await context.newPage();
    const faults: string[] = [];
    await page.route("**/*", (route) => {
        const { origin, pathname } = new URL(route.request().url());
        const path = join(BUILT, decodeURIComponent(pathname.replace(/\/$/, "/index.html")));
        if (origin === ORIGIN && existsSync(path)) {
            return route.fulfill({ path });
        }
        faults.push(`asks for ${route.request().url()}`);
        return route.fulfill({ status: 404 });
    });
    page.on("console", (message) => {
        if (message.type() === "error" || message.type() === "warning") {
            faults.push(message.text());
        }
    });
    page.on("pageerror", (error) => faults.push(String(error)));
    return { page, faults };
}

/** Loads a page, to where its scripts run. */
async function visit(page: Page, path: string): Promise<void> {
    await page.goto(`${ORIGIN}/${path}`);
    await page.waitForFunction(() => "__vue_app__" in (document.querySelector("#app") ?? {}));
}

/** Runs steps in a window of its own, in which nothing may go wrong. */
async function inWindow(size: keyof typeof SIZES, steps: (page: Page) => Promise<void>): Promise<void> {
    const { page, faults } = await open({ viewport: SIZES[size] });
    await steps(page);
    assert.deepEqual(faults, []);
    await page.context().close();
}

/** What axe-core finds wrong with a page: contrast below 4.5 for text, 3 for large text, and what else WCAG 2 asks at A and AA. */
async function violations(page: Page): Promise<string[]> {
    await page.evaluate(axeSource);
    const found = await page.evaluate(() => axe.run({ include: "body" }, { runOnly: ["wcag2a", "wcag2aa"] }));
    return found.violations.flatMap(({ id, nodes }) =>
        nodes.map(({ html, any }) => `${id}: ${html}: ${any.map(({ message }) => message).join("; ")}`),
    );
}

describe("the website", () => {
    before(async () => {
        browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox"] });
    });
    after(() => browser.close());

    it("has pages", () => {
        assert.ok(PAGES.includes("index.html") && PAGES.includes("docs/configuration.html"), PAGES.join(" "));
    });

    it("has no link that leads nowhere, on a page or within it", () => {
        const texts = PAGES.map((path) => [path, readFileSync(join(BUILT, path), "utf8")] as const);
        const all = (text: string, attribute: RegExp) =>
            Array.from(text.matchAll(attribute), ([, value = ""]) => value);
        const places = texts.flatMap(([path, text]) => [
            `/${path}`,
            ...all(text, / id="([^"]+)"/g).map((id) => `/${path}#${id}`),
        ]);
        const known = new Set(places);
        const links = texts.flatMap(([from, text]) => all(text, /<a [^>]*href="([^"]+)"/g).map((to) => ({ from, to })));
        const dead = links.filter(({ from, to }) => {
            const { origin, pathname, hash } = new URL(to, `${ORIGIN}/${from}`);
            return origin === ORIGIN && !known.has(decodeURI(pathname.replace(/\/$/, "/index.html") + hash));
        });
        assert.ok(links.length > PAGES.length);
        assert.deepEqual(dead, []);
    });

    describe("on a phone and a desktop, light and dark,", () => {
        let window: Awaited<ReturnType<typeof open>>;

        before(async () => {
            window = await open({});
        });
        after(() => window.page.context().close());

        for (const path of PAGES) {
            it(`shows ${path} without faults, within the screen's width and with contrast`, async () => {
                const { page, faults } = window;
                faults.length = 0;
                await visit(page, path);
                for (const [size, viewport] of Object.entries(SIZES)) {
                    await page.setViewportSize(viewport);
                    for (const colorScheme of ["light", "dark"] as const) {
                        await page.emulateMedia({ colorScheme });
                        await page.locator(colorScheme === "dark" ? "html.dark" : "html:not(.dark)").waitFor();
                        const width = await page.evaluate(() => document.documentElement.scrollWidth);
                        assert.ok(width <= viewport.width, `${width} px wide on a ${size}`);
                        assert.deepEqual(await violations(page), [], `on a ${size}, ${colorScheme}`);
                    }
                }
                assert.deepEqual(faults, []);
            });
        }
    });

    for (const size of ["phone", "desktop"] as const) {
        it(`finds a setting on a ${size} and goes to it`, () =>
            inWindow(size, async (page) => {
                await visit(page, "index.html");
                await page.getByRole("button", { name: "Search" }).click();
                await page.getByRole("searchbox").fill(SETTING);
                await page.locator('[role=listbox] a[href*="/docs/configuration.html#"]').first().click();
                await page.waitForURL("**/docs/configuration.html#loadbalancer*");
                const heading = `h3[id="${new URL(page.url()).hash.slice(1)}"]`;
                await page.locator(`${heading} + p + table code`, { hasText: `loadBalancer.${SETTING}` }).waitFor();
                await page.waitForFunction((selector) => {
                    const { top = -1 } = document.querySelector(selector)?.getBoundingClientRect() ?? {};
                    return top >= 0 && top < innerHeight;
                }, heading);
            }));
    }

    it("opens its menus on a phone, which lead to pages", () =>
        inWindow("phone", async (page) => {
            await visit(page, "index.html");
            await page.getByRole("button", { name: "mobile navigation" }).click();
            await page.locator(".VPNavScreen").getByRole("link", { name: "Settings" }).click();
            await page.waitForURL("**/docs/configuration.html");
            await page.getByRole("button", { name: "Menu" }).click();
            await page.locator(".VPSidebar").getByRole("link", { name: "Rotation of certificates" }).click();
            await page.getByRole("heading", { level: 1, name: "Rotation of certificates" }).waitFor();
        }));
});
