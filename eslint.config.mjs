import eslint from "@eslint/js";
import tseslint from "typescript-eslint";

export default tseslint.config(
    { ignores: ["node_modules/", "dist/", "local/images/charts/"] },
    {
        files: ["**/*.ts"],
        // With those for promises: none is forgotten, none stands where a condition or a callback without one is due.
        extends: [eslint.configs.recommended, ...tseslint.configs.recommendedTypeChecked],
        languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
        rules: {
            eqeqeq: "error",
            "@typescript-eslint/no-deprecated": "error",
            "@typescript-eslint/prefer-readonly": "error",
            "@typescript-eslint/return-await": "error",
            "@typescript-eslint/switch-exhaustiveness-check": "error",
            "@typescript-eslint/use-unknown-in-catch-callback-variable": "error",
        },
    },
    // A constructor reads as a list of steps, and a component's file at one sitting.
    { files: ["components/**/*.ts"], rules: { "max-lines": ["error", 250] } },
    { files: ["components/*/index.ts"], rules: { "max-lines-per-function": ["error", 60] } },
);
