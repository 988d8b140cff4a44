import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { median } from './median.mjs'

/**
 * How long the consumer's program takes to start: to answer TAB, and to do anything else.
 *
 * @param {string} folder - Where the programs are installed.
 * @param {number} runs
 * @returns {{ completionMs: number, startMs: number }} medians.
 */
export function starts(folder, runs) {
  const timed = (...words) => {
    const began = performance.now()
    execFileSync(join(folder, 'bin', 'pontage'), words)
    return performance.now() - began
  }
  // The first one compiles.
  timed('--version')
  const all = (...words) => median(Array.from({ length: runs }, () => timed(...words)))
  return {
    completionMs: all('--get-yargs-completions', 'pontage', 'connect', ''),
    startMs: all('--version'),
  }
}
