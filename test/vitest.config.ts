import { defineConfig } from 'vitest/config'

/** End-to-end tests: the built programs in a world of their own, so they run inside `scripts/world`. */
export default defineConfig({
  test: {
    root: import.meta.dirname,
    include: ['{e2e,long}/*.test.ts'],
    // Each file makes a world; two at once would only wait for each other's processor time.
    fileParallelism: false,
    testTimeout: 300_000,
    hookTimeout: 300_000,
  },
})
