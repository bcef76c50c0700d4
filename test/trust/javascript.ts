/** What the JavaScript client does at the API server that its kubeconfig names: prints what it got as JSON. */
import { PassThrough } from "node:stream";
import { text } from "node:stream/consumers";
import { CoreV1Api, Exec, KubeConfig, Log, Watch } from "@kubernetes/client-node";

const [, , namespace = "", pod = ""] = process.argv;

async function main(): Promise<void> {
    const config = new KubeConfig();
    config.loadFromString(process.env.KUBECONFIG_TEXT ?? "");
    const api = config.makeApiClient(CoreV1Api);

    const names: string[] = [];
    let next: string | undefined;
    do {
        const page = await api.listNamespacedConfigMap({ namespace, limit: 1, _continue: next });
        names.push(...page.items.map(({ metadata }) => metadata?.name ?? ""));
        next = page.metadata?._continue || undefined;
    } while (next !== undefined);

    const path = `/api/v1/namespaces/${namespace}/configmaps`;
    const watched = await new Promise<string>((resolve, reject) => {
        const query = { fieldSelector: "metadata.name=small" };
        new Watch(config).watch(path, query, (phase) => resolve(phase), reject).catch(reject);
    });

    const output = new PassThrough();
    const said = text(output);
    const command = ["echo", "there and back"];
    await new Promise<void>((resolve, reject) => {
        const ended = () => resolve(void output.end());
        new Exec(config).exec(namespace, pod, "shell", command, output, null, null, false, ended).catch(reject);
    });

    const lines = new PassThrough();
    const logged = new Promise<number>((resolve) => lines.once("data", (chunk: Buffer) => resolve(chunk.length)));
    await new Log(config).log(namespace, pod, "shell", lines, { follow: true });

    console.log(JSON.stringify({ names, watched, said: await said, logged: (await logged) > 0 }));
    process.exit();
}

void main();
