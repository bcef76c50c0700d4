import { join } from "node:path";
import { PolicyPack } from "@pulumi/policy";
import { policies } from "./rules";

// A pack takes its version from the package.json of the working directory; the project's own serves.
process.chdir(join(__dirname, ".."));

new PolicyPack("interlink-kube-api", { policies, enforcementLevel: "mandatory" });
