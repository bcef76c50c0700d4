/**
 * Runs pulumi with the arguments given, passes on what it prints, and where it fails ends with the causes: Pulumi itself ends with
 * what merely follows from them.
 */
import { spawn } from "node:child_process";
import { causesOf } from "./causes";

const child = spawn("pulumi", process.argv.slice(2), { stdio: ["inherit", "pipe", "inherit"] });
let printed = "";
child.stdout.on("data", (chunk: Buffer) => {
    printed += chunk.toString();
    process.stdout.write(chunk);
});
// The terminal sends them to Pulumi too, which ends the update in order.
for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.on(signal, () => child.kill(signal));
}
child.on("error", ({ message }) => {
    console.log(`pulumi could not be run: ${message}`);
    process.exitCode = 127;
});
child.on("close", (code) => {
    const causes = code === 0 ? [] : causesOf(printed);
    if (causes.length > 0) {
        console.log(["The cause:", ...causes].join("\n"));
    }
    process.exitCode ??= code ?? 128;
});
