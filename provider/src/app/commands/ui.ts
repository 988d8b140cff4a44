import {
  askControl,
  asPrinted,
  type ChainOptions,
  chainFlags,
  controlPath,
  type KeyOptions,
  keyFlags,
  optionalFlags,
  uiCommand,
  wordOf,
} from '@pontage/shared/node'
import { isRetiring } from '../retirement/retiring.js'

export const ui = uiCommand<ChainOptions & KeyOptions>({
  environment: 'PONTAGE_PROVIDER',
  from: import.meta.url,
  describe:
    'Show pages for a browser on this machine: what is earned, sessions, hubs, price, limits, retirement',
  flags: { ...chainFlags, ...keyFlags },
  live: async ({ home }) => {
    const running = await askControl<object>(controlPath(home), { type: 'status' })
    return asPrinted({ running: running !== undefined, retiring: await isRetiring(home), ...running })
  },
  reads: {
    status: ['status'],
    earningsByDay: ['earnings', '--by=day'],
    earningsByHub: ['earnings', '--by=hub'],
    offer: ['offer', 'show'],
    doctor: ['doctor'],
    settings: ['config'],
  },
  deeds: {
    kick: (fields) => ['kick', wordOf(fields, 'who')],
    limit: (fields) => ['limit', ...optionalFlags(fields, 'total', 'session')],
    redeem: () => ['redeem', '--now'],
    price: (fields) => ['price', wordOf(fields, 'price'), ...optionalFlags(fields, 'hourly')],
    withdraw: () => ['offer', 'withdraw'],
    retire: (fields) => ['retire', '--yes', ...(fields.now === true ? ['--now'] : [])],
    cancelRetire: () => ['retire', '--cancel'],
  },
})
