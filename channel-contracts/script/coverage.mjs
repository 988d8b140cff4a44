/** Measures which lines and branches of the contracts the tests reach, and fails below 98 % and 95 %. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { run } from './binary.mjs'

const least = { lines: 98, branches: 95 }
const folder = mkdtempSync(join(tmpdir(), 'pontage-coverage-'))
try {
  const report = join(folder, 'lcov.info')
  const args = [
    'coverage',
    '--report',
    'lcov',
    '--report-file',
    report,
    '--no-match-path',
    'test/invariants/*',
  ]
  const code = run('forge', args, { stdio: ['ignore', 'ignore', 'inherit'] })
  if (code !== 0) process.exit(code)
  const reached = sum(readFileSync(report, 'utf8'))
  const lines = percent(reached.LH, reached.LF)
  const branches = percent(reached.BRH, reached.BRF)
  console.log(
    `lines ${lines} % (${reached.LH}/${reached.LF}), branches ${branches} % (${reached.BRH}/${reached.BRF})`,
  )
  if (lines < least.lines || branches < least.branches) {
    console.error(
      `Expected at least ${least.lines} % of lines and ${least.branches} % of branches. Add tests.`,
    )
    process.exitCode = 1
  }
} finally {
  rmSync(folder, { recursive: true })
}

/** Totals over the files in src/; interfaces and the test token have no rules to test. */
function sum(lcov) {
  const totals = { LH: 0, LF: 0, BRH: 0, BRF: 0 }
  for (const record of lcov.split('end_of_record')) {
    const file = /^SF:(.*)$/m.exec(record)?.[1] ?? ''
    if (!file.startsWith('src/') || file.includes('TestToken')) continue
    for (const key of Object.keys(totals)) {
      totals[key] += Number(new RegExp(`^${key}:(\\d+)$`, 'm').exec(record)?.[1] ?? 0)
    }
  }
  return totals
}

function percent(reached, all) {
  return all === 0 ? 100 : Math.floor((10_000 * reached) / all) / 100
}
