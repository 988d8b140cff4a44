import { readFile, stat } from 'node:fs/promises'
import { isMap, parseDocument } from 'yaml'
import { configurationPath } from '../program/configuration.js'
import { writeFileDurably } from './durableFile.js'

type Remembered = string | number | boolean | readonly string[]

/**
 * Writes settings into a home's configuration, where later commands find them. Comments and everything else there stay;
 * what stands there as a comment with its default is taken in its place.
 *
 * @param settings - By name; undefined takes a setting out.
 */
export async function rememberSettings(
  home: string,
  settings: Readonly<Record<string, Remembered | undefined>>,
): Promise<void> {
  const path = configurationPath(home)
  const before = await readFile(path, 'utf8').catch(() => '')
  const after = Object.entries(settings).reduce(
    (text, [name, value]) => withSetting(text, name, value),
    before,
  )
  if (after === before) return
  // What root writes, the commands of the home's owner go on with.
  const owner = process.getuid?.() === 0 ? await stat(home) : undefined
  await writeFileDurably(path, after, undefined, owner)
}

/** The text of a configuration with one setting changed. */
export function withSetting(text: string, name: string, value: Remembered | undefined): string {
  const document = parseDocument(text, { schema: 'failsafe' })
  const comment = new RegExp(`^# ${name}:.*$`, 'm')
  const stands = document.has(name)
  if (value === undefined) {
    if (!stands) return text
    document.delete(name)
    // An empty map would be written as one that no line can follow.
    return isMap(document.contents) && document.contents.items.length === 0
      ? text.replace(/^[^#\n].*\n?/gm, '')
      : document.toString({ lineWidth: 0 })
  }
  if (stands || (isMap(document.contents) && document.contents.flow)) {
    document.set(name, document.createNode(Array.isArray(value) ? value.map(String) : `${value}`))
    return document.toString({ lineWidth: 0 })
  }
  const line = `${name}: ${JSON.stringify(value)}`
  if (comment.test(text)) return text.replace(comment, () => line)
  return `${text}${text === '' || text.endsWith('\n') ? '' : '\n'}${line}\n`
}
