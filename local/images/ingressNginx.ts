import { cpSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { CACHE, PROJECT } from "../machine/layout";
import { run, UserError } from "../machine/shell";
import { moduleSource } from "../toolchain/tools";

const LUA = join(PROJECT, "local", "images", "ingress-nginx", "lua");

/** The user and the group that the chart runs the controller as; it and nginx write to files of the image. */
const USER = "101:82";

/** Folders that are made: those that the controller or nginx writes to, and the one that a link lies in. */
const FOLDERS: readonly string[] = [
    "etc/ingress-controller/auth",
    "etc/ingress-controller/geoip",
    "etc/ingress-controller/ssl",
    "etc/ingress-controller/telemetry",
    "tmp/nginx",
    "usr/local/lib",
    "var/lib/nginx",
    "var/log/nginx",
];

/** Links, and where they lead. */
const LINKS: Readonly<Record<string, string>> = {
    // The controller's logs are the container's.
    "var/log/nginx/access.log": "/dev/stdout",
    "var/log/nginx/error.log": "/dev/stderr",
    // Where the chart's LD_PRELOAD looks for it.
    "usr/local/lib/libmimalloc.so": "/usr/lib/x86_64-linux-gnu/libmimalloc.so.2",
};

/** What is archived. Not the folders above: extracted, they would take the owner of the same ones in the root file system. */
const ARCHIVED: readonly string[] = [
    "etc/ingress-controller",
    "etc/nginx/lua",
    "etc/nginx/nginx.conf",
    "etc/nginx/template",
    "tmp/nginx",
    "usr/local/lib/libmimalloc.so",
    "var/lib/nginx",
    "var/log/nginx",
];

/** What the template asks of nginx, and what it gets from Debian's 1.22 without the Lua module for streams. */
const SUBSTITUTIONS: readonly (readonly [RegExp, string])[] = [
    // Lua and headers-more are dynamic modules here.
    [/^pid {{ \.PID }};$/m, "include /etc/nginx/modules-enabled/*.conf;\n$&"],
    // nginx 1.25.1 brought this directive. Before, HTTP/2 is an option of `listen`, and one server has it for all of a port.
    [/^ +http2 on;$/m, ""],
    // TCP and UDP services are refused. The controller sends them, even when there are none, to a port from which it reads
    // nothing: an HTTP server takes that too, and does not reset the connection before all is sent.
    [
        /^}\n\nstream {\n[^]*?^}$/m,
        `    {{ if $cfg.UseHTTP2 }}
    server {
        listen {{ .ListenPorts.HTTPS }} ssl http2;
        server_name http2.invalid;
        return 404;
    }
    {{ end }}

    server {
        listen 127.0.0.1:{{ .StreamPort }};
        lingering_close always;
        access_log off;
        return 204;
    }
}

{{ if or .TCPBackends .UDPBackends }}
tcp_and_udp_services_are_not_supported_by_this_image;
{{ end }}`,
    ],
];

/** An archive of the image's other files: those of the controller's Go module, fitted to Debian, and our Lua modules. */
export async function ingressNginxFiles(): Promise<string> {
    const root = join(CACHE, "ingress-nginx-files");
    const nginx = join(root, "etc", "nginx");
    rmSync(root, { recursive: true, force: true });
    cpSync(join(await moduleSource("ingress-nginx"), "rootfs", "etc", "nginx"), nginx, { recursive: true });
    // Files of the module cache are read-only.
    await run(["chmod", "-R", "u+w", root]);
    cpSync(LUA, join(nginx, "lua"), { recursive: true });
    const template = join(nginx, "template", "nginx.tmpl");
    writeFileSync(template, fitToDebian(readFileSync(template, "utf8")));
    for (const path of FOLDERS) {
        mkdirSync(join(root, path), { recursive: true });
    }
    for (const [path, target] of Object.entries(LINKS)) {
        symlinkSync(target, join(root, path));
    }
    const [user, group] = USER.split(":");
    const archive = `${root}.tar`;
    await run(["tar", "-C", root, `--owner=${user}`, `--group=${group}`, "-cf", archive, ...ARCHIVED]);
    return archive;
}

function fitToDebian(template: string): string {
    return SUBSTITUTIONS.reduce((text, [pattern, replacement]) => {
        if (!pattern.test(text)) {
            throw new UserError(
                `nginx.tmpl: nothing in it matches ${String(pattern)}; fit local/images/ingressNginx.ts to it.`,
            );
        }
        return text.replace(pattern, replacement);
    }, template);
}
