import { nonceCommand } from '@pontage/shared/node'
import { hasLedger, type LedgerOptions, ledgerFlags, withLedger } from './openLedger.js'

/** Shows which transaction the chain waits for, and replaces one that another program with this key left there. */
export const nonce = nonceCommand<LedgerOptions>({
  program: 'pontage-hub',
  flags: ledgerFlags,
  open: async (options) => (hasLedger(options) ? withLedger(options, ({ outbox }) => outbox.open()) : []),
})
