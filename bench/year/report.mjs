import { waits, whole } from './commands.mjs'
import { limits, noise } from './size.mjs'

const number = (ms) => ms.toLocaleString('en-US')

/** The report as tables of the README's kind. */
export const tableOf = (report) =>
  Object.entries(report)
    .map(([name, { commandsMs, pagesMs, startMs }]) => {
      const rows = [
        ['start until ready', startMs, limits.startMs],
        ...Object.entries(commandsMs).map(([words, ms]) => [`\`${words}\``, ms, limitOf(name, words)]),
        ...Object.entries(pagesMs).map(([page, ms]) => [`page ${page}`, ms, limitOfPage(name, page)]),
      ].map(([what, ms, limit]) => `| ${what} | ${number(ms)} ms${ms > limit ? ', over' : ''} |`)
      return `\n| ${name}, after a year | |\n| --- | --- |\n${rows.join('\n')}\n`
    })
    .join('')

/** What is over its limit by more than noise, a line each. */
export function overLimits(report) {
  return Object.entries(report).flatMap(([name, { commandsMs, pagesMs, startMs }]) => [
    ...brokenOf(name, 'command', commandsMs, (words) => limitOf(name, words)),
    ...brokenOf(name, 'page', pagesMs, (page) => limitOfPage(name, page)),
    ...brokenOf(name, 'start', { 'until ready': startMs }, () => limits.startMs),
  ])
}

const limitOf = (name, words) =>
  whole[name].includes(words) ? Number.POSITIVE_INFINITY : limits.commandMs + (waits[name][words] ?? 0)
const limitOfPage = (name, page) => limits.pageMs + (waits[name][page.replace(/^ui /, '')] ?? 0)

const brokenOf = (name, kind, took, limit) =>
  Object.entries(took)
    .filter(([what, ms]) => ms > limit(what) * noise)
    .map(([what, ms]) => `${name}, ${kind} ${what}: ${number(ms)} ms of ${number(limit(what))} ms`)
