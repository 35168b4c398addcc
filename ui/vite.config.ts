import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

// The server sends `default-src 'self'`: nothing may be inlined as a data: address.
export default defineConfig({
  plugins: [react()],
  build: { outDir: "dist", assetsInlineLimit: 0, target: "es2023", sourcemap: false },
  test: { environment: "node", include: ["tests/**/*.test.ts"] },
});
