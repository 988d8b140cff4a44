import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { repository } from '../world/index.js'

// The figures are for people ("npm run -s memory:pages -w test"); here it is only seen that nothing in the pages fails meanwhile,
// and that a list of 1,000 sessions is scrolled to its last row.

it('measures the pages without a fault in them', () => {
  const command = join(repository, 'test', 'pages', 'memory.mjs')
  const printed = execFileSync(process.execPath, [command, '500'], { encoding: 'utf8' })
  expect(printed).toMatch(
    /consumer: 500 updates: .*\nprovider: .*\n1000 sessions, .*\nan empty page as long: /,
  )
})
