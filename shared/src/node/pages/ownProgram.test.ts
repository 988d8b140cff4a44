import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createOwnProgram } from './ownProgram.js'

let folder: string
let program: string
let runs: string

// It notes that it began, waits for a file where it is told to, and prints an object.
const script = `
import { appendFileSync, existsSync } from 'node:fs'
const [word, path] = process.argv.slice(2)
appendFileSync(process.env.RUNS, word + '\\n')
let input = ''
if (word === 'listen') for await (const chunk of process.stdin) input += chunk
if (word === 'hang') { process.on('SIGTERM', () => process.exit(3)); setInterval(() => {}, 1000); await new Promise(() => {}) }
if (word === 'number') console.log('5')
else {
  while (path?.startsWith('/') && !existsSync(path)) await new Promise((resolve) => setTimeout(resolve, 5))
  console.log('for people'); console.log(JSON.stringify({ word, input, json: process.argv.at(-1) }))
}
`

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pontage-own-'))
  program = join(folder, 'program.mjs')
  runs = join(folder, 'runs')
  await writeFile(program, script)
})
afterAll(() => rm(folder, { recursive: true }))

const limits = { reads: 2, acts: 2, readWithinMs: 60_000, actWithinMs: 60_000 }
async function own(given: Partial<typeof limits> = {}) {
  await writeFile(runs, '')
  return createOwnProgram({ RUNS: runs }, { ...limits, ...given }, program)
}
const begun = async () => (await readFile(runs, 'utf8')).split('\n').filter((line) => line !== '')
async function untilBegun(count: number): Promise<void> {
  while ((await begun()).length < count) await new Promise((resolve) => setTimeout(resolve, 5))
}

describe('commands of the own program', () => {
  it('give the object that they print, and hear what they are to read', async () => {
    const { read, act } = await own()
    expect(await read(['status'])).toMatchObject({ word: 'status', json: '--json' })
    expect(await act({ words: ['listen'], input: 'pontage:abc' })).toMatchObject({ input: 'pontage:abc' })
    await expect(read(['number'])).rejects.toThrow('"number" ended with 0 and printed no JSON object.')
  })

  it('run once for all who ask the same meanwhile, and few at a time', async () => {
    const { read } = await own()
    const go = join(folder, 'go')
    const same = Array.from({ length: 20 }, () => read(['one', go]))
    const others = ['two', 'three', 'four'].map((word) => read([word, go]))
    await untilBegun(2)
    expect(await begun()).toHaveLength(2)
    await writeFile(go, '')
    await Promise.all([...same, ...others])
    expect((await begun()).toSorted()).toEqual(['four', 'one', 'three', 'two'])
  })

  it('are asked again by who comes after something was done', async () => {
    const { read, act } = await own()
    const later = join(folder, 'later')
    const before = read(['status', later])
    await untilBegun(1)
    await act({ words: ['pay'] })
    const after = read(['status', later])
    await untilBegun(3)
    await writeFile(later, '')
    await Promise.all([before, after])
    expect((await begun()).toSorted()).toEqual(['pay', 'status', 'status'])
  })

  it('are ended where they hang, and the next one runs', async () => {
    const { read } = await own({ reads: 1, readWithinMs: 3_000 })
    const hung = read(['hang'])
    const next = read(['next'])
    await expect(hung).rejects.toThrow('"hang" was not done within 3 s, and was ended. Try again.')
    expect(await next).toMatchObject({ word: 'next' })
  })

  it('do no more than a few things at once', async () => {
    const { act } = await own()
    const done = join(folder, 'done')
    const both = [act({ words: ['a', done] }), act({ words: ['b', done] })]
    await expect(act({ words: ['c', done] })).rejects.toThrow('2 things are being done already.')
    await writeFile(done, '')
    await Promise.all(both)
    expect(await act({ words: ['c'] })).toMatchObject({ word: 'c' })
  })
})
