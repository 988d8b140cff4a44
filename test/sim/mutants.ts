import { spawnSync } from 'node:child_process'
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import ts from 'typescript'

/** Puts known faults back, one by one, and looks how soon the simulation finds each. */
const root = fileURLToPath(new URL('../../..', import.meta.url))
const workspaces = ['shared', 'hub', 'provider', 'consumer', 'channel-contracts', 'test']

interface Found {
  readonly name: string
  readonly seed?: string
  readonly rule?: string
  readonly what?: string
  /** Of one core, until it was found or given up. */
  readonly seconds: number
}

const { values } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    /** Seconds of processor time for each. */
    budget: { type: 'string', default: '600' },
    seed: { type: 'string', default: '1' },
    only: { type: 'string', multiple: true },
  },
})

/** A tree of built programs in which files can be replaced, that shares all packages with this one. */
function copyTree(): string {
  const copy = mkdtempSync(join(tmpdir(), 'pontage-mutants-'))
  for (const workspace of workspaces) {
    mkdirSync(join(copy, workspace))
    cpSync(join(root, workspace, 'package.json'), join(copy, workspace, 'package.json'))
    const built = workspace === 'test' ? 'dist/sim' : 'dist'
    cpSync(join(root, workspace, built), join(copy, workspace, built), { recursive: true })
  }
  const packages = join(copy, 'node_modules')
  mkdirSync(join(packages, '@pontage'), { recursive: true })
  for (const name of readdirSync(join(root, 'node_modules')))
    if (name !== '@pontage' && !name.startsWith('.'))
      symlinkSync(join(root, 'node_modules', name), join(packages, name))
  for (const workspace of workspaces)
    symlinkSync(join(copy, workspace), join(packages, '@pontage', workspace))
  return copy
}

/** Replaces the built file of what a patch changes. @returns Puts it back */
function plant(copy: string, patch: string): () => void {
  const path = /^\+\+\+ b\/(.+)$/m.exec(patch)?.[1]
  if (path === undefined) throw new Error('The patch names no file.')
  const source = join(copy, path)
  mkdirSync(dirname(source), { recursive: true })
  cpSync(join(root, path), source)
  const applied = spawnSync('git', ['apply', '--recount', '-p1', '-'], {
    cwd: copy,
    input: patch.slice(patch.indexOf('diff --git')),
  })
  if (applied.status !== 0) throw new Error(`The patch of ${path} does not apply: ${applied.stderr}`)
  const built = source.replace('/src/', '/dist/').replace(/\.ts$/, '.js')
  const before = readFileSync(built)
  const compilerOptions = {
    target: ts.ScriptTarget.ES2022,
    module: ts.ModuleKind.ESNext,
    verbatimModuleSyntax: true,
  }
  writeFileSync(built, ts.transpileModule(readFileSync(source, 'utf8'), { compilerOptions }).outputText)
  return () => writeFileSync(built, before)
}

/** Where a fault of provider or consumer is run at all; a hub is hunted by players, who are many times as fast. */
const castFor = (patch: string): string =>
  /^\+\+\+ b\/(provider|consumer)\//m.test(patch) ? 'programs' : 'players'

function hunt(copy: string, name: string, cast: string): Found {
  const main = join(copy, 'test/dist/sim/main.js')
  const { budget, seed } = values
  const options = ['--json', '--first', '--budget', budget, '--seed', seed, '--cast', cast]
  const { stdout, stderr, status, signal } = spawnSync(process.execPath, [main, ...options], {
    encoding: 'utf8',
    maxBuffer: 1e9,
  })
  const last = stdout.trim().split('\n').at(-1) ?? ''
  if (!last.startsWith('{') || status === null || status > 1)
    throw new Error(`${name} did not run to the end (${signal ?? status}): ${stderr.slice(-2_000)}`)
  const { seed: found, violations, spent } = JSON.parse(last)
  const [violation] = violations
  return violation ? { name, seed: found, ...violation, seconds: spent } : { name, seconds: spent }
}

const folder = join(root, 'test/sim/mutants')
const names = readdirSync(folder)
  .filter((file) => file.endsWith('.patch'))
  .map((file) => file.replace('.patch', ''))
  .filter((name) => values.only === undefined || values.only.includes(name))
const copy = copyTree()
const all: Found[] = []
try {
  for (const name of names) {
    const patch = readFileSync(join(folder, `${name}.patch`), 'utf8')
    const putBack = plant(copy, patch)
    const found = hunt(copy, name, castFor(patch))
    putBack()
    all.push(found)
    const { seed, rule, seconds } = found
    process.stderr.write(
      `${name}: ${seed === undefined ? 'missed' : `seed ${seed}, ${rule}`}, ${seconds.toFixed(0)} s\n`,
    )
  }
} finally {
  rmSync(copy, { recursive: true })
}
const caught = all.filter(({ seed }) => seed !== undefined)
const times = caught.map(({ seconds }) => seconds).sort((a, b) => a - b)
const summary = {
  planted: all.length,
  caught: caught.length,
  missed: all.filter(({ seed }) => seed === undefined).map(({ name }) => name),
  medianSeconds: Math.round(times[Math.floor(times.length / 2)] ?? 0),
}
process.stdout.write(
  `${JSON.stringify(values.json ? summary : { ...summary, all }, undefined, values.json ? undefined : 2)}\n`,
)
