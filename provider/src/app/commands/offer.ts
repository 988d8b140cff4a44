import { formatPrice } from '@pontage/shared'
import {
  type Chain,
  type ChainOptions,
  type CommonOptions,
  chainFlags,
  type KeyOptions,
  keyFlags,
  keystoreAddress,
  onChain,
  printJson,
  printLines,
  readOffer,
  timeOf,
  tokenOf,
  UserError,
} from '@pontage/shared/node'
import type { CommandModule } from 'yargs'
import { withSender } from './open.js'

type Options = ChainOptions & KeyOptions & { action: string; json: boolean }

/** Shows the offer on chain, or withdraws it. */
export const offerCommand: CommandModule<CommonOptions, Options> = {
  command: 'offer [action]',
  describe: 'Show the offer on chain, or withdraw it; running sessions continue',
  builder: {
    ...chainFlags,
    ...keyFlags,
    action: { choices: ['show', 'withdraw'], default: 'show', describe: 'What to do' },
  } as never,
  handler: (options) => onChain(options, (chain) => offer(options, chain)),
}

async function offer(options: Options, chain: Chain): Promise<void> {
  const provider = await keystoreAddress(options.home)
  if (options.action === 'withdraw') {
    if (!(await readOffer(chain, provider)).live)
      throw new UserError('There is no offer on chain to withdraw. pontage-provider run publishes one.')
    await withSender(options, chain, (sender) =>
      sender.send(chain.marketplace.withdrawOffer.populateTransaction()),
    )
  }
  const { live, pricePerMegabyte, pricePerHour, nextAt } = await readOffer(chain, provider)
  if (options.json)
    return printJson({ provider, live, pricePerMegabyte, pricePerHour, nextAt: nextAt > 0 ? nextAt : null })
  const price = formatPrice(pricePerMegabyte, pricePerHour, tokenOf(chain))
  const next = nextAt > 0 ? `, a higher price from ${timeOf(nextAt)}` : ''
  return printLines(
    live
      ? `The offer on chain: ${price}${next}.`
      : 'There is no offer on chain, so nobody new is served. pontage-provider run publishes it again.',
  )
}
