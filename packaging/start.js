// What an installed program begins with: TAB is answered from a table, everything else by the bundle, whose compiled form is kept.
import { readFileSync } from 'node:fs'
import { enableCompileCache } from 'node:module'
import { namesIn } from 'pontage:names'

const asked = process.argv.indexOf('--get-yargs-completions')
if (asked > 0) for (const word of completed(process.argv.slice(asked + 2))) console.log(word)
else {
  const folder = cacheFolder()
  if (folder !== undefined) enableCompileCache(folder)
  await import(`${import.meta.dirname}/main.js`)
}

/** What can follow, by the table that was made with the package; zsh shows what each word means, too. */
function completed(words) {
  const { SHELL = '', ZSH_NAME = '' } = process.env
  const table = JSON.parse(readFileSync(`${import.meta.dirname}/completions.json`, 'utf8'))
  const shown = SHELL.includes('zsh') || ZSH_NAME.includes('zsh') ? (line) => line : wordOf
  const typed = words.slice(0, -1)
  const current = words.at(-1) ?? ''
  let path = ''
  for (const word of typed)
    if (Object.hasOwn(table, `${path} ${word}`.trim())) path = `${path} ${word}`.trim()
  const { commands, flags, choices } = table[path]
  const chosen = choices[typed.at(-1)]
  if (chosen !== undefined) return chosen.map(shown)
  if (current.startsWith('-')) return flags.filter((flag) => !typed.includes(wordOf(flag))).map(shown)
  return namesIn(path, typed)?.filter((name) => name.startsWith(current)) ?? commands.map(shown)
}

function wordOf(line) {
  return line.split(':')[0]
}

/** Where only who runs this may write: root does not run what a user has compiled. Services start too seldom to need it. */
function cacheFolder() {
  const uid = process.getuid()
  if (uid === 0) return '/var/cache/pontage'
  const { XDG_CACHE_HOME, HOME } = process.env
  const above = XDG_CACHE_HOME ?? (HOME === undefined ? undefined : `${HOME}/.cache`)
  return uid < 1_000 || above === undefined ? undefined : `${above}/pontage`
}
