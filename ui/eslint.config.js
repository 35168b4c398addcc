import js from "@eslint/js";
import jsxA11y from "eslint-plugin-jsx-a11y";
import reactHooks from "eslint-plugin-react-hooks";
import tseslint from "typescript-eslint";

/**
 * Direction of imports: app → pages → widgets → {kit, api, text}. A page never imports a page.
 * Folders are written as `../<folder>/…`, so a pattern on the path is enough.
 */
function boundary(folder, forbidden, message) {
  return {
    files: [`src/${folder}/**/*.{ts,tsx}`],
    rules: {
      "no-restricted-imports": [
        "error",
        { patterns: [{ regex: `^(\\.\\./)+(${forbidden.join("|")})(/|$)`, message }] },
      ],
    },
  };
}

const oneWay = "Imports go app → pages → widgets → {kit, api, text}.";

export default tseslint.config(
  { ignores: ["dist", "node_modules", "*.config.js"] },
  js.configs.recommended,
  ...tseslint.configs.strictTypeChecked,
  jsxA11y.flatConfigs.strict,
  reactHooks.configs.flat.recommended,
  {
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true }],
      "@typescript-eslint/no-confusing-void-expression": ["error", { ignoreArrowShorthand: true }],
      "@typescript-eslint/no-misused-promises": ["error", { checksVoidReturn: { attributes: false } }],
      "max-lines": ["error", { max: 400 }],
      // `?.`, `??` and JSX conditions count as branches here, so the figure is higher than in Python.
      complexity: ["error", 16],
      // A region that scrolls must be reachable by keyboard (axe: scrollable-region-focusable).
      "jsx-a11y/no-noninteractive-tabindex": ["error", { roles: ["region"], tags: [] }],
    },
  },
  {
    files: ["src/**/*.{ts,tsx}"],
    ignores: ["src/api/**"],
    rules: {
      "no-restricted-globals": [
        "error",
        ...["fetch", "WebSocket", "EventSource", "XMLHttpRequest"].map((name) => ({
          name,
          message: "Only src/api speaks to the server.",
        })),
      ],
    },
  },
  boundary("pages", ["app", "pages"], oneWay),
  boundary("widgets", ["app", "pages"], oneWay),
  boundary("kit", ["app", "pages", "widgets", "api", "text"], oneWay),
  boundary("api", ["app", "pages", "widgets", "kit", "text"], oneWay),
  boundary("text", ["app", "pages", "widgets", "kit", "api"], oneWay),
);
