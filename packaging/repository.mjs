import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The checkout. */
export const root = fileURLToPath(new URL('..', import.meta.url)).replace(/\/$/, '')

export const version = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).version

/** Seconds of the last commit: every time that stands in a package is this one, so that the same commit makes the same bytes. */
export const sourceDate = Number(
  process.env.SOURCE_DATE_EPOCH ??
    execFileSync('git', ['-C', root, 'log', '-1', '--format=%ct'], { encoding: 'utf8' }).trim(),
)
