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
import { systemClock } from '../../clock.js'
import type { Deployment } from '../../documents.js'
import { printable } from '../../printable.js'
import { unixSeconds } from '../../units.js'
import { UserError } from '../program/userError.js'
import type { Log } from '../report/log.js'
import { publicAddress } from '../report/publicAddress.js'
import type { Block } from './block.js'
import { knownDeployment, readDeployment } from './deployment.js'
import { RpcNode } from './rpcNode.js'
import { askChainId, RpcPool } from './rpcPool.js'

/** One deployment on one chain, read through one RPC address or several. */
export interface Chain {
  readonly deployment: Deployment
  readonly rpc: RpcPool
  readonly token: TestToken
  readonly registry: IIdentityRegistry
  readonly channels: IPaymentChannels
  readonly marketplace: IMarketplace
  /** How many blocks must follow one before what it says is relied upon; 0 relies on the newest. */
  readonly confirmations: number
  /** The most a transaction may offer for each unit of gas, in wei of the chain's coin. */
  readonly maxFeePerGas: bigint
  /** Seconds after which the newest block no longer says how the chain stands now. */
  readonly maxHeadAgeSeconds: number
  readonly tokenDecimals: number
  readonly tokenSymbol: string
  /** The newest block. */
  head(): Promise<Block>
  /** The block `confirmations` below the newest: what is decided, is decided on it. */
  confirmed(): Promise<Block>
  close(): void
}

/** 500 gwei. */
const defaultMaxFeePerGas = 500n * 10n ** 9n
/** Milliseconds that a node may be too busy to say which chain it is on. */
const startPatienceMs = 10_000
/** Milliseconds for which a newest block, heard of while connecting, says which blocks are confirmed. */
const earlyLastsMs = 1_000
/** Public chains make a block every few seconds. */
const defaultMaxHeadAgeSeconds = 180
/** Nodes for development make a block when there is something to put into it, which may be never. */
const developmentChainIds: readonly number[] = [1_337, 31_337]

/**
 * Connects to a chain and makes sure that it is the deployment's.
 *
 * @param options.rpc - Addresses of nodes, the preferred first.
 * @param options.deploymentFile - JSON of a {@link Deployment}; the committed one of the chain when left out.
 * @param options.readsAtOnce - Whether blocks may be confirmed by a height heard of while connecting, for a second; default: by the
 * newest there is.
 * @throws UserError when the RPC does not answer, is another chain's, or has no such contracts.
 */
export async function connectChain(options: {
  rpc: string | readonly string[]
  deploymentFile?: string
  confirmations: number
  maxFeePerGas?: bigint
  maxHeadAgeSeconds?: number
  readsAtOnce?: boolean
  log?: Log
}): Promise<Chain> {
  const urls = [...new Set([options.rpc].flat())]
  const asked = commonChainId(urls, options.log)
  asked.catch(() => undefined) // Heard of below.
  const { deploymentFile } = options
  const deployment =
    deploymentFile === undefined ? knownDeployment(await asked) : await readDeployment(deploymentFile)
  const maxHeadAgeSeconds = options.maxHeadAgeSeconds ?? usualHeadAge(deployment.chainId)
  const rpc = new RpcPool(urls, deployment.chainId, options.log, { maxHeadAgeSeconds, now: systemClock.now })
  const token = TestToken__factory.connect(deployment.token, rpc)
  // Asked beside the chain's id, which the pool asks for itself: what is wrong with that is said first.
  const constants = readConstants(rpc, deployment, token)
  constants.catch(() => undefined)
  // Who reads begins by asking how far the chain is: that goes along.
  const early = options.readsAtOnce
    ? rpc.send('eth_blockNumber', []).then(Number, () => undefined)
    : Promise.resolve(undefined)
  const earlyUntil = performance.now() + earlyLastsMs
  const [decimals, symbol] = await asked
    .then((chainId) => {
      if (deployment.chainId === chainId) return constants
      throw new UserError(
        `${publicNames(urls)} is on chain ${chainId}, but the deployment is on chain ${deployment.chainId}. Change --rpc or --deployment.`,
      )
    })
    .catch((error) => {
      rpc.destroy()
      throw error
    })
  const blockAt = async (tag: number): Promise<Block> => {
    const block = await rpc.getBlock(tag)
    if (!block?.hash) throw new Error(`The RPC ${rpc.url} has no block ${tag}.`)
    return { number: block.number, at: unixSeconds(block.timestamp), hash: block.hash }
  }
  return {
    deployment,
    rpc,
    token,
    registry: IIdentityRegistry__factory.connect(deployment.registry, rpc),
    channels: IPaymentChannels__factory.connect(deployment.channels, rpc),
    marketplace: IMarketplace__factory.connect(deployment.marketplace, rpc),
    confirmations: options.confirmations,
    maxFeePerGas: options.maxFeePerGas ?? defaultMaxFeePerGas,
    maxHeadAgeSeconds,
    tokenDecimals: Number(decimals),
    tokenSymbol: symbol,
    head: () => rpc.newestBlock(),
    confirmed: async () => {
      const known = performance.now() < earlyUntil ? await early : undefined
      const newest = known ?? (await rpc.getBlockNumber())
      return blockAt(Math.max(0, newest - options.confirmations))
    },
    close: () => rpc.destroy(),
  }
}

