import { formatPrice, parseTimePrice, parseTrafficPrice, weiPerHour } from '@pontage/shared'
import {
  type Chain,
  type ChainOptions,
  type CommonOptions,
  chainFlags,
  type KeyOptions,
  keyFlags,
  onChain,
  printJson,
  printLines,
  readOffer,
  rememberSettings,
  timeOf,
  tokenOf,
  UserError,
} from '@pontage/shared/node'
import type { CommandModule } from 'yargs'
import { raiseLimitText, tooLargeRaise } from '../offer/priceRaise.js'
import { publish, readPublished } from '../offer/publish.js'
import { withComponents } from './open.js'

type Options = ChainOptions & KeyOptions & { amount: string; hourly: string | undefined; json: boolean }

/** Publishes the offer again at another price. */
export const priceCommand: CommandModule<CommonOptions, Options> = {
  command: 'price <amount>',
  describe: 'Change the price of traffic in tokens, such as 0.05/GB; running sessions keep theirs',
  builder: {
    ...chainFlags,
    ...keyFlags,
    hourly: { type: 'string', describe: 'Price of time in tokens, such as 0.01/h; unchanged by default' },
    // A setting of `run` with the name of this command: it stands in config.yaml, and is nothing to us.
    price: { type: 'string', hidden: true },
  } as never,
  handler: (options) => onChain(options, (chain) => change(options, chain)),
}

async function change(options: Options, chain: Chain): Promise<void> {
  const { home, hourly, json } = options
  const last = await readPublished(home)
  if (last === undefined)
    throw new UserError(
      'No offer has been published from this home yet. Set the price in config.yaml and run: pontage-provider run.',
    )
  const pricePerMegabyte = parseTrafficPrice(String(options.amount), chain.tokenDecimals)
  const pricePerHour =
    hourly === undefined ? weiPerHour(last.pricePerHour) : parseTimePrice(String(hourly), chain.tokenDecimals)
  const { signature: _, issuedAt: __, ...offer } = last
  const transaction = await withComponents(options, chain, (components) =>
    publish(components, home, { ...offer, pricePerMegabyte, pricePerHour }).catch((error: Error) => {
      throw tooLarge(error, chain)
    }),
  )
  // The next run offers the same.
  await rememberSettings(home, {
    price: String(options.amount),
    ...(hourly === undefined ? {} : { 'time-price': String(hourly) }),
  })
  const { nextAt } = await readOffer(chain, last.provider)
  const raised = nextAt > 0
  if (json)
    return printJson({ pricePerMegabyte, pricePerHour, inForceAt: raised ? nextAt : null, transaction })
  const shown = formatPrice(pricePerMegabyte, pricePerHour, tokenOf(chain))
  return printLines(
    raised
      ? `The price rises to ${shown} at ${timeOf(nextAt)}; until then the current price applies (transaction ${transaction}).`
      : `The price is ${shown} from now on (transaction ${transaction}).`,
  )
}

/** The contract says how far a price may rise; in a price, that is worth more than a number. */
function tooLarge(error: Error, chain: Chain): Error {
  const raise = tooLargeRaise(error)
  if (raise === undefined) return error
  return new UserError(
    `That is too much at once: ${raiseLimitText(raise, tokenOf(chain))}. Choose less now, and raise it again tomorrow.`,
    { cause: error },
  )
}
