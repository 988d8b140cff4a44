import { type Address, address, bytes32, type Hex } from '@pontage/shared'
import {
  type Block,
  type Chain,
  inPieces,
  readAccounts,
  readChannel,
  readHub,
  readTabs,
} from '@pontage/shared/node'
import type { ChainUpdate, Ledger } from '../ledger.js'

interface Source {
  readonly chain: Chain
  readonly ledger: Pick<Ledger, 'channel' | 'openChannels' | 'accounts'>
  readonly hub: Address
}

/** What the logs of some blocks touch. Only names are taken from logs: values are read at one block. */
interface Touched {
  readonly channels: Map<Hex, { consumer: Address; nonce: number }>
  readonly tabs: Map<Hex, Set<Address>>
  readonly providers: Set<Address>
}

/** What happened to a hub's channels, tabs and accounts, as the logs of more and more blocks tell. */
export interface Changes {
  /**
   * Notes what the logs of these blocks name.
   *
   * @param passed - Called after each piece with its last block.
   */
  through(from: number, to: number, passed?: (last: number) => Promise<void>): Promise<void>
  /** The present values of what was named since the last call. @param at - Block at which they are read. */
  newest(at: Block): Promise<ChainUpdate>
  /**
   * The present values of all that was named.
   *
   * @param everything - Whether what the ledger knows may no longer have happened: then all of it is read again.
   */
  all(at: Block, everything: boolean): Promise<ChainUpdate>
}

export function readChanges(source: Source): Changes {
  const { chain } = source
  const touched = nothingTouched()
  let recent = nothingTouched()
  return {
    async through(from, to, passed) {
      const pieces = inPieces(from, to, (fromBlock, toBlock) =>
        chain.rpc.getLogs({ address: chain.deployment.channels, fromBlock, toBlock }),
      )
      for await (const piece of pieces) {
        for (const entry of piece.logs) {
          const event = chain.channels.interface.parseLog(entry)
          if (!event) continue
          for (const each of [touched, recent]) await touch(source, each, event.name, event.args)
        }
        await passed?.(piece.to)
      }
    },
    async newest(at) {
      const update = await readAt(source, at, recent)
      recent = nothingTouched()
      return update
    },
    async all(at, everything) {
      if (everything) await touchEverything(source, touched)
      return readAt(source, at, touched)
    },
  }
}

const nothingTouched = (): Touched => ({ channels: new Map(), tabs: new Map(), providers: new Set() })

async function touch(
  { hub, ledger }: Source,
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

/** Everything the ledger knows of: after a reorganisation no log says what no longer happened. */
async function touchEverything({ ledger }: Source, touched: Touched): Promise<void> {
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

async function readAt({ chain, hub }: Source, block: Block, touched: Touched): Promise<ChainUpdate> {
  const at = block.number
  const providers = [...touched.providers]
  const [{ pool, pendingWithdrawal, feeBps }, accounts, channels, tabs] = await Promise.all([
    readHub(chain, hub, at),
    readAccounts(chain, hub, providers, at),
    Promise.all(
      [...touched.channels].map(async ([channelId, { consumer, nonce }]) => {
        const { status, balance, exitAt } = await readChannel(chain, channelId, at)
        return { channelId, consumer, nonce, status, balance, exitAt }
      }),
    ),
    Promise.all([...touched.tabs].map(([channelId, named]) => tabsOf(chain, channelId, [...named], at))),
  ])
  return {
    cursor: block,
    hub: { balance: pool, pendingWithdrawal, feeBps },
    channels,
    tabs: tabs.flat(),
    accounts: accounts.map(({ credited, paid }, index) => ({
      provider: providers[index] as Address,
      ...{ credited, paid },
    })),
  }
}

async function tabsOf(chain: Chain, channelId: Hex, providers: readonly Address[], at: number) {
  const tabs = await readTabs(chain, channelId, providers, at)
  return tabs.map(({ drawn, protested, protestEndsAt }, index) => ({
    ...{ channelId, provider: providers[index] as Address },
    ...{ drawn, protested, protestEndsAt },
  }))
}
