import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { charts, images } from "../../versions";

const PROJECT = join(__dirname, "..", "..");

/** What a manager of renovate.json is: where it looks, for what, and what it writes instead. */
interface CustomManager {
    readonly managerFilePatterns: readonly string[];
    readonly matchStrings: readonly string[];
    readonly depNameTemplate?: string;
    readonly depTypeTemplate?: string;
}

const { customManagers } = JSON.parse(readFileSync(join(PROJECT, "renovate.json"), "utf8")) as {
    readonly customManagers: readonly CustomManager[];
};

/** What a manager finds in versions.ts, by the names of its groups. */
function found({ matchStrings }: CustomManager): Record<string, string | undefined>[] {
    const text = readFileSync(join(PROJECT, "versions.ts"), "utf8");
    return matchStrings.flatMap((match) =>
        Array.from(text.matchAll(new RegExp(match, "g")), ({ groups }) => ({ ...groups })),
    );
}

const isImages = ({ depTypeTemplate }: CustomManager) => depTypeTemplate === "image";

describe("renovate.json", () => {
    it("finds every image of versions.ts once, with its tag and its digest", () => {
        const whole = customManagers
            .filter(isImages)
            .flatMap(found)
            .map(
                ({ depName, currentValue, currentDigest }) =>
                    `${depName}:${currentValue}${currentDigest === undefined ? "" : `@${currentDigest}`}`,
            );
        assert.deepEqual(whole, Object.values(images));
    });

    it("finds every chart of versions.ts once, each by a manager of its own", () => {
        const managers = customManagers.filter((manager) => !isImages(manager));
        const versions = managers.map((manager) => found(manager).map(({ currentValue }) => currentValue));
        assert.deepEqual(
            new Map(managers.map(({ depNameTemplate }, index) => [depNameTemplate, versions[index]])),
            new Map([
                ["cert-manager", [charts.certManager]],
                ["metallb", [charts.metalLB]],
                ["ingress-nginx", [charts.ingressNginx]],
                ["ghcr.io/interlink-hq/interlink-helm-chart/interlink", [charts.interlink]],
            ]),
        );
        assert.equal(managers.length, Object.keys(charts).length);
    });

    it("looks for them in versions.ts alone", () => {
        for (const { managerFilePatterns } of customManagers) {
            const patterns = managerFilePatterns.map((pattern) => new RegExp(pattern.slice(1, -1)));
            const looked = ["versions.ts", "stacks/versions.ts", "versions.test.ts"].filter((file) =>
                patterns.some((pattern) => pattern.test(file)),
            );
            assert.deepEqual(looked, ["versions.ts"]);
        }
    });
});
