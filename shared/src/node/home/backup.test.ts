import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { backUp, confirmWords } from './backup.js'
import { makeHome } from './homeFolder.js'
import { keyFromMnemonic, newMnemonic } from './keystore.js'

let folder = ''
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pontage-backup-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

const words = 'test test test test test test test test test test test junk'

/** Somebody at a terminal who types these lines. */
function typing(...lines: string[]) {
  const said: string[] = []
  const positions = [0, 11]
  return {
    said,
    terminal: {
      say: (text: string) => void said.push(text),
      ask: async (question: string) => {
        said.push(question)
        return lines.shift() ?? ''
      },
      choose: () => positions.shift() ?? 0,
    },
  }
}

describe('the words of a key', () => {
  it('give the key that every wallet gives', () => {
    const first = '0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80'
    expect(keyFromMnemonic(`  ${words.toUpperCase()}\n`)).toBe(first)
    expect(newMnemonic().split(' ')).toHaveLength(12)
    expect(newMnemonic()).not.toBe(newMnemonic())
    expect(() => keyFromMnemonic('not words at all')).toThrow(/12 to 24 words/)
  })

  it('are shown once, asked for, and taken off the screen', async () => {
    const { said, terminal } = typing('', 'test', 'wrong', ' Junk ')
    await confirmWords(words, terminal)
    expect(said.join('')).toMatch(/ 12 junk/)
    expect(said.slice(2).join('')).not.toMatch(/junk/)
    expect(said[2]).toBe('\u001b[8A\u001b[J')
    expect(said.filter((text) => text === 'Word 12: ')).toHaveLength(2)
  })

  it('that cannot be given back make no key', async () => {
    await expect(confirmWords(words, typing('', 'a', 'b', 'c').terminal)).rejects.toThrow(
      /Nothing was created/,
    )
  })

  it('go into a new file where that was asked for, never over an old one', async () => {
    const backupFile = join(folder, 'words')
    const options = { backupFile, backup: true, isTerminal: false }
    expect(await backUp(words, options)).toBe(true)
    expect(await readFile(backupFile, 'utf8')).toBe(`${words}\n`)
    expect((await stat(backupFile)).mode & 0o777).toBe(0o600)
    await expect(backUp(words, options)).rejects.toThrow(/already exists/)
    expect(await backUp(words, { ...options, backupFile: undefined })).toBe(false)
  })

  it('bring the same identity back', async () => {
    const kept = join(folder, 'words')
    const password = join(folder, 'password')
    const make = (home: string, importMnemonicFile: string | undefined) =>
      makeHome({
        ...{ program: 'pontage', home: join(folder, home), passwordFile: password, importKeyFile: undefined },
        ...{ importMnemonicFile, flags: {}, given: {} },
        backUp: async (phrase) =>
          void (await backUp(phrase, { backupFile: kept, backup: true, isTerminal: false })),
      })
    await writeFile(password, 'secret\n', { mode: 0o600 })
    const made = await make('first', undefined)
    expect((await make('second', kept)).address).toBe(made.address)
  })
})
