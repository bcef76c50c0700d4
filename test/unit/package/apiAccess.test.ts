import assert from "node:assert/strict";
import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { ApiAccess } from "../../../package/apiAccess";
import { ApiAccessArgs } from "../../../package/arguments";
import { parseSettings } from "../../../settings/read";
import { deploy } from "../../../stacks";
import { CLOUD, EXTERNAL, KIND, METALLB } from "../support/badSettings";
import { find, input, record, recordedResources, registered, settledStack, valueOf } from "../support/mocks";

/** Makes the component of a name, to the end. */
async function made(name: string, args: ApiAccessArgs): Promise<ApiAccess> {
    const access = new ApiAccess(name, args, { provider: new k8s.Provider("kubernetes", {}) });
    await settledStack({ ...access, apiServerPort: await valueOf(access.apiServerPort) });
    return access;
}

/** Types and names of the resources that are no components of Pulumi's own. */
function resources(prefix: string): string[] {
    return registered()
        .filter((entry) => !/^pulumi:|:ApiAccess /.test(entry))
        .map((entry) => entry.replace(` ${prefix}`, " "))
        .sort();
}

describe("ApiAccess", () => {
    for (const settings of [KIND, CLOUD, METALLB, EXTERNAL]) {
        it(`makes what the program makes in the environment ${settings.environment}, under its own name`, async () => {
            await record();
            await settledStack(
                deploy(parseSettings(settings), { opts: { provider: new k8s.Provider("kubernetes", {}) } }),
            );
            const program = resources("");
            await record();
            await made("api", settings);
            assert.deepEqual(resources("api-"), program);
            const others = registered().filter((entry) => !/^pulumi:| api(-|$)/.test(entry));
            assert.deepEqual(others, []);
        });
    }

    it("has the program's outputs", async () => {
        await record();
        const access = await made("api", KIND);
        assert.equal(await valueOf(access.apiServerUrl), "https://10.1.2.3:60443");
        assert.equal(await valueOf(access.apiServerPort), 60443);
        assert.equal(await valueOf(access.namespace), "ingress-nginx-internal");
        assert.deepEqual(await valueOf(access.interlinkNodeNames), ["interlink-slurm-node"]);
    });

    it("is there twice in a program, and each way in leads to its own pods", async () => {
        await record();
        for (const name of ["north", "south"]) {
            await made(name, { ...CLOUD, uniqueNames: true });
            const selector = { "app.kubernetes.io/instance": `${name}-my-nginx-kubernetes-api` };
            assert.deepEqual(input(`${name}-api-load-balancer-service`, "spec", "selector"), selector);
            assert.deepEqual(input(`${name}-my-nginx-kubernetes-api-deployment`, "spec", "selector"), {
                matchLabels: { "app.kubernetes.io/name": "nginx-api-proxy", ...selector },
            });
        }
        const keys = registered().filter((entry) => !entry.startsWith("pulumi:"));
        assert.equal(new Set(keys).size, keys.length);
    });

    it("keeps more values for the chart secret", async () => {
        await record();
        await made("api", { ...KIND, interlinkValues: { OAUTH: { ClientSecret: "s3cret" } } });
        assert.ok(pulumi.runtime.isRpcSecret(find("api-interlink-chart").inputs.values));
    });

    const REFUSED: readonly (readonly [string, Readonly<Record<string, unknown>>, readonly string[]])[] = [
        [
            "what is wrong, all at once",
            { ...KIND, address: "my_host", admit: "nobody" },
            [
                'api.admit: "nobody" is not allowed; give all, tokens or jobs.',
                'api.address: "my_host" is not allowed; give an IP address or a DNS name.',
            ],
        ],
        ["what it does not know", { ...KIND, colour: "red" }, ["api.colour: there is no such setting."]],
        [
            "what does not fit together",
            { ...KIND, interlink: { address: "http://10.9.9.9", port: 3000 } },
            [
                'api.interlink.address: "http://10.9.9.9" is not allowed; give an https:// URL, or set ' +
                    "interlink.tls.insecure: true, since tokens go there in clear text.",
            ],
        ],
        [
            "values that are known only later",
            { ...KIND, address: pulumi.output("10.1.2.3"), interlink: { port: Promise.resolve(3000) } },
            ["api.address", "api.interlink.port"].map(
                (key) =>
                    `${key}: "[output]" is not allowed; give a value that is known before anything is made, and no secret.`,
            ),
        ],
        [
            "values for one chart where there are several",
            { ...KIND, interlink: undefined, sites: { north: KIND.interlink }, interlinkValues: {} },
            ["api.interlinkValues is for interlink alone; give the values of each site as sites.<name>.values."],
        ],
    ];
    for (const [what, args, says] of REFUSED) {
        it(`refuses ${what}, and makes nothing`, async () => {
            await record();
            await assert.rejects(
                async () => made("api", args as unknown as ApiAccessArgs),
                (error) => pulumi.RunError.isInstance(error) && error.message === says.join("\n"),
            );
            const names = recordedResources().filter(({ type }) => !/^pulumi:|:ApiAccess$/.test(type));
            assert.deepEqual(names, []);
        });
    }
});
