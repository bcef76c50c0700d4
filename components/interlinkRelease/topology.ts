import * as pulumi from "@pulumi/pulumi";
import { InterlinkTls } from "./tls";

/** InterLink's "edge node": its API server on the far side, as the virtual kubelet reaches it. */
export interface EdgeApi {
    /** URL without the port, such as https://10.1.2.3. */
    readonly address: pulumi.Input<string>;
    /** TCP port. */
    readonly port: pulumi.Input<number>;
    /**
     * How the virtual kubelet verifies it.
     * @default by the roots of its image
     */
    readonly tls?: InterlinkTls;
}

/** InterLink's "in-cluster": its API server and the plugin are containers in the virtual kubelet's pod. */
export interface InClusterApi {
    /** Image of the API server. */
    readonly image: pulumi.Input<string>;
    /** The plugin. */
    readonly plugin: {
        /** Its image. */
        readonly image: pulumi.Input<string>;
        /**
         * Text of its plugin.yaml; it has to listen on port 4000 or, with sockets, on /var/run/plugin.sock.
         * @default none, where the image or the chart's values say it all
         */
        readonly config?: pulumi.Input<string>;
    };
    /** Whether the containers speak over Unix sockets instead of ports of the pod's localhost. */
    readonly sockets: boolean;
}

/** The chart's values for where InterLink's API server and the plugin are. */
export function topologyValues(api: EdgeApi | InClusterApi) {
    if (!("plugin" in api)) {
        return { interlink: { enabled: false, address: api.address, port: api.port }, others: {} };
    }
    // In this mode the API server listens where the virtual kubelet looks for it.
    const listens = (name: string, port: number) =>
        api.sockets ? { socket: `unix:///var/run/${name}.sock` } : { address: "http://localhost", port };
    return {
        interlink: { enabled: true, image: api.image, ...listens("interlink", 3000) },
        others: { plugin: { enabled: true, ...api.plugin, ...listens("plugin", 4000) } },
    };
}
