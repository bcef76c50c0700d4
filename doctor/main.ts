/** `npm run doctor`: says which link between a job and the Kubernetes API is broken, and what to do. */
import { doctor } from "./command";

doctor(process.argv.slice(2), process.stdout)
    .catch((error: Error) => {
        console.error(error.message);
        return 1;
    })
    // Whoever was asked may still hold a connection open.
    .then((status) => process.exit(status));
