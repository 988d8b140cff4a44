import { defineConfig } from 'vitest/config'

/** Long trials, run when asked for: as the end-to-end tests, inside `scripts/world`. */
export default defineConfig({
  test: {
    root: import.meta.dirname,
    include: ['trials/**/*.test.ts'],
    fileParallelism: false,
    testTimeout: 120_000,
    hookTimeout: 300_000,
  },
})
