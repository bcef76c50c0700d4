import assert from "node:assert/strict";
import { environmentProxy } from "../../../settings/proxy";
import { withEnvironment } from "../support/servers";

const NONE = Object.fromEntries(
    ["HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"].flatMap((name) => [
        [name, undefined],
        [name.toLowerCase(), undefined],
    ]),
);
const found = (url: string, variables: Record<string, string>) =>
    withEnvironment({ ...NONE, ...variables }, () => environmentProxy(new URL(url)));

describe("the environment's proxy", () => {
    for (const [url, variables, proxy] of [
        ["https://api.site", {}, undefined],
        ["https://api.site", { HTTPS_PROXY: "http://p:3128" }, "http://p:3128"],
        ["https://api.site", { https_proxy: "http://p:3128" }, "http://p:3128"],
        ["https://api.site", { HTTPS_PROXY: "socks5://p" }, "socks5://p"],
        ["https://api.site", { HTTPS_PROXY: "socks5h://p" }, "socks5h://p"],
        ["https://api.site", { HTTPS_PROXY: "p:3128" }, "http://p:3128"],
        ["https://api.site", { HTTP_PROXY: "http://p:3128" }, undefined],
        ["http://api.site", { HTTP_PROXY: "http://p:3128" }, "http://p:3128"],
    ] as const) {
        it(`for ${url} with ${JSON.stringify(variables)} is ${proxy ?? "none"}`, async () => {
            assert.equal(await found(url, variables), proxy);
        });
    }

    for (const [url, NO_PROXY, direct] of [
        ["https://localhost:6443", "", true],
        ["https://127.0.0.2:6443", "", true],
        ["https://[::1]:6443", "", true],
        ["https://api.site:6443", "*", true],
        ["https://api.site:6443", "other, api.site", true],
        ["https://api.site:6443", "SITE", true],
        ["https://api.site:6443", ".site", true],
        ["https://api.site:6443", "*.site", true],
        ["https://site:6443", ".site", false],
        ["https://api.site:6443", "pi.site", false],
        ["https://api.site:6443", "api.site:6443", true],
        ["https://api.site:6443", "api.site:443", false],
        ["https://api.site", "api.site:443", true],
        ["https://10.1.2.3:6443", "10.0.0.0/8", true],
        ["https://10.1.2.3:6443", "10.1.2.3", true],
        ["https://10.1.2.3:6443", "10.1.2.3:6443", true],
        ["https://10.1.2.3:6443", "10.1.2.3:443", false],
        ["https://10.1.2.3:6443", "10.2.0.0/16,10.1.2.4", false],
        ["https://[fd00::1]:6443", "fd00::/8", true],
        ["https://[fd00::1]:6443", "fd00:0::1", true],
        ["https://[fd00::1]:6443", "[fd00::1]:6443", true],
        ["https://[fd00::1]:6443", "[fd00::1]:443", false],
    ] as const) {
        it(`is ${direct ? "not asked" : "asked"} for ${url} where NO_PROXY is "${NO_PROXY}"`, async () => {
            const proxy = await found(url, { HTTPS_PROXY: "http://p", NO_PROXY });
            assert.equal(proxy, direct ? undefined : "http://p");
        });
    }
});
