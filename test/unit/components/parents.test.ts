import assert from "node:assert/strict";
import * as pulumi from "@pulumi/pulumi";
import { NginxApiProxy } from "../../../components/nginxApiProxy";
import { SelfSignedCA } from "../../../components/selfSignedCA";
import { PROXY } from "../support/arguments";
import { record, registered, settled, valueOf } from "../support/mocks";

it("every component is the parent of what it makes, by names that begin with its own", async () => {
    await record();
    const certManager = { install: true, namespace: "cert-manager", version: "v1.2.3" } as const;
    const ca = new SelfSignedCA("ca", { certManager, issuerName: "ca" });
    await settled(ca);
    const proxy = new NginxApiProxy("proxy", PROXY);
    await settled(proxy);
    const components = ["SelfSignedCA ca", "NginxApiProxy proxy"].map((entry) => `interlink:index:${entry}`);
    const children = registered().filter((entry) => !components.includes(entry));
    assert.ok(children.length > 8);
    for (const child of children) {
        assert.match(child, / (ca|proxy)-/);
    }
    for (const component of [ca, proxy]) {
        const urn = await valueOf(component.urn);
        const names = await childUrns(component);
        assert.ok(
            names.length > 3 && names.every((name) => name.includes(urn.split("::")[2] ?? "?")),
            names.join("\n"),
        );
    }
});

/** URNs of the resources that have the component as their parent. */
async function childUrns(component: pulumi.ComponentResource): Promise<string[]> {
    const children = (component as unknown as { __childResources: Set<pulumi.Resource> }).__childResources;
    return Promise.all([...children].map((child) => valueOf(child.urn)));
}
