import { execFileSync } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { bundle } from '../../packaging/bundle.mjs'
import { put } from '../../packaging/programTree.mjs'
import { median } from './median.mjs'

/**
 * How long the consumer's program takes to start where it is installed: to answer TAB, and to do anything else.
 *
 * @param {number} runs
 * @returns {Promise<{ completionMs: number, startMs: number }>} medians.
 */
export async function starts(runs) {
  const folder = await mkdtemp(join(tmpdir(), 'pontage-starts-'))
  try {
    await bundle(['consumer'], folder, { platforms: [`linux-${process.arch}`] })
    put(join(folder, 'package.json'), '{"type":"module","version":"0"}')
    const timed = (...words) => {
      const began = performance.now()
      execFileSync(process.execPath, [join(folder, 'consumer', 'start.js'), ...words])
      return performance.now() - began
    }
    // The first one compiles.
    timed('--version')
    const all = (...words) => median(Array.from({ length: runs }, () => timed(...words)))
    return {
      completionMs: all('--get-yargs-completions', 'pontage', 'connect', ''),
      startMs: all('--version'),
    }
  } finally {
    await rm(folder, { recursive: true })
  }
}