/** Decimals and symbol of the token. @throws UserError when one of the contracts is not there. */
async function readConstants(
  rpc: RpcPool,
  deployment: Deployment,
  token: TestToken,
): Promise<[decimals: bigint, symbol: string]> {
  const constants = Promise.all([token.decimals(), symbolOf(token)])
  constants.catch(() => undefined) // Where there is no token, that is said instead.
  const names = ['token', 'registry', 'channels', 'marketplace'] as const
  const codes = await Promise.all(names.map((name) => rpc.getCode(deployment[name])))
  const missing = names.find((_name, index) => codes[index] === '0x')
  if (missing === undefined) return constants
  throw new UserError(
    `There is no ${missing} contract at ${deployment[missing]} on chain ${deployment.chainId}. Check --deployment, or whether the node is synchronised.`,
  )
}

/** A token's symbol as it may be shown; old tokens give it in 32 bytes. */
async function symbolOf(token: TestToken): Promise<string> {
  const answer = await token.runner?.call?.({
    to: await token.getAddress(),
    data: token.interface.encodeFunctionData('symbol'),
  })
  try {
    const [symbol] = token.interface.decodeFunctionResult('symbol', answer ?? '0x')
    return printable(symbol)
  } catch {
    const text = Buffer.from((answer ?? '0x').slice(2), 'hex')
      .toString('latin1')
      .replace(/\0+$/, '')
    return text.length > 0 && text.length <= 32 ? printable(text) : 'tokens'
  }
}

const publicNames = (urls: readonly string[]): string => urls.map(publicAddress).join(', ')

const usualHeadAge = (chainId: number): number =>
  developmentChainIds.includes(chainId) ? Number.POSITIVE_INFINITY : defaultMaxHeadAgeSeconds

/**
 * The one chain that these addresses are on. Those that do not answer are left for later, as long as one does.
 *
 * @throws UserError when none answers, or two are on different chains.
 */
async function commonChainId(urls: readonly string[], log: Log | undefined): Promise<number> {
  const answers = await Promise.all(
    urls.map(async (url) => {
      const asked = askChainId(new RpcNode(url), { patienceMs: startPatienceMs })
      return { url, chainId: await asked.catch((error: Error) => error) }
    }),
  )
  let found: { url: string; chainId: number } | undefined
  let failure = new Error('no address is given')
  for (const { url, chainId } of answers) {
    if (chainId instanceof Error) {
      failure = chainId
      continue
    }
    if (found && found.chainId !== chainId)
      throw new UserError(
        `${publicAddress(found.url)} is on chain ${found.chainId}, but ${publicAddress(url)} is on chain ${chainId}. Give addresses of the same chain to --rpc.`,
      )
    found = { url, chainId }
  }
  if (!found)
    throw new UserError(
      `The chain at ${publicNames(urls)} cannot be reached: ${failure.message}. Check --rpc, and that the node is running.`,
      { cause: failure, code: 'no-chain' },
    )
  for (const { url, chainId } of answers)
    if (chainId instanceof Error)
      log?.warn('RPC does not answer', { rpc: publicAddress(url), reason: chainId.message })
  return found.chainId
}
