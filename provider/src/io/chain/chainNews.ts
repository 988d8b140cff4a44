import { type Address, address, bytes32, type Hex, type Wei, wei } from '@pontage/shared'
import { type Chain, inChunks, inPieces } from '@pontage/shared/node'
import { zeroPadValue } from 'ethers'

/** Something on chain that ends a channel. */
export interface ChannelEnding {
  readonly kind: 'exit-requested' | 'closed'
  readonly channelId: Hex
}

/** What happened on chain, to whomever. */
export interface ChainNews {
  readonly endings: readonly ChannelEnding[]
  /** Identities that were slashed, owe something, or announced that stake, pool or a higher fee is on its way. */
  readonly troubled: ReadonlySet<Address>
}

const channelEvents = [
  ...(['ExitRequested', 'ChannelConcluded', 'ChannelExited'] as const),
  ...(['WithdrawalRequested', 'FeeAnnounced'] as const),
]
const registryEvents = ['UnbondingRequested', 'Slashed', 'DebtChanged'] as const

/** What happened in these blocks that may concern us: who has to act looks at the chain's state, not at this. */
export async function readNews(chain: Chain, from: number, to: number): Promise<ChainNews> {
  const { channels, registry, deployment, rpc } = chain
  const names = new Map<string, string>([
    ...channelEvents.map((name): [string, string] => [channels.interface.getEvent(name).topicHash, name]),
    ...registryEvents.map((name): [string, string] => [registry.interface.getEvent(name).topicHash, name]),
  ])
  const endings: ChannelEnding[] = []
  const troubled = new Set<Address>()
  const logs = inChunks(from, to, (fromBlock, toBlock) =>
    rpc.getLogs({
      address: [deployment.channels, deployment.registry],
      topics: [[...names.keys()]],
      fromBlock,
      toBlock,
    }),
  )
  for await (const { topics } of logs) {
    const [topic = '', subject = ''] = topics
    const name = names.get(topic)
    if (name === 'ExitRequested') endings.push({ kind: 'exit-requested', channelId: bytes32(subject) })
    else if (name === 'ChannelConcluded' || name === 'ChannelExited')
      endings.push({ kind: 'closed', channelId: bytes32(subject) })
    else troubled.add(addressOf(subject))
  }
  return { endings, troubled }
}

/** One movement of money towards us, as the contract announced it. */
export interface Payment {
  readonly kind: 'draw' | 'redeem'
  /** Of a draw. */
  readonly channelId: Hex | undefined
  /** Of a redemption. */
  readonly hub: Address | undefined
  readonly amount: Wei
  /** Running total after it: drawn from the channel, or paid out by the hub. */
  readonly total: Wei
  readonly transaction: Hex
  readonly block: number
}

interface PaymentLog {
  readonly topics: readonly string[]
  readonly data: string
  readonly transactionHash: string
  readonly blockNumber: number
}

/** What was drawn for us, and paid out to us, in these blocks, by whomever: piece by piece, each with its last block. */
export async function* findPayments(
  chain: Chain,
  provider: Address,
  from: number,
  to: number,
): AsyncGenerator<{ payments: Payment[]; through: number }> {
  const { channels } = chain
  const topics = (['Drawn', 'Redeemed'] as const).map((name) => channels.interface.getEvent(name).topicHash)
  const pieces = inPieces<PaymentLog>(from, to, (fromBlock, toBlock) =>
    chain.rpc.getLogs({
      address: chain.deployment.channels,
      topics: [topics, null, zeroPadValue(provider, 32)],
      fromBlock,
      toBlock,
    }),
  )
  for await (const { logs, to: through } of pieces)
    yield { payments: readPayments(chain, logs, provider), through }
}

/** The payments to us among a transaction's logs. */
export function readPayments(chain: Chain, logs: readonly PaymentLog[], provider: Address): Payment[] {
  return logs.flatMap(({ topics, data, transactionHash, blockNumber }): Payment[] => {
    const event = chain.channels.interface.parseLog({ topics: [...topics], data })
    if (!event || !['Redeemed', 'Drawn'].includes(event.name)) return []
    const { args } = event
    if (address(args.provider) !== provider) return []
    const where = { transaction: bytes32(transactionHash), block: blockNumber, amount: wei(args.amount) }
    return event.name === 'Drawn'
      ? [
          {
            ...where,
            kind: 'draw',
            channelId: bytes32(args.channelId),
            hub: undefined,
            total: wei(args.total),
          },
        ]
      : [{ ...where, kind: 'redeem', channelId: undefined, hub: address(args.hub), total: wei(args.paid) }]
  })
}

const addressOf = (topic: string): Address => address(`0x${topic.slice(-40)}`)
