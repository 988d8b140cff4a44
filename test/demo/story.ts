import {
  type Address,
  address,
  formatBytes,
  formatTokens,
  formatTrafficPrice,
  weiPerMegabyte,
} from '@pontage/shared'
import { tokenOf } from '@pontage/shared/node'
import { Wallet } from 'ethers'
import {
  createMarket,
  type Market,
  openDishonestHub,
  openHub,
  openProvider,
  type Person,
  seatConsumer,
} from '../world/index.js'
import { countTokens, gasBySteps } from './books.js'
import { failedRedemption } from './failedRedemption.js'
import { cappedSession } from './session.js'
import { settle } from './settle.js'
import type { Telling } from './telling.js'

/** What `--json` prints: amounts as decimal strings of the smallest unit, bytes and counts as numbers. */
export interface Figures {
  readonly ok: boolean
  readonly bytesConsumer: number
  readonly bytesProvider: number
  readonly microPromises: number
  readonly spent: string
  readonly hubFee: string
  readonly redeemed: string
  readonly slashed: string
  readonly returned: string
  readonly conserved: boolean
  readonly capBytes: number
  readonly deliveredBytes: number
  readonly overCapBytes: number
  readonly serverSawAddress: string
  readonly providerAddress: string
  readonly gas: Readonly<Record<string, number>>
  readonly seconds: number
}

const capBytes = 50_000_000
const priceA = '20/GB'
const priceB = '25/GB'
/** Both providers' lines; fast enough to be quick, slow enough to watch. */
const megabits = 80

/** Plays the whole story in the world that this process is alone in. @throws Error when it cannot go on. */
export async function runStory(tell: Telling): Promise<Figures> {
  tell.chapter('A chain, an internet, and the contracts')
  const market = await createMarket()
  try {
    return await play(market, tell)
  } catch (error) {
    process.stderr.write(`\n${market.world.lastWords()}\n`)
    throw error
  } finally {
    await market.destroy()
  }
}

