import { join } from 'node:path'
import { defineConfig } from 'vitest/config'

/** Stories on a whole machine; they run inside `scripts/world`, one after the other. */
export default defineConfig({
  test: {
    root: join(import.meta.dirname, '..'),
    include: ['machine/stories/*.test.ts'],
    fileParallelism: false,
    testTimeout: 900_000,
    hookTimeout: 900_000,
  },
})
