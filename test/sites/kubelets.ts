import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { podman, runEngine } from "../../local/cluster/engine";
import { applyManifest, attemptKubectl, kubectl } from "../../local/cluster/kubectl";
import { run, until } from "../../local/machine/shell";

const SIGNER = "kubernetes.io/kubelet-serving";
const MANIFEST = "/etc/kubernetes/manifests/kube-apiserver.yaml";
const FLAG = "--kubelet-certificate-authority=/etc/kubernetes/pki/ca.crt";

/** Approves what the kubelets of a cluster's nodes ask to be signed, as a site's own approver does; returns when all have asked. */
export async function approveKubelets(count: number): Promise<void> {
    const template = `{{range .items}}{{if not .status.conditions}}{{.metadata.name}} {{.spec.username}}{{"\\n"}}{{end}}{{end}}`;
    const requests = ["get", "csr", `--field-selector=spec.signerName=${SIGNER}`, "-o", `go-template=${template}`];
    const approved = new Set<string>();
    await until("the kubelets' requests", 900, async () => {
        const { stdout } = await attemptKubectl(...requests);
        for (const [, name = "", user = ""] of stdout.matchAll(/^(\S+) (system:node:\S+)$/gm)) {
            await kubectl("certificate", "approve", name);
            approved.add(user);
        }
        return approved.size >= count;
    });
}

/** Makes the API server verify kubelets, and returns when it is back. */
export async function verifyKubelets(): Promise<void> {
    const edit = ["sed", "-i", `s|- kube-apiserver$|&\\n    - ${FLAG}|`, MANIFEST];
    await runEngine(podman(), ["exec", "interlink-control-plane", ...edit]);
    const pod = ["get", "pods", "--namespace=kube-system", "--selector=component=kube-apiserver", "-o", "yaml"];
    await until("the API server with its flag", 180, async () => {
        const { stdout } = await attemptKubectl(...pod);
        return stdout.includes(FLAG) && stdout.includes("ready: true");
    });
}

/** Asks for a certificate as the virtual kubelet of a later version does, and returns who signed it. */
export async function askAsVirtualKubelet(nodeName: string, namespace: string): Promise<string> {
    const folder = mkdtempSync(join(tmpdir(), "interlink-csr-"));
    try {
        const file = join(folder, "request");
        const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", join(folder, "key")];
        const names = ["-subj", `/O=system:nodes/CN=system:node:${nodeName}`, "-addext", "subjectAltName=IP:192.0.2.1"];
        await run(["openssl", "req", "-new", ...key, ...names, "-out", file]);
        const request = {
            apiVersion: "certificates.k8s.io/v1",
            kind: "CertificateSigningRequest",
            metadata: { name: "as-the-virtual-kubelet" },
            spec: {
                request: readFileSync(file).toString("base64"),
                signerName: SIGNER,
                usages: ["digital signature", "server auth"],
            },
        };
        await applyManifest(JSON.stringify(request), `--as=system:serviceaccount:${namespace}:${nodeName}`);
        const path = "jsonpath={.status.certificate}";
        let certificate = "";
        await until("the certificate", 60, async () => {
            certificate = await kubectl("get", "csr", request.metadata.name, "-o", path);
            return certificate !== "";
        });
        const input = Buffer.from(certificate, "base64").toString();
        return (await run(["openssl", "x509", "-noout", "-issuer"], { input })).trim();
    } finally {
        rmSync(folder, { recursive: true });
    }
}
