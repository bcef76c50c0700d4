/** `npm run doctor`: says which link between a job and the Kubernetes API is broken, and what to do. */
import { parseArgs } from "node:util";
import { examination } from ".";
import { table } from "./report";
import { outsideScript } from "./script";
import { readStack } from "./stack";

const USAGE = `npm run --silent doctor -- --stack NAME [options]

Asks, of a stack that is up, every link between a job and the Kubernetes API, and changes nothing. The exit status is 1 where a
link is broken.

  --stack NAME                   the stack
  --config-file FILE             its settings; default Pulumi.NAME.yaml
  --service-account NS/NAME      as whom the way in is asked; default default/default
  --silence SECONDS              how long a watch is silent; default 10
  --json                         the findings as JSON
  --script                       instead of all that: a shell script that asks from the HPC side`;

const OPTIONS = {
    stack: { type: "string" },
    "config-file": { type: "string" },
    "service-account": { type: "string", default: "default/default" },
    silence: { type: "string", default: "10" },
    json: { type: "boolean", default: false },
    script: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
} as const;

async function main(): Promise<void> {
    const { values } = parseArgs({ options: OPTIONS });
    const { stack, json, script, help } = values;
    if (help || stack === undefined) {
        (help ? console.log : console.error)(USAGE);
        process.exitCode = help ? 0 : 1;
        return;
    }
    const [namespace = "", name = "", ...rest] = values["service-account"].split("/");
    if (namespace === "" || name === "" || rest.length > 0) {
        throw new Error(`--service-account: "${values["service-account"]}" is not allowed; give NAMESPACE/NAME.`);
    }
    if (!/^[1-9]\d{0,3}$/.test(values.silence)) {
        throw new Error(`--silence: "${values.silence}" is not allowed; give seconds, from 1 to 9999.`);
    }
    const { settings, outputs } = await readStack(stack, values["config-file"]);
    if (script) {
        process.stdout.write(outsideScript(outputs));
        return;
    }
    const account = { namespace, name };
    const { names, findings } = examination({
        stack,
        settings,
        outputs,
        account,
        silenceSeconds: Number(values.silence),
    });
    const silent = { write: () => true };
    const all = await table(names, findings, json ? silent : process.stdout);
    if (json) {
        console.log(JSON.stringify(all, undefined, 2));
    }
    process.exitCode = all.some(({ state }) => state === "broken") ? 1 : 0;
}

main()
    .catch((error: unknown) => {
        console.error(error instanceof Error ? error.message : error);
        process.exitCode = 1;
    })
    // Whoever was asked may still hold a connection open.
    .finally(() => setImmediate(() => process.exit()));
