import { once } from "node:events";
import * as http from "node:http";
import * as https from "node:https";
import { buffer } from "node:stream/consumers";
import * as tls from "node:tls";
import {
    ApiType,
    Configuration,
    createConfiguration,
    KubeConfig,
    RequestContext,
    ResponseContext,
    SelfDecodingBody,
    ServerConfiguration,
    wrapHttpLibrary,
} from "@kubernetes/client-node";
import { urlHost } from "../components/parts/arguments";

/** How long an answer may take that the client library waits for. */
const ANSWER_TIMEOUT_MS = 60_000;

/** What makes the connections through a proxy. */
interface ProxyAgent {
    createConnection(options: { readonly host?: string }, done: unknown): unknown;
}

/** What the client library does not make of a kubeconfig by itself. */
export interface ClientArgs {
    /** Name or address that the API server's certificate has to hold. */
    readonly serverName: string;
    /** Proxy on the way to it; undefined where there is none. */
    readonly proxy: string | undefined;
    /** The kubeconfig's user. */
    readonly user: Readonly<Record<string, unknown>>;
}

/**
 * The client library's view of a kubeconfig, whose requests and streams all go out in one way: through the kubeconfig's proxy of
 * either kind, with the API server verified by its own name or address, and as whom the user acts. The library itself has two
 * ways, of which each lacks a part of that.
 */
export class Client extends KubeConfig {
    constructor(private readonly args: ClientArgs) {
        super();
    }

    /** The agent, certificates and credentials of a request or stream. */
    override async applyToHTTPSOptions(options: https.RequestOptions): Promise<void> {
        await super.applyToHTTPSOptions(options);
        const { proxy, serverName, user } = this.args;
        options.headers = { ...(options.headers as http.OutgoingHttpHeaders | undefined), ...impersonation(user) };
        // The proxies' agents forget an address where the certificate is checked.
        options.checkServerIdentity = (_, certificate) => tls.checkServerIdentity(serverName, certificate);
        if (proxy?.startsWith("http")) {
            writeBrackets(options.agent as unknown as ProxyAgent);
        }
    }

    /** A client of one of the API's groups. */
    override makeApiClient<Api extends ApiType>(type: new (config: Configuration) => Api): Api {
        const server = this.getCurrentCluster()?.server ?? "";
        return new type(
            createConfiguration({
                baseServer: new ServerConfiguration(server, {}),
                httpApi: wrapHttpLibrary({ send: (request) => this.send(request) }),
            }),
        );
    }

    private async send(request: RequestContext): Promise<ResponseContext> {
        const options: https.RequestOptions = {};
        await this.applyToHTTPSOptions(options);
        const url = request.getUrl();
        const sent = (url.startsWith("http:") ? http : https).request(url, {
            ...options,
            method: request.getHttpMethod(),
            headers: { ...request.getHeaders(), ...(options.headers as http.OutgoingHttpHeaders) },
            signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS),
        });
        sent.end(request.getBody());
        const [response] = (await once(sent, "response")) as [http.IncomingMessage];
        const { statusCode = 0, headers } = response;
        const body = await buffer(response);
        const texts = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)]));
        return new ResponseContext(statusCode, texts, new SelfDecodingBody(Promise.resolve(body)));
    }
}

/** The headers by which a user acts as another one, with that one's groups. */
function impersonation(user: Readonly<Record<string, unknown>>): http.OutgoingHttpHeaders {
    const {
        as,
        "as-uid": uid,
        "as-groups": groups,
        "as-user-extra": extra,
    } = user as {
        readonly as?: string;
        readonly "as-uid"?: string;
        readonly "as-groups"?: string[] | null;
        readonly "as-user-extra"?: Readonly<Record<string, string[]>> | null;
    };
    const more = Object.entries(extra ?? {});
    return {
        ...(as && { "Impersonate-User": as }),
        ...(uid && { "Impersonate-Uid": uid }),
        ...(groups && { "Impersonate-Group": groups }),
        ...Object.fromEntries(more.map(([key, values]) => [`Impersonate-Extra-${encodeURIComponent(key)}`, values])),
    };
}

/** Has an agent ask its proxy for an IPv6 address in brackets; by itself it writes the address as it is given. */
function writeBrackets(agent: ProxyAgent): void {
    // The library keeps its agents.
    if (!Object.hasOwn(agent, "createConnection")) {
        const connect = agent.createConnection.bind(agent);
        agent.createConnection = (options, done) => {
            return connect({ ...options, host: urlHost(options.host ?? "") }, done);
        };
    }
}
