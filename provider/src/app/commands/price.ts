import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import {
  formatPrice,
  formatTimePrice,
  formatTrafficPrice,
  parseTimePrice,
  parseTrafficPrice,
  weiPerHour,
  weiPerMegabyte,
} from '@pontage/shared'
import {
  type Chain,
  type ChainOptions,
  type CommonOptions,
  chainFlags,
  jsonFlag,
  type KeyOptions,
  keyFlags,
  onChain,
  printJson,
  printLines,
  readOffer,
  timeOf,
  tokenOf,
  UserError,
  writeFileDurably,
} from '@pontage/shared/node'
import type { CommandModule } from 'yargs'
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
    ...jsonFlag,
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
  await remember(home, 'price', String(options.amount))
  if (hourly !== undefined) await remember(home, 'time-price', String(hourly))
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
  const limit = /RaiseTooLarge \(.*limit (\d+)\)/.exec(error.message)?.[1]
  if (limit === undefined) return error
  const token = tokenOf(chain)
  const traffic = formatTrafficPrice(weiPerMegabyte(BigInt(limit)), token)
  const time = formatTimePrice(weiPerHour(BigInt(limit)), token)
  return new UserError(
    `That is too much at once: within a day, the market lets this price rise to ${traffic} for traffic, or ${time} for time. Choose less now, and raise it again tomorrow.`,
    { cause: error },
  )
}

/** The next run offers the same: its configuration says so. */
async function remember(home: string, setting: string, value: string): Promise<void> {
  const path = join(home, 'config.yaml')
  const text = await readFile(path, 'utf8').catch(() => '')
  const line = `${setting}: ${value}`
  const existing = new RegExp(`^${setting}:.*$`, 'm')
  const next = existing.test(text) ? text.replace(existing, line) : `${text.replace(/\n?$/, '\n')}${line}\n`
  await writeFileDurably(path, next)
}
