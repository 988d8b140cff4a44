import { type Address, address, bytes32, type Clock, type Hex, unixSeconds, wei } from '@pontage/shared'
import { type Block, type Chain, inChunks, type Log, staleSeconds } from '@pontage/shared/node'
import type { ChainUpdate, Ledger } from '../ledger.js'
import { pause } from '../pause.js'

/** Follows the chain, a fixed number of blocks behind its head, and writes what changed into the ledger. */
export interface ChainWatch {
  /** Follows up to the confirmed block of this moment. Several callers share one look. */
  catchUp(): Promise<void>
  /** Follows until the signal, every `pollMs`. */
  run(pollMs: number, signal: AbortSignal): Promise<void>
  /** Has a listener called after the ledger took in a block. */
  subscribe(listener: (update: ChainUpdate) => void): void
  /** Seconds since the chain was last read successfully, or since its newest block was made where that is too long ago. */
  unseenSeconds(): number
}

/** What the logs of some blocks touch. Only names are taken from logs: values are read at one block. */
interface Touched {
  readonly channels: Map<Hex, { consumer: Address; nonce: number }>
  readonly tabs: Map<Hex, Set<Address>>
  readonly providers: Set<Address>
}

export function createChainWatch(options: {
  chain: Chain
  ledger: Ledger
  hub: Address
  clock: Clock
  log: Log
}): ChainWatch {
  const { chain, ledger, hub, clock, log } = options
  const listeners: ((update: ChainUpdate) => void)[] = []
  let looking: Promise<void> | undefined
  let next: Promise<void> | undefined
  let seenAtMs = clock.elapsedMs()
  let head: Block | undefined

  async function look(): Promise<void> {
    const [newest, target] = await Promise.all([chain.head(), chain.confirmed()])
    head = newest
    const cursor = await ledger.cursor()
    if (cursor?.number === target.number && cursor.hash === target.hash) {
      seenAtMs = clock.elapsedMs()
      return
    }
    // A node behind the one asked before: what the ledger knows is newer, and stays until this one catches up.
    if (cursor && target.number < cursor.number) return
    const intact = !cursor || (await stillThere(cursor))
    if (!intact)
      log.warn('chain reorganised', { below: cursor?.number, readAgainFrom: chain.deployment.fromBlock })
    const from = cursor && intact ? cursor.number + 1 : chain.deployment.fromBlock
    const touched = await touchedBetween(from, target.number)
    if (!intact) await touchEverything(touched)
    const update = await readAt(target, touched)
    if (!(await stillThere(target))) return // It was replaced while being read; the next look takes the new one.
    await ledger.applyChain(update)
    seenAtMs = clock.elapsedMs()
    for (const listener of listeners) listener(update)
  }

  async function stillThere(block: { number: number; hash: string }): Promise<boolean> {
    const now = await chain.rpc.getBlock(block.number)
    return now === null ? false : now.hash === block.hash
  }

  async function touchedBetween(from: number, to: number): Promise<Touched> {
    const touched: Touched = { channels: new Map(), tabs: new Map(), providers: new Set() }
    const logs = inChunks(from, to, (fromBlock, toBlock) =>
      chain.rpc.getLogs({ address: chain.deployment.channels, fromBlock, toBlock }),
    )
    for await (const entry of logs) {
      const event = chain.channels.interface.parseLog(entry)
      if (event) await touch(touched, event.name, event.args)
    }
    return touched
  }

  async function touch(
    touched: Touched,
    name: string,
    // biome-ignore lint/suspicious/noExplicitAny: the library's result of any event.
    args: Record<string, any>,
  ): Promise<void> {
    if (name === 'ChannelOpened' && address(args.hub) === hub) {
      touched.channels.set(bytes32(args.channelId), {
        consumer: address(args.consumer),
        nonce: Number(args.nonce),
      })
      return
    }
    if (name === 'Redeemed' && address(args.hub) === hub) touched.providers.add(address(args.provider))
    if (args.channelId === undefined) return
    const channelId = bytes32(args.channelId)
    if (!touched.channels.has(channelId)) {
      const known = await ledger.channel(channelId)
      if (!known) return
      touched.channels.set(channelId, known)
    }
    if (args.provider === undefined) return
    const provider = address(args.provider)
    touched.providers.add(provider)
    touched.tabs.set(channelId, (touched.tabs.get(channelId) ?? new Set()).add(provider))
  }

  async function touchEverything(touched: Touched): Promise<void> {
    for (const channel of await ledger.openChannels()) {
      touched.channels.set(channel.channelId, channel)
      touched.tabs.set(channel.channelId, new Set())
    }
    // A channel may stand open again, and what was drawn from it may not have happened: no log says so.
    for (const channelId of touched.channels.keys()) {
      const known = (await ledger.channel(channelId))?.tabs ?? []
      const named = touched.tabs.get(channelId) ?? new Set()
      touched.tabs.set(channelId, new Set([...named, ...known.map(({ provider }) => provider)]))
    }
    for (const { provider } of await ledger.accounts()) touched.providers.add(provider)
  }

  async function readAt(block: Block, touched: Touched): Promise<ChainUpdate> {
    const at = { blockTag: block.number }
    const providers = [...touched.providers]
    const [standing, accounts, channels, tabs] = await Promise.all([
      chain.channels.hubOf(hub, at),
      providers.length > 0 ? chain.channels.accountsOf(hub, providers, at) : [],
      Promise.all(
        [...touched.channels].map(async ([channelId, { consumer, nonce }]) => {
          const view = await chain.channels.channelOf(channelId, at)
          return {
            channelId,
            consumer,
            nonce,
            status: statusNames[Number(view.status)] ?? ('none' as const),
            balance: wei(view.balance),
            exitAt: unixSeconds(Number(view.exitAt)),
          }
        }),
      ),
      Promise.all(
        [...touched.tabs].map(async ([channelId, names]) => {
          const views = await chain.channels.tabsOf(channelId, [...names], at)
          return [...names].map((provider, index) => ({
            channelId,
            provider,
            drawn: wei(views[index]?.drawn ?? 0n),
            protested: wei(views[index]?.protested ?? 0n),
            protestEndsAt: Number(views[index]?.protestEndsAt ?? 0n),
          }))
        }),
      ),
    ])
    return {
      cursor: block,
      hub: {
        balance: wei(standing.pool),
        pendingWithdrawal: wei(standing.pendingWithdrawal),
        feeBps: Number(standing.feeBps),
      },
      channels,
      tabs: tabs.flat(),
      accounts: providers.map((provider, index) => ({
        provider,
        credited: wei(accounts[index]?.credited ?? 0n),
        paid: wei(accounts[index]?.paid ?? 0n),
      })),
    }
  }

  const begin = (): Promise<void> => {
    looking = look().finally(() => {
      looking = undefined
    })
    return looking
  }

  // A look under way may have asked for the newest block before what the caller waits for was in it.
  const catchUp = (): Promise<void> => {
    if (!looking) return begin()
    next ??= looking
      .catch(() => undefined)
      .then(() => {
        next = undefined
        return begin()
      })
    return next
  }

  return {
    catchUp,
    subscribe: (listener) => void listeners.push(listener),
    unseenSeconds: () =>
      Math.max(
        Math.floor((clock.elapsedMs() - seenAtMs) / 1_000),
        head === undefined ? 0 : staleSeconds(chain, head, clock.now()),
      ),
    async run(pollMs, signal) {
      let warnedAtMs: number | undefined
      for (; !signal.aborted; await pause(pollMs, signal))
        try {
          await catchUp()
          if (warnedAtMs !== undefined) log.info('chain readable again', {})
          warnedAtMs = undefined
        } catch (error) {
          const now = clock.elapsedMs()
          if (warnedAtMs !== undefined && now - warnedAtMs < warnEveryMs) continue
          warnedAtMs = now
          log.warn('chain not readable', { reason: (error as Error).message.slice(0, 200) })
        }
    },
  }
}

/** Milliseconds between warnings of one outage. */
const warnEveryMs = 60_000

const statusNames = ['none', 'open', 'closed'] as const
