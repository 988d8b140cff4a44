import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'

const root = fileURLToPath(new URL('../..', import.meta.url))

interface Played {
  readonly violations: readonly unknown[]
  readonly digest: string
}

/** Plays a seed in a process of its own: what it finds there is virtual. */
function played(seed: string, cast: 'players' | 'programs', program = process.execPath): Played {
  const steps = cast === 'players' ? '120' : '40'
  const options = ['test/dist/sim/main.js', '--seed', seed, '--steps', steps, '--cast', cast, '--json']
  const { stdout, stderr } = spawnSync(program, options, { cwd: root, encoding: 'utf8' })
  if (!stdout.startsWith('{')) throw new Error(`The simulation did not run: ${stderr}`)
  return JSON.parse(stdout)
}

const folders = (major: number) => join(root, 'scripts/node', String(major), 'node_modules')
const otherNode = (major: number): string | undefined =>
  (existsSync(folders(major)) ? readdirSync(folders(major)) : [])
    .map((name) => join(folders(major), name, 'bin/node'))
    .find((path) => existsSync(path))

describe.each(['players', 'programs'] as const)('a world from one seed, with %s', (cast) => {
  const first = played('7', cast)

  it('breaks no rule', () => expect(first.violations).toEqual([]))

  it('is the same world again, byte for byte', () => expect(played('7', cast).digest).toBe(first.digest))

  it('is another world with another seed', () => expect(played('8', cast).digest).not.toBe(first.digest))

  it.skipIf(![22, 24].every(otherNode))('is the same world on Node 22 and 24', () => {
    for (const major of [22, 24]) expect(played('7', cast, otherNode(major) ?? '').digest).toBe(first.digest)
  })
})

const mutants = new URL('./mutants/', import.meta.url)

it.each(readdirSync(mutants))('the fault of %s can still be put back', (name) => {
  const patch = readFileSync(new URL(name, mutants), 'utf8')
  const input = patch.slice(patch.indexOf('diff --git'))
  const { stderr } = spawnSync('git', ['apply', '--check', '--recount', '-'], {
    cwd: root,
    input,
    encoding: 'utf8',
  })
  expect(stderr).toBe('')
})
