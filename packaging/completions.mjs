/**
 * Asks a built program what can follow each of its commands, in one process, and prints one object: by the words of a command, its
 * `commands` and its `flags`, each as WORD:WHAT IT IS, and the `choices` of flags.
 *
 *   node packaging/completions.mjs consumer/dist/main.js pontage
 */
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'

const [main = '', name = ''] = process.argv.slice(2)
process.env.SHELL = '/bin/zsh'
let said = []
console.log = (line) => said.push(line)
let asked = 0

async function answerTo(...words) {
  process.argv = [process.execPath, name, ...words]
  said = []
  asked++
  await import(`${pathToFileURL(resolve(main))}?${asked}`)
  return said
}

const after = (...words) => answerTo('--get-yargs-completions', name, ...words)
const wordOf = (line) => line.split(':')[0]

/** Flags that take one of a few words, as their help says. */
async function flagsWithChoices(path) {
  const text = (await answerTo(...path, '--help')).join('\n')
  const options = text.split(/\n(?=\s+(?:-\w, )?--[a-z])/)
  return options.filter((each) => each.includes('[choices:')).map((each) => /--[a-z-]+/.exec(each)?.[0] ?? '')
}

const table = {}
async function describe(...path) {
  const [commands, flags] = [await after(...path, ''), await after(...path, '-')]
  const choices = {}
  for (const flag of await flagsWithChoices(path)) choices[flag] = await after(...path, flag, '')
  table[path.join(' ')] = { commands, flags, choices }
  const below = commands.map(wordOf).filter((word) => /^[a-z]/.test(word) && word !== 'completion')
  if (path.length < 2) for (const word of below) if (!path.includes(word)) await describe(...path, word)
}

await describe()
process.stdout.write(JSON.stringify(table))
