import {
  askControl,
  asPrinted,
  type ChainOptions,
  chainFlags,
  controlPath,
  type KeyOptions,
  keyFlags,
  uiCommand,
  wordOf,
} from '@pontage/shared/node'
import { type LedgerOptions, ledgerFlags } from './openLedger.js'

/** What a page reads at a time: a second’s work of a slow machine. */
const maxChannels = 2_000

export const ui = uiCommand<ChainOptions & KeyOptions & LedgerOptions>({
  environment: 'PONTAGE_HUB',
  from: import.meta.url,
  describe:
    'Show pages for a browser on this machine: pool, what is owed, channels, providers, chain, deadlines, fees',
  flags: { ...chainFlags, ...ledgerFlags, ...keyFlags },
  live: async ({ home }) => {
    const running = await askControl<object>(controlPath(home), { type: 'status' })
    return asPrinted({ running: running !== undefined, ...running })
  },
  reads: {
    status: ['status'],
    channels: ['channels', `--limit=${maxChannels}`],
    urgent: ['channels', '--urgent', `--limit=${maxChannels}`],
    providers: ['providers', '--limit=1000'],
    earningsByDay: ['earnings', '--by=day'],
    earningsByProvider: ['earnings', '--by=provider'],
    doctor: ['doctor'],
    settings: ['config'],
  },
  deeds: {
    fund: (fields) => ['pool', 'fund', wordOf(fields, 'amount')],
    draw: () => ['draw', '--now'],
  },
})
