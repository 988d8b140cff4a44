import {
  asPrinted,
  controlPath,
  optionalFlags,
  requiredFlags,
  textOf,
  uiCommand,
  wordOf,
} from '@pontage/shared/node'
import { askStatus } from '../connect/status.js'
import { controlFlag } from './connection.js'
import { lendingsNow } from './lending/place.js'
import { type Settings, settings } from './settings.js'

export const ui = uiCommand<Settings & { control?: string }>({
  environment: 'PONTAGE_CONSUMER',
  from: import.meta.url,
  describe:
    'Show pages for a browser on this machine: connect, see what flows and what it costs, channels, history',
  flags: { ...settings, ...controlFlag },
  live: async ({ home, control = controlPath(home) }) => {
    const [now, lendings] = await Promise.all([
      askStatus(home, control),
      lendingsNow({ home }).catch(() => []),
    ])
    return asPrinted({ ...now, lendings })
  },
  reads: {
    account: ['account'],
    channels: ['channel', 'status'],
    doctor: ['doctor'],
    history: ['history'],
    providers: ['providers', '--limit=1000'],
    invitations: ['invitation', 'list'],
    settings: ['config'],
  },
  deeds: {
    connect: (fields) => [
      'connect',
      ...('provider' in fields ? [wordOf(fields, 'provider')] : []),
      '--background',
      ...optionalFlags(fields, 'cap', 'budget'),
    ],
    disconnect: () => ['disconnect'],
    openChannel: (fields) => ['channel', 'open', '--yes', ...requiredFlags(fields, 'hub', 'amount')],
    topUp: (fields) => ['channel', 'top-up', ...requiredFlags(fields, 'channel', 'amount')],
    closeChannel: (fields) => ['channel', 'close', '--yes', ...requiredFlags(fields, 'channel')],
    // A link is as good as an invitation: it is in no list of processes.
    showInvitation: (fields) => ({ words: ['invitation', 'show'], input: textOf(fields, 'link') }),
    keepInvitation: (fields) => ({ words: ['invitation', 'add'], input: textOf(fields, 'link') }),
    lend: (fields) => [
      'lend',
      ...('provider' in fields ? [wordOf(fields, 'provider')] : []),
      '--background',
      ...requiredFlags(fields, 'name'),
      ...optionalFlags(fields, 'budget', 'cap', 'rate'),
    ],
    // With a private key: not for whoever may only look.
    showLending: (fields) => ['lend', 'show', wordOf(fields, 'name')],
    stopLending: (fields) => ['lend', 'stop', wordOf(fields, 'name')],
    forgetInvitation: (fields) => ['invitation', 'remove', wordOf(fields, 'provider')],
    exitChannel: (fields) => ['channel', 'exit', ...requiredFlags(fields, 'channel')],
  },
})
