import { isIP } from "node:net";
import { addressRange, certificatesIn, durationSeconds, overlap, Refusal } from "../components/parts/arguments";
import { PORT_NAMES } from "../components/parts/ports";
import { chartHost } from "../components/parts/release";
import { endedFaults } from "./pem";
import { PlainSettings } from "./schema";
import { siteConflicts, sitesOf } from "./sites";

/** Ports of the health answers of the proxy and the controllers, and of metrics. */
const RESERVED_PORTS: readonly number[] = [8080, 8081, 8082, 10254];

/** Versions whose public chart removes cert-manager's definitions with the release, and everybody's certificates with them. */
const OLD_CERT_MANAGER = /^v?(0|1\.(\d|1[0-4]))\./;

/** What is allowed by itself and not together. */
export function conflicts(settings: PlainSettings): Refusal[] {
    const found = siteConflicts(settings);
    if (settings.environment === "external") {
        // One may end before the other, as in a rotation.
        found.push(...endedFaults("api.caCertificate", certificatesIn(settings.api.caCertificate ?? "")));
        return found.filter(({ bad }) => bad);
    }
    const { ports, ca, certificate, certManager, pods, mirror } = settings;
    const certManagerHost = certManager.install ? chartHost(certManager.chart ?? mirror.charts) : undefined;
    const sites = sitesOf(settings);
    const namespaces = [settings.namespace, ...sites.map(({ namespace }) => namespace)];
    found.push(
        {
            bad: ports.http === ports.https,
            key: "ports.http",
            value: ports.http,
            allowed: "another port than ports.https",
        },
        ...PORT_NAMES.map((port) => ({
            bad: RESERVED_PORTS.includes(ports[port]),
            key: `ports.${port}`,
            value: ports[port],
            allowed: `another port than ${RESERVED_PORTS.join(", ")}, where kubelet's probes and Prometheus go`,
        })),
        {
            bad: settings.admit === "jobs" && settings.kubeconfigFor !== undefined,
            key: "kubeconfigFor",
            value: settings.kubeconfigFor,
            allowed: "no kubeconfigFor, or set admit to tokens, since jobs lets no other token through",
        },
        {
            bad: settings.metrics.podMonitor && !settings.metrics.enabled,
            key: "metrics.podMonitor",
            value: settings.metrics.podMonitor,
            allowed: "false, or set metrics.enabled to true",
        },
        {
            bad: durationSeconds(certificate.duration) > durationSeconds(ca.duration),
            key: "certificate.duration",
            value: certificate.duration,
            allowed: `at most the CA's, ${ca.duration}`,
        },
        {
            bad: ca.rotation !== "none" && ca.generation === 1,
            key: "ca.rotation",
            value: ca.rotation,
            allowed: "none, or set ca.generation to the next number, since nothing comes before generation 1",
        },
        {
            bad: ca.force && ca.rotation !== "complete",
            key: "ca.force",
            value: ca.force,
            allowed: "false, since it matters only where ca.rotation is complete",
        },
        ...sites.map((site) => ({
            bad: settings.namespace === site.namespace,
            key: `${site.key}.namespace`,
            value: site.namespace,
            allowed: "another namespace than the setting namespace",
        })),
        {
            bad:
                certManager.install &&
                OLD_CERT_MANAGER.test(certManager.version) &&
                ((certManager.chart ?? settings.mirror.charts) === undefined ||
                    certManager.values?.installCRDs === true),
            key: "certManager.version",
            value: certManager.install && certManager.version,
            allowed: "v1.15.0 or later, whose chart keeps the definitions of certificates when it is removed",
        },
        {
            bad: settings.controller === "traefik" && isOldTraefik(settings.images.traefik),
            key: "images.traefik",
            value: settings.images.traefik,
            allowed: "Traefik 3.7 or later, which knows the annotations for source ranges and silent connections",
        },
        {
            bad: certManager.install && namespaces.includes(certManager.namespace),
            key: "certManager.namespace",
            value: certManager.namespace,
            allowed: "a namespace of its own",
        },
        {
            bad: pods.assignedUserIds && settings.controller === "ingress-nginx",
            key: "controller",
            value: settings.controller,
            allowed: "traefik or none, since pods.assignedUserIds is true and its image has one user of its own",
        },
        {
            bad:
                mirror.chartsCa !== undefined &&
                certManagerHost !== undefined &&
                !(certManagerHost in settings.registryLogins),
            key: "mirror.chartsCa",
            value: mirror.chartsCa,
            allowed:
                `a login for ${certManagerHost} in registryLogins too, without which Pulumi's Helm release leaves the CA ` +
                "out, or make the machine trust the CA instead",
        },
    );
    if (settings.environment === "kind") {
        found.push(familyConflict("sourceRanges", settings.sourceRanges, settings.address));
    } else {
        const { port, sourceRanges } = settings.loadBalancer;
        found.push(
            familyConflict("loadBalancer.sourceRanges", sourceRanges, settings.address),
            {
                bad: port === ports.http,
                key: "loadBalancer.port",
                value: port,
                allowed: "another port than ports.http",
            },
            {
                bad:
                    settings.controller === "ingress-nginx" &&
                    port !== undefined &&
                    ![443, ports.https, ports.http].includes(port),
                key: "loadBalancer.port",
                value: port,
                allowed: "443, or set ports.https to it, since ingress-nginx redirects plain HTTP to no other port",
            },
        );
    }
    if (settings.environment === "cloud") {
        const { provider, internal, sourceRanges } = settings.loadBalancer;
        found.push({
            bad: sourceRanges.length === 0 && (!internal || provider === "other"),
            key: "loadBalancer.sourceRanges",
            value: sourceRanges,
            allowed: `at least one CIDR, since ${internal ? "provider is other" : "internal is false"}`,
        });
    }
    if (settings.environment === "metallb") {
        const { addresses, install, namespace } = settings.metallb;
        const twice = addresses?.find((range, index) =>
            addresses.slice(0, index).some((other) => overlap(range, other)),
        );
        found.push(
            {
                bad: twice !== undefined,
                key: "metallb.addresses",
                value: addresses,
                allowed: `each address once, since MetalLB refuses ${twice} besides the ranges before it`,
            },
            {
                bad: addresses?.some((range) => addressRange(range)?.(settings.address)) === false,
                key: "address",
                value: settings.address,
                allowed: `an address of metallb.addresses, ${addresses?.join(", ")}`,
            },
            {
                bad: install && [...namespaces, certManager.namespace].includes(namespace),
                key: "metallb.namespace",
                value: namespace,
                allowed: "a namespace of its own",
            },
            {
                bad: install && pods.assignedUserIds,
                key: "metallb.install",
                value: install,
                allowed: "false, since pods.assignedUserIds is true and MetalLB's pods have users of their own",
            },
        );
    }
    return found.filter(({ bad }) => bad);
}

/**
 * Networks of which none is of the address's family: kube-proxy takes no notice of them and lets everybody in, and pods let
 * nobody in.
 */
function familyConflict(key: string, ranges: readonly string[], address = ""): Refusal & { readonly bad: boolean } {
    const family = isIP(address);
    return {
        bad: family !== 0 && ranges.length > 0 && ranges.every((range) => isIP(range.split("/")[0] ?? "") !== family),
        key,
        value: ranges,
        allowed: `at least one IPv${family} network, since the address is IPv${family}`,
    };
}

/** Whether an image's tag is that of a Traefik before 3.7, which would take no notice of the Ingress's annotations. */
function isOldTraefik(image: string): boolean {
    const [, major, minor] = /:v?(\d+)\.(\d+)[^/]*$/.exec(image.replace(/@.*/, "")) ?? [];
    return major !== undefined && (Number(major) < 3 || (Number(major) === 3 && Number(minor) < 7));
}
