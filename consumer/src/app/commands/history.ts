import { bytes, countOf, formatBytes, type TokenNames, wei } from '@pontage/shared'
import {
  inTokens,
  onChain,
  printJson,
  printLines,
  readToken,
  UserError,
  wholeNumber,
} from '@pontage/shared/node'
import type { StoredReceipt } from '../../core/journalEntry.js'
import { inWords } from '../../core/leaving.js'
import { readJournal } from '../../io/home/journal.js'
import { endingOf } from '../connect/endings.js'
import { command, printLine, type Settings, withSettings } from './settings.js'

export const historyCommand = command<Settings & { csv: boolean; last?: number; total: boolean }>({
  command: 'history',
  describe: 'List every session of this machine with its signed receipt, oldest first',
  builder: (yargs) =>
    withSettings(yargs)
      .option('csv', {
        type: 'boolean',
        default: false,
        describe: 'Print CSV, with amounts in the smallest unit',
      })
      .option('last', {
        type: 'number',
        requiresArg: true,
        describe: 'Only this many of the newest sessions',
      })
      .option('total', { type: 'boolean', default: false, describe: 'Only what they come to together' }),
  async handler(argv) {
    if (argv.json && argv.csv) throw new UserError('Give either --json or --csv, not both.')
    const all = (await readJournal(argv.home)).receipts().map(sessionOf)
    const count = argv.last === undefined ? all.length : wholeNumber('--last', argv.last, 1)
    const sessions = all.slice(Math.max(0, all.length - count))
    const total = totalOf(sessions)
    if (argv.json) return printJson({ ...(argv.total ? {} : { sessions }), total })
    if (argv.csv && argv.total)
      throw new UserError('--total is one line for people, or JSON: leave out --csv.')
    if (argv.csv) return printLines(...csvLines(sessions, readToken(argv.home)))
    if (sessions.length === 0) return printLine('There is no session yet.')
    // Only people are shown the token's own name: all else needs no chain.
    await onChain(argv, async (chain) => {
      for (const each of argv.total ? [] : sessions)
        printLine(
          `${each.session}  ${each.endedAt.slice(0, 16).replace('T', ' ')}  ${each.provider}  ${formatBytes(BigInt(each.bytes))} in ${each.seconds} s (${(each.throughputKbps / 1_000).toFixed(1)} Mbit/s)  ${inTokens(chain, each.spent)}  ${each.score === 0 ? 'not rated' : `rated ${each.score} of 5`}  ended: ${endingOf(each.reason)}`,
        )
      const { bytes, seconds, spent } = total
      printLine(
        `${countOf(total.sessions, 'session')}: ${formatBytes(bytes)} in ${inWords(seconds)}, ${inTokens(chain, spent)}`,
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

/** What sessions come to together. */
const totalOf = (sessions: readonly Session[]) => ({
  sessions: sessions.length,
  bytes: bytes(sessions.reduce((sum, each) => sum + BigInt(each.bytes), 0n)),
  seconds: sessions.reduce((sum, { seconds }) => sum + seconds, 0),
  spent: wei(sessions.reduce((sum, { spent }) => sum + spent, 0n)),
})

/** No value holds a comma or a quote: numbers, hexadecimal, times, and reasons of one word. */
const csvLines = (sessions: readonly Session[], token: TokenNames | undefined): string[] => [
  [...columns, 'token', 'decimals'].join(','),
  ...sessions.map((session) =>
    [...columns.map((column) => session[column]), token?.symbol ?? '', token?.decimals ?? ''].join(','),
  ),
]

type Session = ReturnType<typeof sessionOf>
