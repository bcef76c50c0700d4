import assert from "node:assert/strict";
import { certManagerImages, chartRegistry, metalLBImages, mirroredChart, mirroredImage } from "../../../stacks/mirror";

describe("a closed network's mirror", () => {
    const registry = "mirror.site.example:5000/copies";

    for (const [image, copy] of [
        ["docker.io/nginxinc/nginx-unprivileged:1.31", `${registry}/nginxinc/nginx-unprivileged:1.31`],
        ["registry.k8s.io/kubectl:v1.37.2", `${registry}/kubectl:v1.37.2`],
        ["localhost:5000/a/b@sha256:00", `${registry}/a/b@sha256:00`],
        ["nginx:1.31", `${registry}/nginx:1.31`],
        ["library/nginx:1.31", `${registry}/library/nginx:1.31`],
        [`${registry}/a/b:1`, `${registry}/a/b:1`],
    ] as const) {
        it(`has ${image} as ${copy}`, () => {
            assert.equal(mirroredImage(image, registry), copy);
            assert.equal(mirroredImage(image, undefined), image);
        });
    }

    it("has charts by their names, unless one is given", () => {
        const mirror = { charts: "oci://mirror.site.example/charts" };
        assert.equal(mirroredChart("interlink", undefined, mirror), "oci://mirror.site.example/charts/interlink");
        assert.equal(mirroredChart("interlink", "./mine", mirror), "./mine");
        assert.equal(mirroredChart("interlink", undefined, {}), undefined);
    });

    it("has the images that charts name by themselves", () => {
        const values = certManagerImages(registry) as Record<string, { image?: unknown }>;
        assert.deepEqual(values.image, { repository: `${registry}/jetstack/cert-manager-controller` });
        assert.deepEqual(values.webhook?.image, { repository: `${registry}/jetstack/cert-manager-webhook` });
        assert.deepEqual(certManagerImages(undefined), {});
    });

    it("has the images of MetalLB's routing daemon, and of cert-manager's solver and start-up check", () => {
        const image = (name: string) => ({ image: { repository: `${registry}/${name}` } });
        const frr = image("frrouting/frr");
        assert.deepEqual(metalLBImages(registry), {
            controller: image("metallb/controller"),
            speaker: { ...image("metallb/speaker"), frr },
            "frr-k8s": { ...image("metallb/frr-k8s"), frr },
        });
        const { acmesolver, startupapicheck } = certManagerImages(registry);
        assert.deepEqual(acmesolver, image("jetstack/cert-manager-acmesolver"));
        assert.deepEqual(startupapicheck, image("jetstack/cert-manager-startupapicheck"));
    });

    it("has a registry of charts where they have an oci:// address", () => {
        const closed = { mirror: { chartsCa: "/ca.pem" }, registryLogins: {} };
        assert.deepEqual(chartRegistry("oci://a.example/charts/x", closed), { login: undefined, caFile: "/ca.pem" });
        assert.equal(chartRegistry("./charts/x", closed), undefined);
        assert.equal(chartRegistry(undefined, closed), undefined);
    });
});
