/** Runs the contracts' tests; arguments go to forge. In continuous integration the profile is longer. */
import { run } from './binary.mjs'

process.exitCode = run('forge', ['test', ...process.argv.slice(2)], {
  env: { FOUNDRY_PROFILE: process.env.CI ? 'ci' : 'default', ...process.env },
})
