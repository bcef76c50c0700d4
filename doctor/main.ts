/** `npm run doctor`: says which link between a job and the Kubernetes API is broken, and what to do. */
import { doctor } from "./command";

void doctor(process.argv.slice(2), process.stdout)
    .catch((error: unknown) => {
        console.error(error instanceof Error ? error.message : error);
        return 1;
    })
    // Whoever was asked may still hold a connection open.
    .then((status) => process.exit(status));
