import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Unwrap } from "@pulumi/pulumi";
import { StackOutputs } from "../stacks/outputs";

/** The outputs of a stack, as `pulumi stack output --json` prints them. */
export type Outputs = Unwrap<StackOutputs>;

/** The shell script that checks the way in from the HPC side, with a stack's address and CA in it; it holds no secret. */
export function outsideScript({ apiServerUrl, apiServerHost, apiServerPort, caCertificate }: Outputs): string {
    const values = { url: apiServerUrl, host: apiServerHost, port: String(apiServerPort), ca: caCertificate.trim() };
    return Object.entries(values).reduce(
        (script, [name, value]) => script.replace(`'@${name}@'`, () => `'${value}'`),
        readFileSync(join(__dirname, "outside.sh"), "utf8"),
    );
}
