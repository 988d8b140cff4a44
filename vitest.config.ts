import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

const from = (path: string) => fileURLToPath(new URL(path, import.meta.url))

/** Unit tests run on the sources; end-to-end tests run the built programs. */
export default defineConfig({
  resolve: {
    alias: [
      { find: /^@pontage\/shared\/node$/, replacement: from('shared/src/node/index.ts') },
      { find: /^@pontage\/shared$/, replacement: from('shared/src/index.ts') },
      { find: /^@pontage\/channel-contracts$/, replacement: from('channel-contracts/ts/index.ts') },
    ],
  },
  test: {
    include: [
      '{shared,hub,provider,consumer}/src/**/*.test.ts',
      '{shared,hub,provider,consumer}/pages/**/*.test.ts',
      'hub/bench/*.test.ts',
      'test/{,world/}*.test.ts',
      'test/{differential,sim}/*.test.ts',
    ],
    // Many tests wait for a node or a database, so every processor gets a file (the default leaves one out).
    maxWorkers: '100%',
    // A busy machine is no fault: tests wait for conditions, and this only ends those that wait in vain.
    testTimeout: 300_000,
    hookTimeout: 300_000,
  },
})
