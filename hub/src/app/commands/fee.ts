import {
  type ChainOptions,
  type CommonOptions,
  chainFlags,
  type KeyOptions,
  keyFlags,
  keystoreAddress,
  onChain,
  printJson,
  printLines,
  readChannelSettings,
  readHub,
  timeOf,
  UserError,
} from '@pontage/shared/node'
import type { CommandModule } from 'yargs'
import { transact } from './transact.js'

type Options = ChainOptions & KeyOptions & { action: string; percent: string | undefined; json: boolean }

/** Shows the fee the hub keeps of what it draws, or announces another. */
export const fee: CommandModule<CommonOptions, Options> = {
  command: 'fee [action] [percent]',
  describe: 'Show the fee; "fee announce PERCENT" changes it, a raise takes effect after the notice period',
  builder: {
    ...chainFlags,
    ...keyFlags,
    action: { choices: ['show', 'announce'], default: 'show', describe: 'What to do' },
    percent: { type: 'string', describe: 'Percentage, such as 2.5' },
  },
  async handler(options) {
    if (options.action === 'announce') return announce(options)
    const hub = await keystoreAddress(options.home)
    await onChain(options, async (chain) => {
      const { feeBps, announcedFeeBps, feeChangesAt } = await readHub(chain, hub)
      const changes = feeChangesAt > 0
      if (options.json)
        return printJson({
          feeBps,
          announcedFeeBps: changes ? announcedFeeBps : feeBps,
          changesAt: feeChangesAt,
        })
      const next = changes
        ? `, ${inPercent(announcedFeeBps)} from ${timeOf(feeChangesAt)}`
        : ', no change announced'
      printLines(`The fee is ${inPercent(feeBps)}${next}.`)
    })
  },
}

async function announce(options: Options): Promise<void> {
  const feeBps = basisPoints(options.percent)
  await onChain(options, async (chain) => {
    const { feeCapBps } = await readChannelSettings(chain)
    if (feeBps > feeCapBps)
      throw new UserError(
        `A fee of ${inPercent(feeBps)} is above the cap of ${inPercent(feeCapBps)} in the contract. Announce less.`,
      )
    await transact(options, chain, {
      call: () => chain.channels.announceFee.populateTransaction(feeBps),
      said: async ({ address }) => {
        const { feeBps: present, feeChangesAt: changesAt } = await readHub(chain, address)
        const text =
          changesAt > 0
            ? `The fee rises from ${inPercent(present)} to ${inPercent(feeBps)} at ${timeOf(changesAt)}`
            : `The fee is ${inPercent(feeBps)} from now on`
        return { text, json: { feeBps: present, announcedFeeBps: feeBps, changesAt } }
      },
    })
  })
}

/** @throws UserError unless the text is a percentage with at most two decimals. */
function basisPoints(text: string | undefined): number {
  const match = /^(\d{1,3})(?:\.(\d{1,2}))?%?$/.exec(text ?? '')
  if (!match)
    throw new UserError(
      text === undefined
        ? 'The fee is missing. Give it in percent: pontage-hub fee announce 2.5.'
        : `"${text}" is not a fee: expected a percentage with at most two decimals, such as 2.5.`,
    )
  return Number(match[1]) * 100 + Number((match[2] ?? '').padEnd(2, '0'))
}

const inPercent = (bps: number): string => `${bps / 100} %`
