import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { Program } from './program.js'

const folder = mkdtempSync(join(tmpdir(), 'pontage-program-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const start = (command: readonly string[], cwd = folder) =>
  Program.start('the program', command, {
    logBase: join(folder, 'log'),
    env: { PATH: process.env.PATH },
    cwd,
  })

const waits: [string, (program: Program) => Promise<unknown>][] = [
  ['a line', (program) => program.line(/ready/)],
  ['a condition', (program) => program.when(() => false, 'anything')],
  ['the end', (program) => program.succeeded()],
]

it.each(waits)(
  'fails at once, and names what was not found, when it waits for %s',
  async (_, wait) => {
    const program = start(['no-such-tool', '--flag'])
    await expect(wait(program)).rejects.toThrow(/the program could not start: spawn no-such-tool ENOENT/)
    expect(program.running).toBe(false)
    // Whoever asks later is told as well.
    await expect(wait(program)).rejects.toThrow(/could not start/)
  },
  5_000,
)

it('fails at once where its folder is missing', async () => {
  const program = start(['true'], join(folder, 'missing'))
  await expect(program.line(/ready/)).rejects.toThrow(/the program could not start/)
}, 5_000)

it('can be stopped though it never started', async () => {
  const program = start(['no-such-tool'])
  expect(await program.stop()).toEqual({ code: null, signal: null })
}, 5_000)

it('waits for a line, and for the end', async () => {
  const program = start(['sh', '-c', 'echo ready 7; echo done'])
  expect((await program.line(/ready (\d)/))[1]).toBe('7')
  expect(await program.succeeded()).toBe('ready 7\ndone')
})

it('says how a program ended that ends before its line', async () => {
  const program = start(['sh', '-c', 'echo broken >&2; exit 3'])
  await expect(program.line(/ready/)).rejects.toThrow(/ended \(3\) before a line like \/ready\/:\nbroken/)
})
