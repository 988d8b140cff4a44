import {
  type ChannelParties,
  channelIdOf,
  finalState,
  type Hex,
  type Params,
  preFundState,
  type RequestType,
  type Result,
  systemClock,
  unixSeconds,
  wei,
} from '@pontage/shared'
import {
  connectLink,
  createLog,
  createSender,
  type Identity,
  type Link,
  signChannelState,
  signPermit,
} from '@pontage/shared/node'
import { promiseOf, requestOf, type TestChain, tokens } from '../app/world.fixture.js'
import { Books } from './books.fixture.js'
import { chaosSettings } from './orders.fixture.js'

/** Providers that clear without end, and a consumer without gas that opens and closes channels by the hub. */
export interface Market {
  readonly books: Books
  readonly providers: readonly Identity[]
  /** Transactions that were relayed or concluded: each must be the only one of its document. */
  readonly transactions: ReadonlySet<Hex>
  /** Starts everybody; resolves when all have ended after the signal. */
  run(signal: AbortSignal): Promise<void>
  /** Has each provider clear its last promises once more, so that nothing is left unanswered. */
  clearAll(): Promise<void>
}

const deposits = ['1', '5', '20'] as const
const step = tokens('0.001')
const pauseMs = 8
const log = createLog('test', 'error')

/**
 * @param hub - Whose pool and stake are there already.
 * @param ports - Where hubs listen at the moment; anyone of them serves.
 * @param random - Chooses what happens next.
 */
