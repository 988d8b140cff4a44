import type { CommandModule, Options as YargsOptions } from 'yargs'
import { keystoreAddress } from '../home/homeFolder.js'
import {
  type ChainOptions,
  chainFlags,
  type KeyOptions,
  keyFlags,
  onChain,
  unlock,
} from '../home/settings.js'
import type { CommonOptions } from '../program/program.js'
import { UserError } from '../program/userError.js'
import { printJson, printLines } from '../report/print.js'
import { fillNonce, firstNonce } from './fillNonce.js'
import type { OutboxEntry } from './outbox.js'

/**
 * The command that shows which transaction the chain waits for, and replaces one that another program with this key left there.
 *
 * @param options.flags - Where the program keeps what it has to send.
 * @param options.open - What that is; none where nothing was kept yet.
 */
export const nonceCommand = <Store extends CommonOptions>(options: {
  program: string
  flags: Readonly<Record<string, YargsOptions>>
  open: (given: Store) => Promise<readonly OutboxEntry[]>
}): CommandModule<CommonOptions, never> => {
  const { program, flags, open } = options
  const says = {
    free: 'nothing waits with it; the next transaction takes it.',
    own: `${program} sent what waits with it, and offers more by itself until a block takes it.`,
    foreign: `what waits with it was not sent by this ${program}, and all later transactions wait for it. ${program} nonce fill replaces it by one without effect.`,
  } as const
  const module: CommandModule<CommonOptions, ChainOptions & KeyOptions & { action: string; json: boolean }> =
    {
      command: 'nonce [action]',
      describe:
        'Show the transaction that the others wait for; fill replaces one that this program did not send',
      builder: {
        ...chainFlags,
        ...flags,
        ...keyFlags,
        action: { choices: ['show', 'fill'], default: 'show', describe: 'What to do' },
      },
      handler: (given) =>
        onChain(given, async (chain) => {
          const account = await keystoreAddress(given.home)
          const first = await firstNonce(chain, account)
          const isOwn = (await open(given as unknown as Store)).some(
            ({ state, nonce }) => state === 'sent' && nonce === first.nonce,
          )
          const state = !first.waits && !isOwn ? 'free' : isOwn ? 'own' : 'foreign'
          if (given.action === 'show') {
            if (given.json) return printJson({ account, nonce: first.nonce, state })
            return printLines(`Nonce ${first.nonce} of ${account}: ${says[state]}`)
          }
          if (state !== 'foreign')
            throw new UserError(`Nonce ${first.nonce} of ${account} needs no filling: ${says[state]}`)
          const transaction = await fillNonce(chain, await unlock(given), first.nonce)
          if (given.json) return printJson({ account, nonce: first.nonce, transaction: transaction ?? null })
          printLines(
            transaction
              ? `Nonce ${first.nonce} is spent on a transaction without effect (${transaction}). Later ones go on by themselves.`
              : `Nonce ${first.nonce} was in a block before it could be replaced. Later ones go on by themselves.`,
          )
        }),
    }
  return module as never
}
