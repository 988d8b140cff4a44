import { type ExecFileException, execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { helpOf } from './programHelp.js'
import { readContract } from './world/jsonContract.js'

// Every command that a program says it knows keeps to docs/json.md, in a home where nothing is.

const root = fileURLToPath(new URL('..', import.meta.url))
let home = ''
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'pontage-json-'))
})
afterAll(() => rm(home, { recursive: true }))

/** A group of commands does nothing itself, and a script for completion is no report. */
const isLeaf = (command: string, all: ReadonlySet<string>): boolean =>
  command !== '' && command !== 'completion' && ![...all].some((each) => each.startsWith(`${command} `))

function run(program: string, args: readonly string[]) {
  const env = { PATH: process.env.PATH, HOME: home }
  const file = join(root, 'node_modules', '.bin', program)
  return new Promise<{ code: number; stdout: string; stderr: string }>((resolve) =>
    execFile(file, [...args], { env }, (error: ExecFileException | null, stdout, stderr) =>
      resolve({ code: error ? Number(error.code) : 0, stdout, stderr }),
    ),
  )
}

describe.each(['pontage', 'pontage-provider', 'pontage-hub'])('%s', (program) => {
  const known = helpOf(root, program)
  const commands = [...known.keys()].filter((command) => isLeaf(command, new Set(known.keys())))

  it.each(commands)('%s --json prints one object, whatever comes of it', async (command) => {
    expect(known.get(command)?.flags.has('json')).toBe(true)
    const words = [...command.split(' '), '--json', '--home', home, '--rpc', 'http://127.0.0.1:1']
    const rpcless = known.get(command)?.flags.has('rpc') ? words : words.slice(0, -2)
    const { code, stdout, stderr } = await run(program, rpcless)
    const said = readContract(stdout, false)
    expect(stderr).not.toMatch(/\n\s+at /)
    if (code === 0) return expect(said).not.toHaveProperty('error')
    if ('ok' in said) return expect(said.ok).toBe(false)
    expect(said).toEqual({
      error: { code: expect.stringMatching(/^[a-z]+(-[a-z]+)*$/), message: expect.any(String), cure: cure() },
    })
    expect(said).not.toMatchObject({ error: { code: 'fault' } })
  })

  it('says in the object what is wrong with a command line', async () => {
    const { code, stdout } = await run(program, ['sttus', '--json'])
    expect(code).toBe(2)
    expect(readContract(stdout, false)).toMatchObject({
      error: { code: 'usage', message: expect.stringContaining('status'), cure: `See ${program} --help.` },
    })
  })
})

/** What to do, or nothing. */
const cure = () => expect.toSatisfy((value: unknown) => value === null || typeof value === 'string')
