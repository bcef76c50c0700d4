import { parseArgs } from "node:util";
import { outputFaults } from "../outputs";
import { examination } from ".";
import { table, Terminal } from "./report";
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

/**
 * Runs the doctor with arguments of a command line; returns the exit status, 1 where a link is broken.
 * @throws Error with one sentence, for the user
 */
export async function doctor(args: string[], out: Terminal): Promise<number> {
    const { values } = parseArgs({ args, options: OPTIONS });
    const { stack, json, script, help } = values;
    if (help || stack === undefined) {
        out.write(`${USAGE}\n`);
        return help ? 0 : 1;
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
        const faults = outputFaults(stack, { ...outputs });
        if (faults.length > 0) {
            throw new Error(faults.join("\n"));
        }
        out.write(outsideScript(outputs));
        return 0;
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
    const all = await table(names, findings, json ? silent : out);
    if (json) {
        out.write(`${JSON.stringify(all, undefined, 2)}\n`);
    }
    return all.some(({ state }) => state === "broken") ? 1 : 0;
}
