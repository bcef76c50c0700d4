import assert from "node:assert/strict";
import { ApiIngress } from "../../../components/apiIngress";
import { InternalIngressController } from "../../../components/internalIngressController";
import { NginxApiProxy } from "../../../components/nginxApiProxy";
import { ISSUER, NAMESPACE, PASSED_THROUGH, PORTS, PROXY } from "../support/arguments";
import { CA_PEM, input, record, settled } from "../support/mocks";

/** The API server's own limit for a request's line and headers, and the 4 KiB by which Go is more generous. */
const HEADER_BYTES = (1 << 20) + 4096;
const SILENCE_SECONDS = 14400;

/** Every limit on the way, of each program that a request may pass, all as numbers of bytes or seconds. */
describe("on every way to the API server", () => {
    let proxy: string;
    let passedThrough: string;
    let annotations: Record<string, string>;
    let traefik: string[];
    let ingressNginx: Record<string, string>;

    before(async () => {
        await record();
        await settled(new NginxApiProxy("proxy", PROXY));
        await settled(new NginxApiProxy("passed-through", PASSED_THROUGH));
        const address = "10.1.2.3";
        const route = {
            ingressClassName: "class",
            serviceName: "proxy",
            servicePort: 60443,
            serverName: "proxy.svc",
            caCertificate: CA_PEM,
            paths: ["/api"],
        };
        const ingress = { namespace: NAMESPACE, address, port: 60443, issuerRef: ISSUER, tlsSecretName: "leaf", route };
        await settled(new ApiIngress("ingress", ingress));
        const controller = {
            namespace: NAMESPACE,
            ingressClassName: "class",
            address,
            ports: PORTS,
            outsidePort: 60443,
            defaultCertificateSecretName: "leaf",
        };
        const chart = { type: "ingress-nginx", chartVersion: "4.11.0", image: "controller:v1" } as const;
        const image = { type: "traefik", image: "traefik:3" } as const;
        await settled(new InternalIngressController("traefik", { ...controller, software: image }));
        await settled(new InternalIngressController("nginx", { ...controller, software: chart }));
        proxy = input("proxy-configuration", "data", "nginx.conf") as string;
        passedThrough = input("passed-through-configuration", "data", "nginx.conf") as string;
        annotations = input("ingress-ingress", "metadata", "annotations") as Record<string, string>;
        traefik = input("traefik-deployment", "spec", "template", "spec", "containers", 0, "args") as string[];
        ingressNginx = input("nginx-chart", "values", "controller", "config") as Record<string, string>;
    });

    const directive = (name: string, text = proxy) => new RegExp(`^ +${name} ([^;]+);`, "m").exec(text)?.[1] ?? "";
    const annotation = (name: string) => annotations[`nginx.ingress.kubernetes.io/${name}`] ?? "";
    const flag = (name: string) =>
        traefik.find((arg) => arg.startsWith(`--entrypoints.websecure.${name}=`))?.split("=")[1] ?? "";

    it("requests may have headers as large as the API server takes them", () => {
        for (const buffers of [directive("large_client_header_buffers"), ingressNginx["large-client-header-buffers"]]) {
            const [, count, kib] = /^(\d+) (\d+)k$/.exec(buffers ?? "") ?? [];
            assert.ok(Number(count) >= 2);
            assert.ok(Number(kib) * 1024 >= HEADER_BYTES);
        }
        assert.ok(Number(flag("http.maxheaderbytes")) >= HEADER_BYTES);
    });

    it("bodies may have any size that the API server takes", () => {
        assert.equal(directive("client_max_body_size"), "0");
        assert.equal(ingressNginx["proxy-body-size"], "0");
        assert.equal(annotation("proxy-body-size"), "0");
    });

    it("answers may have every warning in their headers that the API server sends", () => {
        assert.equal(directive("proxy_buffer_size"), "64k");
        assert.equal(directive("proxy_buffers"), "4 64k");
        // Its number of buffers is 4 by default.
        assert.equal(ingressNginx["proxy-buffer-size"], "64k");
    });

    it("readers and writers may pause for as long as a connection may be silent", () => {
        for (const name of ["send_timeout", "client_body_timeout", "proxy_read_timeout", "proxy_send_timeout"]) {
            assert.equal(directive(name), `${SILENCE_SECONDS}s`, name);
        }
        assert.equal(ingressNginx["client-body-timeout"], String(SILENCE_SECONDS));
        assert.equal(ingressNginx["http-snippet"], `send_timeout ${SILENCE_SECONDS}s;`);
        assert.equal(annotation("proxy-read-timeout"), String(SILENCE_SECONDS));
        assert.equal(annotation("proxy-send-timeout"), String(SILENCE_SECONDS));
        assert.equal(flag("transport.respondingtimeouts.readtimeout"), `${SILENCE_SECONDS}s`);
    });

    it("connections wait for the next request for longer than a client in Go does", () => {
        assert.equal(directive("keepalive_timeout"), "180s");
        assert.equal(ingressNginx["keep-alive"], "180");
        assert.equal(flag("transport.respondingtimeouts.idletimeout"), "180s");
    });

    it("connections that are passed through have ended by themselves when a pod that goes cuts them", () => {
        const seconds = (name: string) => Number.parseInt(directive(name, passedThrough));
        const cut = Number.parseInt(flag("transport.lifecycle.gracetimeout"));
        assert.ok(seconds("keepalive_time") >= 60);
        assert.ok(seconds("keepalive_time") + seconds("keepalive_timeout") < cut);
        assert.equal(directive("keepalive_time"), "");
    });

    it("headers of any name arrive", () => {
        assert.equal(directive("ignore_invalid_headers"), "off");
        assert.equal(directive("underscores_in_headers"), "on");
        assert.equal(ingressNginx["ignore-invalid-headers"], "false");
        assert.equal(ingressNginx["enable-underscores-in-headers"], "true");
    });
});
