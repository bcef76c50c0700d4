/**
 * Which room of the project may import which; a unit test says so. A room's key is a regular expression for the paths of its
 * files, and every room may import itself. Types count like values.
 */
const ROOMS = {
    "versions\\.ts$": [],
    "components/parts/": ["versions\\.ts$"],
    "components/(?!parts/)": ["versions\\.ts$", "components/parts/"],
    "settings/": ["versions\\.ts$", "components/"],
    "stacks/": ["versions\\.ts$", "components/", "settings/"],
    "checks/": ["components/parts/", "stacks/outputs\\.ts$"],
    "doctor/": ["components/parts/", "settings/", "stacks/", "checks/", "outputs\\.ts$"],
    "index\\.ts$": ["versions\\.ts$", "components/", "settings/", "stacks/", "checks/"],
    "package/": ["versions\\.ts$", "components/", "settings/", "stacks/", "outputs\\.ts$"],
    // For other stacks.
    "outputs\\.ts$": ["stacks/outputs\\.ts$"],
    "examples/": ["components/parts/kubeconfig\\.ts$", "outputs\\.ts$", "commands/causes\\.ts$"],
    "policy/": ["components/parts/"],
    "commands/": [],
    "site/": [],
    "local/machine/": [],
    "local/toolchain/": ["local/machine/"],
    "local/images/": ["local/(machine|toolchain)/"],
    "local/cluster/": ["local/(machine|toolchain|images)/"],
    "local/hpc/": ["local/(machine|toolchain|images|cluster)/"],
    "local/stacks/(?!site/)": [
        "local/(machine|toolchain|images|cluster|hpc)/",
        "stacks/outputs\\.ts$",
        "commands/causes\\.ts$",
    ],
    // A program of its own for what a site has beside ours.
    "local/stacks/site/": ["local/(machine|toolchain)/", "components/"],
    "local/verify/": ["local/(machine|toolchain|images|cluster|hpc|stacks)/", "doctor/script\\.ts$"],
    "local/main\\.ts$": ["local/"],
    "bench/": ["local/(machine|toolchain|images|cluster|stacks)/"],
    "test/unit/(?!local/|bench/|support/)": ["(?!local/|bench/)"],
    // The table of versions says what the local cluster runs.
    "test/unit/support/": ["(?!local/)", "local/toolchain/"],
    "test/(unit/(local|bench)|e2e|sites|trust)/": [""],
    "test/run\\.ts$": ["local/toolchain/"],
};

const anyOf = (paths) => `^(${paths.join("|")})`;

/** @type {import("dependency-cruiser").IConfiguration} */
export default {
    forbidden: [
        ...Object.entries(ROOMS).map(([room, mayImport]) => ({
            name: `${room} imports only what lies below it`,
            severity: "error",
            from: { path: anyOf([room]) },
            to: { dependencyTypes: ["local"], pathNot: anyOf([room, ...mayImport]) },
        })),
        {
            name: "every file is in a room",
            severity: "error",
            from: { pathNot: anyOf(Object.keys(ROOMS)) },
            to: { dependencyTypes: ["local"] },
        },
        {
            name: "no circles",
            severity: "error",
            from: {},
            to: { circular: true },
        },
        {
            name: "no component imports another",
            severity: "error",
            from: { path: "^components/(?!parts/)([^/]+)/" },
            to: { path: "^components/", pathNot: "^components/(parts|$1)/" },
        },
        {
            name: "a component is its index.ts to everybody but tests",
            severity: "error",
            from: { pathNot: "^(components|test)/" },
            to: { path: "^components/(?!parts/)", pathNot: "/index\\.ts$" },
        },
    ],
    options: {
        doNotFollow: "node_modules",
        exclude: "(^|/)(node_modules|\\.)|^(site/)?dist/",
        tsPreCompilationDeps: true,
    },
};
