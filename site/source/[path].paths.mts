import { sources } from "../pages";

export default {
    paths: () => sources().map(({ path, content }) => ({ params: { path }, content })),
};
