import { formatBytes } from '@pontage/shared'
import { inTokens, onChain, printJson, printLines } from '@pontage/shared/node'
import type { StoredReceipt } from '../../core/journalEntry.js'
import { readJournal } from '../../io/home/journal.js'
import { command, printLine, type Settings, withSettings } from './settings.js'

export const historyCommand = command<Settings & { json: boolean; csv: boolean }>({
  command: 'history',
  describe: 'List every session of this machine with its signed receipt, oldest first',
  builder: (yargs) =>
    withSettings(yargs).option('csv', {
      type: 'boolean',
      default: false,
      describe: 'Print CSV, with amounts in the smallest unit',
    }),
  async handler(argv) {
    const sessions = (await readJournal(argv.home)).receipts().map(sessionOf)
    if (argv.json) return printJson({ sessions })
    if (argv.csv) return printLines(columns.join(','), ...sessions.map(csvLine))
    if (sessions.length === 0) return printLine('There is no session yet.')
    // Only people are shown the token's own name: all else needs no chain.
    await onChain(argv, async (chain) => {
      for (const each of sessions)
        printLine(
          `${each.session}  ${each.endedAt.slice(0, 16).replace('T', ' ')}  ${each.provider}  ${formatBytes(BigInt(each.bytes))} in ${each.seconds} s (${(each.throughputKbps / 1_000).toFixed(1)} Mbit/s)  ${inTokens(chain, each.spent)}  ${each.score === 0 ? 'not rated' : `rated ${each.score} of 5`}  ended: ${each.reason}`,
        )
    })
  },
})

const columns = [
  ...['session', 'endedAt', 'provider', 'channelId', 'downBytes', 'upBytes', 'bytes', 'seconds'],
  ...['throughputKbps', 'promises', 'spent', 'amount', 'score', 'reason', 'signature'],
] as const

const sessionOf = ({ sessionEndedAt, ...receipt }: StoredReceipt, index: number) => ({
  ...receipt,
  session: index + 1,
  /** When the session ended; `signedAt` is the time in the signed receipt, later where it was rated since. */
  endedAt: new Date((sessionEndedAt ?? receipt.endedAt) * 1_000).toISOString(),
  signedAt: receipt.endedAt,
})

/** No value holds a comma or a quote: numbers, hexadecimal, times, and reasons of one word. */
const csvLine = (session: ReturnType<typeof sessionOf>): string =>
  columns.map((column) => String(session[column])).join(',')
