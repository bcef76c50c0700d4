// Files that the command names are run alone; without any, all unit tests are.
const named = process.argv.slice(2).some((argument) => /^(\.\/)?test\//.test(argument));

module.exports = {
    // `npm run typecheck` checks the types.
    require: "ts-node/register/transpile-only",
    timeout: 20000,
    parallel: true,
    jobs: 2,
    ...(named ? {} : { spec: "test/unit/**/*.test.ts" }),
};