export async function openMarket(
  world: TestChain,
  hub: Identity,
  ports: () => readonly number[],
  random: () => number,
): Promise<Market> {
  const consumer = await world.person('chaos consumer', { tokens: '100', coin: '10' })
  const roamer = await world.person('chaos roamer', { tokens: '100', coin: '1' })
  const providers = await Promise.all([]).then(async () => {
    const made: Identity[] = []
    for (const n of [1, 2, 3, 4])
      made.push(await world.person(`chaos provider ${n}`, { tokens: '60', coin: '5' }))
    return made
  })
  await world.register(consumer, 'consumer', '1')
  await world.register(roamer, 'consumer', '1')
  for (const provider of providers) await world.register(provider, 'provider', '50')
  const { token, channels } = world.chain
  const sender = createSender(world.chain, consumer)
  await sender.send(token.approve.populateTransaction(world.deployment.channels, tokens('26')))
  const opened: { parties: ChannelParties; channelId: Hex; deposit: bigint }[] = []
  for (const [index, deposit] of deposits.entries()) {
    const parties = { consumer: consumer.address, hub: hub.address, nonce: index + 1 }
    await sender.send(channels.open.populateTransaction(hub.address, parties.nonce, tokens(deposit)))
    const channelId = channelIdOf(world.deployment, parties)
    opened.push({ parties, channelId, deposit: tokens(deposit) })
  }
  const { feeBps } = await channels.hubOf(hub.address)
  const books = new Books(
    Number(feeBps),
    new Map(opened.map(({ channelId, deposit }) => [channelId, deposit])),
  )
  const transactions = new Set<Hex>()
  const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

  /** Asks until some hub answers; a hub that dies meanwhile is asked again. */
  function voice(who: Identity) {
    let link: Link | undefined
    const connected = async (): Promise<Link> => {
      for (;;) {
        if (link) return link
        const all = ports()
        const port = all[Math.floor(random() * all.length)]
        const dialled =
          port === undefined
            ? undefined
            : await connectLink({
                url: `ws://127.0.0.1:${port}`,
                self: { identity: who, typedData: world.typedData, clock: systemClock },
                handlers: {},
                log,
              })
        if (!dialled?.ok) {
          await pause(15)
          continue
        }
        const made = dialled.link
        link = made
        void made.closed.then(() => {
          if (link === made) link = undefined
        })
      }
    }
    return {
      async ask<Type extends RequestType>(
        type: Type,
        params: Params<Type>,
        passing: readonly string[] = [],
      ): Promise<Result<Type> | undefined> {
        for (;;) {
          const through = await connected()
          const answer = await through.request(type, params, 120_000)
          if (answer.ok) return answer.value
          const code = answer.refusal.code === 'peer-refused' ? answer.refusal.peerCode : undefined
          if (code === undefined) {
            // Nobody answered: it died, or is dying.
            through.close()
            if (link === through) link = undefined
            await pause(15)
          } else if (passing.includes(code)) return undefined
          else {
            books.broken.push(`${type} refused: ${JSON.stringify(answer.refusal)}`)
            return undefined
          }
        }
      },
      close: () => link?.close(),
    }
  }

  const promisesOf = (provider: Identity, of: readonly Hex[]) =>
    of.map((channelId) =>
      promiseOf(world, consumer, channelId, provider.address, books.promised.of(channelId, provider.address)),
    )

  async function clear(
    provider: Identity,
    ask: ReturnType<typeof voice>['ask'],
    of: readonly Hex[],
  ): Promise<void> {
    const promises = promisesOf(provider, of).filter(({ amount }) => amount > 0n)
    if (promises.length === 0) return
    const cleared = await ask('clear', { promises })
    if (!cleared) return
    for (const { channelId, code } of cleared.refused)
      books.broken.push(`${channelId}: promise refused, ${code}`)
    const { total, signature, guarantees } = cleared
    const signed = world.typedData.check(
      'HubPromise',
      { hub: hub.address, provider: provider.address, total, signature },
      hub.address,
    )
    if (!signed.ok) books.broken.push(`${provider.address}: a total nobody signed`)
    books.cleared(provider.address, promises, total, signature)
    for (const { channelId, ceiling } of guarantees) books.guarantee(channelId, provider.address, ceiling)
  }

  async function provide(provider: Identity, signal: AbortSignal): Promise<void> {
    const { ask, close } = voice(provider)
    while (!signal.aborted) {
      const chosen = opened.filter(() => random() < 0.6)
      for (const { parties, channelId } of chosen) {
        const promised = books.promised.of(channelId, provider.address)
        const ceiling = books.guaranteed.of(channelId, provider.address)
        if (promised + step <= ceiling) books.promised.raise(channelId, provider.address, promised + step)
        else {
          const more = wei(ceiling + tokens('0.02'))
          const request = requestOf(world, consumer, channelId, provider.address, more)
          const answer = await ask('guarantee', { channel: parties, request }, ['insufficient-collateral'])
          if (answer) books.guarantee(channelId, provider.address, answer.guarantee.ceiling)
        }
      }
      await clear(
        provider,
        ask,
        chosen.map(({ channelId }) => channelId),
      )
      await pause(pauseMs)
    }
    close()
  }

  /** One channel's whole life without gas, each document handed in until it is answered. */
  async function roam(nonce: number, ask: ReturnType<typeof voice>['ask']): Promise<void> {
    const parties = { consumer: roamer.address, hub: hub.address, nonce }
    const first = preFundState(world.deployment, parties, 0)
    await ask('prefund', {
      channel: parties,
      signature: await signChannelState(first, roamer.privateKey),
    })
    const { relayFee } = chaosSettings()
    const amount = tokens('0.1')
    const deadline = unixSeconds(systemClock.now() + 3_000)
    const opening = world.typedData.signed(
      'Opening',
      { consumer: roamer.address, hub: hub.address, channelNonce: nonce, amount, relayFee, deadline },
      roamer.privateKey,
    )
    const permit = await signPermit(
      world.chain,
      roamer,
      world.deployment.channels,
      wei(amount + relayFee),
      deadline,
    )
    const sent = await ask('relay-open', { opening, permit })
    if (sent) once(sent.transaction)
    const draft = await ask('close-draft', { channel: parties })
    if (!draft) return
    const signature = await signChannelState(finalState(world.deployment, parties, draft), roamer.privateKey)
    const concluded = await ask('conclude', { channel: parties, ...draft, signature })
    if (concluded) once(concluded.transaction)
  }

  function once(transaction: Hex): void {
    if (transactions.has(transaction))
      books.broken.push(`${transaction} was given as the answer to two documents`)
    transactions.add(transaction)
  }

  return {
    books,
    providers,
    transactions,
    async run(signal) {
      const roaming = async () => {
        const { ask, close } = voice(roamer)
        for (let nonce = 1; !signal.aborted; nonce++) await roam(nonce, ask)
        close()
      }
      await Promise.all([...providers.map((provider) => provide(provider, signal)), roaming()])
    },
    async clearAll() {
      for (const provider of providers) {
        const { ask, close } = voice(provider)
        await clear(
          provider,
          ask,
          opened.map(({ channelId }) => channelId),
        )
        close()
      }
    },
  }
}
