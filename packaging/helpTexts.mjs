/**
 * Asks a built program for the help of everything it knows, in one process, and prints one object: the words of each
 * command with its text.
 *
 *   node packaging/helpTexts.mjs consumer/dist/main.js pontage
 */
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'

const [main = '', name = ''] = process.argv.slice(2)
const said = {}
let text = ''
console.log = (...words) => {
  text += `${words.join(' ')}\n`
}
let asked = 0

async function ask(...words) {
  process.argv = [process.execPath, name, ...words, '--help']
  text = ''
  asked++
  await import(`${pathToFileURL(resolve(main))}?${asked}`)
  said[words.join(' ')] = text
  const own = new RegExp(`^  ${[name, ...words].join(' ')} ([a-z][a-z-]*)`, 'gm')
  for (const [, command = ''] of text.split('\nOptions:')[0].matchAll(own))
    if (command !== 'completion') await ask(...words, command)
}

await ask()
process.stdout.write(JSON.stringify(said))
