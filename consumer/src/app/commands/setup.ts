import { address, countOf, parseTimePrice, parseTokens, parseTrafficPrice, wei } from '@pontage/shared'
import {
  chainOf,
  fundsStep,
  inTokens,
  type Known,
  type Question,
  readStanding,
  type Step,
  serviceStep,
  settingGiven,
  setupCommand as setupOf,
  takeSetting,
  UserError,
} from '@pontage/shared/node'
import { readChannels } from '../../io/chain/channelReader.js'
import { costText } from '../channel/costText.js'
import { neededToOpen, openChannel } from '../channel/openChannel.js'
import { listHubs } from '../market/hubs.js'
import { limitFlags } from '../session/limits.js'
import { relayFeeFlag } from './channel/flags.js'
import { withJournal } from './journalled.js'
import { type Settings, settings } from './settings.js'

/** Own channels that are open; none where there is no key yet. */
async function openChannels({ home, chain, address: own }: Known) {
  if (chain === undefined || own === undefined) return []
  return (await readChannels(home, chain, own)).filter(({ status }) => status === 'open')
}

/** Who has a channel is asked for none. */
async function isWithoutChannel(known: Known): Promise<boolean> {
  return (await openChannels(known)).length === 0
}

const hub: Question<Known> = {
  flag: 'hub',
  value: 'ADDRESS',
  ask: 'Hub to pay through',
  isNeeded: isWithoutChannel,
  given: (known) => settingGiven(known, 'hub'),
  choices: async (known) =>
    (await listHubs(known.home, chainOf(known)))
      .filter(({ problem }) => problem === null)
      .map((each) => ({
        ...{ value: each.hub, label: `${each.hub}  ${each.url.replace(/#.*/, '')}` },
        hint: `${countOf(each.providers, 'provider')}, stake ${inTokens(chainOf(known), each.stake)}`,
      })),
  async take(answer, known) {
    const named = address(answer)
    const { url } = await readStanding(chainOf(known), named)
    if (url === '') throw new UserError(`${named} is not registered as a hub on this chain. Choose another.`)
    known.given.hub = named
  },
}

const amount: Question<Known> = {
  flag: 'amount',
  value: 'TOKENS',
  ask: 'Deposit for the channel; what you don’t spend comes back',
  usual: (known) => (known.isAtTerminal ? '5' : undefined),
  isNeeded: isWithoutChannel,
  given: (known) => settingGiven(known, 'amount'),
  take(answer, known) {
    if (parseTokens(answer, chainOf(known).tokenDecimals) === 0n)
      throw new UserError('A channel needs a deposit: give more than 0.')
    known.given.amount = answer
  },
}

const maxPrice: Question<Known> = {
  flag: 'max-price',
  value: 'TOKENS/GB',
  ask: 'Most to pay for traffic, or none',
  usual: () => 'none',
  given: (known) => settingGiven(known, 'max-price'),
  take(answer, known) {
    if (answer === 'none') return
    // Flags and configuration may hold several: they stay as they are.
    if (answer !== settingGiven(known, 'max-price')) {
      const price = answer.includes('/') ? answer : [answer, 'GB'].join('/')
      const read = price.endsWith('/h') ? parseTimePrice : parseTrafficPrice
      read(price, chainOf(known).tokenDecimals)
      takeSetting(known, 'max-price', price)
    } else if (known.given.typed?.has('max-price')) known.answers.set('max-price', answer.split(','))
  },
}

const wishesOf = (known: Known) => {
  const { tokenDecimals } = chainOf(known)
  return {
    hub: address(`${known.given.hub}`),
    amount: parseTokens(`${known.given.amount}`, tokenDecimals),
    maxRelayFee: parseTokens(`${known.given.maxRelayFee}`, tokenDecimals),
  }
}

const asSettings = ({ given }: Known) => given as unknown as Settings

const funds = fundsStep(async (known) => {
  if ((await openChannels(known)).length > 0) return undefined
  let tokens = wei(0n)
  await withJournal(asSettings(known), async (context) => {
    tokens = await neededToOpen(context, wishesOf(known))
  })
  return { tokens, coin: 0n }
})

const channel: Step<Known> = {
  name: 'channel',
  async there(known) {
    const [open] = await openChannels(known)
    return open && `Channel ${open.channelId} is open and holds ${inTokens(chainOf(known), open.balance)}.`
  },
  async act(known, terminal) {
    let says = ''
    await withJournal(asSettings(known), async (context, journal) => {
      const opened = await openChannel(context, journal, {
        ...wishesOf(known),
        confirm: async (cost) => {
          if (terminal && !(await terminal.confirm(`${costText(context, cost)} Open the channel?`)))
            throw new UserError('Nothing was signed. Run setup again to go on.')
        },
      })
      says = `Opened channel ${opened.channelId} with hub ${opened.hub}, for ${inTokens(context.chain, opened.relayFees)} of fees.`
    })
    return says
  },
}

const service = serviceStep(
  {
    ...{ unit: 'pontage', home: '/var/lib/pontage' },
    password: { path: '/etc/pontage-password.cred', encrypted: true },
  },
  () => 'sudo pontage connect',
)

export const setupCommand = setupOf({
  program: 'pontage',
  describe: 'Set everything up by questions: network, key, funds, channel, service; run it again to go on',
  settings: { ...settings, ...limitFlags },
  flags: {
    ...relayFeeFlag,
    hub: { type: 'string', requiresArg: true, describe: 'Address of the hub to pay through' },
    amount: { type: 'string', requiresArg: true, describe: 'Tokens to deposit in the channel' },
  },
  questions: [hub, amount, maxPrice],
  steps: [funds, channel, service],
  next: ['"pontage providers" shows who offers what, "sudo pontage connect" connects.'],
})
