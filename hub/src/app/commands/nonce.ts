import {
  type ChainOptions,
  type CommonOptions,
  chainFlags,
  fillNonce,
  firstNonce,
  jsonFlag,
  type KeyOptions,
  keyFlags,
  keystoreAddress,
  onChain,
  printJson,
  printLines,
  UserError,
  unlock,
} from '@pontage/shared/node'
import type { CommandModule } from 'yargs'
import { hasLedger, type LedgerOptions, ledgerFlags, withLedger } from './openLedger.js'

type Options = ChainOptions & LedgerOptions & KeyOptions & { action: string; json: boolean }

/** Shows which transaction the chain waits for, and replaces one that another program with this key left there. */
export const nonce: CommandModule<CommonOptions, Options> = {
  command: 'nonce [action]',
  describe: 'Show the transaction that the others wait for; fill replaces one that this hub did not send',
  builder: {
    ...chainFlags,
    ...ledgerFlags,
    ...keyFlags,
    ...jsonFlag,
    action: { choices: ['show', 'fill'], default: 'show', describe: 'What to do' },
  },
  handler: (options) =>
    onChain(options, async (chain) => {
      const account = await keystoreAddress(options.home)
      const first = await firstNonce(chain, account)
      const own = hasLedger(options) ? await withLedger(options, (ledger) => ledger.outbox.open()) : []
      const isOwn = own.some((entry) => entry.state === 'sent' && entry.nonce === first.nonce)
      const state = !first.waits && !isOwn ? 'free' : isOwn ? 'own' : 'foreign'
      if (options.action === 'show') {
        if (options.json) return printJson({ account, nonce: first.nonce, state })
        return printLines(`Nonce ${first.nonce} of ${account}: ${says[state]}`)
      }
      if (state !== 'foreign')
        throw new UserError(`Nonce ${first.nonce} of ${account} needs no filling: ${says[state]}`)
      const transaction = await fillNonce(chain, await unlock(options), first.nonce)
      if (options.json) return printJson({ account, nonce: first.nonce, transaction: transaction ?? null })
      printLines(
        transaction
          ? `Nonce ${first.nonce} is spent on a transaction without effect (${transaction}). Later ones go on by themselves.`
          : `Nonce ${first.nonce} was in a block before it could be replaced. Later ones go on by themselves.`,
      )
    }),
}

const says = {
  free: 'nothing waits with it; the next transaction takes it.',
  own: 'the hub sent what waits with it, and offers more by itself until a block takes it.',
  foreign:
    'what waits with it was not sent by this hub, and all later transactions wait for it. pontage-hub nonce fill replaces it by one without effect.',
} as const