async function play(market: Market, tell: Telling): Promise<Figures> {
  const began = Date.now()
  const names = new Map<Address, string>([[market.deployer, 'deployer']])
  const known = <Somebody extends { address: Address }>(name: string, person: Somebody): Somebody => {
    names.set(person.address, name)
    return person
  }
  const tokens = (amount: bigint) =>
    `${formatTokens(amount, market.chain.tokenDecimals)} ${market.chain.tokenSymbol}`
  tell.say(`anvil at ${market.testChain.rpcUrl}, PaymentChannels at ${market.deployment.channels}`)

  tell.chapter('Two hubs (one of them dishonest) and two providers stake, publish and start serving')
  const [hub, dishonest] = await Promise.all([
    openHub(market, 'hub', { pool: '500', drawAbove: '0.1' }),
    openDishonestHub(market, 'hub-2', { pool: '0.05' }),
  ])
  known('hub', hub)
  known('dishonest hub', dishonest)
  const beneficiary = known('beneficiary of provider-a', {
    address: address(Wallet.createRandom().address),
  }).address
  const beneficiaryB = known('beneficiary of provider-b', {
    address: address(Wallet.createRandom().address),
  }).address
  const [providerA, providerB] = await Promise.all([
    openProvider(market, 'provider-a', {
      ...{ price: priceA, country: 'DE', megabits, beneficiary },
      hubs: [hub.address, dishonest.address],
    }),
    openProvider(market, 'provider-b', {
      ...{ price: priceB, country: 'FR', megabits, beneficiary: beneficiaryB },
      hubs: [hub.address],
    }),
  ])
  known('provider-a', providerA)
  known('provider-b', providerB)

  tell.chapter('The consumer reads the offers from the chain: pontage providers')
  const consumer = known('consumer', await seatConsumer(market, 'consumer', '20'))
  await showProviders(market, consumer, tell, tokens)

  tell.chapter('It registers and opens a channel without any gas coin: pontage channel open --amount 5')
  const coinBefore = await market.chain.rpc.getBalance(consumer.address)
  const opened = await consumer.json<{ channelId: string; relayFees: string }>(
    'channel',
    'open',
    '--hub',
    hub.address,
    '--amount',
    '5',
  )
  tell.say(
    `Channel ${opened.channelId}; the hub charged ${tokens(BigInt(opened.relayFees))} for sending both transactions.`,
  )
  tell.check('the consumer never had any of the chain’s coin', coinBefore === 0n)

  const session = await cappedSession(market, consumer, capBytes, tell)
  tell.check('the cheaper provider was chosen', session.provider === providerA.address)
  tell.check('the internet saw the provider’s address', session.serverSawAddress === providerA.host.address)
  const price = BigInt(market.tokens(priceA.replace('/GB', ''))) / 1_000n
  const begun = BigInt(Math.ceil(session.bytesConsumer / 1_000_000))
  tell.check(
    `${tokens(session.spent)} is the price of the ${begun} megabytes begun`,
    session.spent === begun * price,
  )
  tell.check(`${session.promises} micro-promises paid for it`, session.promises >= 30)

  const settled = await settle(
    market,
    { hub, provider: providerA, consumer, beneficiary },
    session.spent,
    opened.channelId,
    tell,
  )
  const failed = await failedRedemption(market, { dishonest, provider: providerA, beneficiary, known }, tell)

  tell.chapter('The books')
  for (const person of [providerA, providerB]) await person.program.stop()
  await hub.program.stop()
  await dishonest.program.stop()
  const books = await countTokens(market, names)
  const gas = await gasBySteps(market, names)
  tell.check('every token is accounted for, to the unit', books.conserved)
  const overCapBytes = Math.max(0, session.delivered - capBytes)
  const size = (bytes: number) => `${bytes} (${formatBytes(BigInt(bytes))})`
  tell.table('The capped session', [
    ['bytes, counted by the consumer', size(session.bytesConsumer)],
    ['bytes, counted by the provider', size(settled.bytesProvider)],
    ['bytes, delivered by the internet host', size(session.delivered)],
    ['bytes past the cap', String(overCapBytes)],
    ['micro-promises', String(session.promises)],
    ['spent by the consumer', tokens(session.spent)],
    ['fee of the hub', tokens(settled.hubFee)],
    ['redeemed to the beneficiary', tokens(settled.redeemed)],
    ['returned to the consumer', tokens(settled.returned)],
    ['slashed from the dishonest hub', tokens(failed.slashed)],
  ])
  tell.table('Where every token is', [
    ...books.places.map(({ name, amount }) => [name, tokens(amount)] as const),
    ['total', tokens(books.supply)],
  ])
  tell.table(
    'Gas',
    Object.entries(gas).map(([step, used]) => [step, String(used)] as const),
  )
  return {
    ok: tell.allHeld,
    bytesConsumer: session.bytesConsumer,
    bytesProvider: settled.bytesProvider,
    microPromises: session.promises,
    spent: session.spent.toString(),
    hubFee: settled.hubFee.toString(),
    redeemed: settled.redeemed.toString(),
    slashed: failed.slashed.toString(),
    returned: settled.returned.toString(),
    conserved: books.conserved,
    capBytes,
    deliveredBytes: session.delivered,
    overCapBytes,
    serverSawAddress: session.serverSawAddress,
    providerAddress: providerA.host.address,
    gas,
    seconds: Math.round((Date.now() - began) / 100) / 10,
  }
}

interface ListedProvider {
  readonly provider: string
  readonly country: string
  readonly price: string
  readonly stake: string
  readonly faults: number
}

async function showProviders(
  market: Market,
  consumer: Person,
  tell: Telling,
  tokens: (amount: bigint) => string,
) {
  const { providers: listed } = await consumer.json<{ providers: readonly ListedProvider[] }>('providers')
  for (const each of listed)
    tell.say(
      `${each.provider}  ${each.country}  ${formatTrafficPrice(weiPerMegabyte(BigInt(each.price)), tokenOf(market.chain))}  stake ${tokens(BigInt(each.stake))}, ${each.faults} faults`,
    )
  tell.check('it finds both, with their stake', listed.length === 2)
}
