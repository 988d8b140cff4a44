import {
  type IIdentityRegistry,
  IIdentityRegistry__factory,
  type IMarketplace,
  IMarketplace__factory,
  type IPaymentChannels,
  IPaymentChannels__factory,
  type TestToken,
  TestToken__factory,
} from '@pontage/channel-contracts'
import { FetchRequest, JsonRpcProvider, Network } from 'ethers'
import type { Deployment } from '../documents.js'
import { type UnixSeconds, unixSeconds } from '../units.js'
import { readDeployment } from './deployment.js'
import { UserError } from './userError.js'

/** A block by number and time. */
export interface Block {
  readonly number: number
  readonly at: UnixSeconds
  readonly hash: string
}

/** One deployment on one chain, read through one RPC address. */
export interface Chain {
  readonly deployment: Deployment
  readonly rpc: JsonRpcProvider
  readonly token: TestToken
  readonly registry: IIdentityRegistry
  readonly channels: IPaymentChannels
  readonly marketplace: IMarketplace
  /** How many blocks must follow one before what it says is relied upon; 0 relies on the newest. */
  readonly confirmations: number
  /** The most a transaction may offer for each unit of gas, in wei of the chain's coin. */
  readonly maxFeePerGas: bigint
  readonly tokenDecimals: number
  readonly tokenSymbol: string
  /** The newest block. */
  head(): Promise<Block>
  /** The block `confirmations` below the newest: what is decided, is decided on it. */
  confirmed(): Promise<Block>
  close(): void
}

/** Milliseconds an RPC may take to answer. */
const rpcTimeoutMs = 15_000
/** Milliseconds between looks for a receipt. */
const pollingMs = 500

/** 500 gwei. */
const defaultMaxFeePerGas = 500n * 10n ** 9n

/**
 * Connects to a chain and makes sure that it is the deployment's.
 *
 * @param options.deploymentFile - JSON of a {@link Deployment}; the committed one of the chain when left out.
 * @throws UserError when the RPC does not answer, is another chain's, or has no such contracts.
 */
export async function connectChain(options: {
  rpc: string
  deploymentFile?: string
  confirmations: number
  maxFeePerGas?: bigint
}): Promise<Chain> {
  const chainId = await askChainId(options.rpc)
  const deployment = await readDeployment(options.deploymentFile, chainId)
  if (deployment.chainId !== chainId)
    throw new UserError(
      `${options.rpc} is chain ${chainId}, but the deployment is on chain ${deployment.chainId}. Change --rpc or --deployment.`,
    )
  const rpc = new JsonRpcProvider(request(options.rpc), chainId, {
    staticNetwork: Network.from(chainId),
    cacheTimeout: -1,
    polling: true,
    pollingInterval: pollingMs,
  })
  for (const contract of ['token', 'registry', 'channels', 'marketplace'] as const)
    if ((await rpc.getCode(deployment[contract])) === '0x') {
      rpc.destroy()
      throw new UserError(
        `There is no ${contract} contract at ${deployment[contract]} on chain ${chainId}. Check --deployment, or whether the node is synchronised.`,
      )
    }
  const token = TestToken__factory.connect(deployment.token, rpc)
  const blockAt = async (tag: number | 'latest'): Promise<Block> => {
    const block = await rpc.getBlock(tag)
    if (!block?.hash) throw new Error(`The RPC ${options.rpc} has no block ${tag}.`)
    return { number: block.number, at: unixSeconds(block.timestamp), hash: block.hash }
  }
  const [decimals, symbol] = await Promise.all([token.decimals(), token.symbol()])
  return {
    deployment,
    rpc,
    token,
    registry: IIdentityRegistry__factory.connect(deployment.registry, rpc),
    channels: IPaymentChannels__factory.connect(deployment.channels, rpc),
    marketplace: IMarketplace__factory.connect(deployment.marketplace, rpc),
    confirmations: options.confirmations,
    maxFeePerGas: options.maxFeePerGas ?? defaultMaxFeePerGas,
    tokenDecimals: Number(decimals),
    tokenSymbol: symbol,
    head: () => blockAt('latest'),
    confirmed: async () => {
      const newest = await rpc.getBlockNumber()
      return blockAt(Math.max(0, newest - options.confirmations))
    },
    close: () => rpc.destroy(),
  }
}

function request(url: string): FetchRequest {
  const request = new FetchRequest(url)
  request.timeout = rpcTimeoutMs
  return request
}

/** Asked without the library's provider, which would retry for ever and print its own warnings. */
async function askChainId(url: string): Promise<number> {
  const refused = (reason: string, cause?: unknown): UserError =>
    new UserError(`The chain at ${url} cannot be reached: ${reason}. Check --rpc and that the node runs.`, {
      cause,
    })
  let answer: { result?: unknown }
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'eth_chainId', params: [] }),
      signal: AbortSignal.timeout(rpcTimeoutMs),
    })
    answer = (await response.json()) as { result?: unknown }
  } catch (error) {
    const cause = (error as Error).cause
    throw refused(cause instanceof Error ? cause.message : (error as Error).message, error)
  }
  const chainId = Number(answer.result)
  if (!Number.isSafeInteger(chainId) || chainId <= 0)
    throw refused('it does not answer eth_chainId with a number')
  return chainId
}

/**
 * Reads logs in pieces that public RPCs accept, halving a piece that is refused.
 *
 * @param read - Reads the logs of the blocks `from` to `to`, both included.
 */
export async function* inChunks<Log>(
  from: number,
  to: number,
  read: (from: number, to: number) => Promise<Log[]>,
): AsyncGenerator<Log> {
  let size = 2_000
  for (let start = from; start <= to; ) {
    const end = Math.min(to, start + size - 1)
    try {
      const logs = await read(start, end)
      yield* logs
      start = end + 1
    } catch (error) {
      if (end === start) throw error
      size = Math.max(1, Math.floor((end - start + 1) / 2))
    }
  }
}
