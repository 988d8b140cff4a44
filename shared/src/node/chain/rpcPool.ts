import {
  type Log as ChainLog,
  type Filter,
  type FilterByBlockHash,
  type JsonRpcPayload,
  JsonRpcProvider,
  type JsonRpcResult,
  Network,
  type TransactionReceipt,
  type TransactionReceiptParams,
} from 'ethers'
import { type UnixSeconds, unixSeconds } from '../../units.js'
import { UserError } from '../program/userError.js'
import type { Log } from '../report/log.js'
import type { Block } from './block.js'
import { aheadSeconds, commonHeight, differ, notBelieved, toleratedLag } from './heads.js'
import { askNearHeaders, findGap } from './logGaps.js'
import { RpcNode } from './rpcNode.js'
import { RpcBusy } from './rpcRequest.js'

/** One RPC address, and whether it is asked. */
interface Endpoint {
  readonly node: RpcNode
  /** Why it is passed over; undefined while it is well. */
  trouble?: string
  /** Milliseconds of the monotonic clock before which it is asked only if no other is left. */
  notBefore: number
  /** Milliseconds of the monotonic clock when it last said that it is on the right chain, since it was away. */
  checkedAt: number
  /** Whether its newest block was behind what another knew when they were compared last. */
  isBehind: boolean
}

/** How one RPC address stands, as it may be shown. */
export interface RpcStanding {
  readonly name: string
  readonly inUse: boolean
  /** Why it is passed over; null while it is well. */
  readonly trouble: string | null
}

/** What nodes say of a block, in hexadecimal. */
interface RawHeader {
  readonly number: string
  readonly timestamp: string
  readonly hash: string | null
}

const awayMs = 5_000
const distrustMs = 300_000
/** Milliseconds that a node which is only busy is waited for, where no other answers. */
const busyPatienceMs = 20_000
/** Milliseconds between looks for receipts. */
const pollingMs = 500
/** Milliseconds after which a node is asked again which chain it is on: another may stand at its address by now. */
const chainLastsMs = 30_000
/** Milliseconds between comparisons of what all nodes call the newest block, and how long one may take to say. */
const compareEveryMs = 2_000
const compareWithinMs = 2_000

/**
 * The chain by several RPC addresses: the first that answers is asked until it fails, lags, leaves out logs or turns
 * out to be on another chain; then the next. One that failed is tried again after a while.
 */
export class RpcPool extends JsonRpcProvider {
  readonly #endpoints: readonly Endpoint[]
  readonly #chainId: number
  readonly #log: Log | undefined
  readonly #now: () => UnixSeconds
  /** Whether the chain makes its blocks by the clock. */
  readonly #keepsTime: boolean
  #active: Endpoint
  #highest = 0
  #comparedAt = Number.NEGATIVE_INFINITY

  constructor(
    urls: readonly string[],
    chainId: number,
    log: Log | undefined,
    { maxHeadAgeSeconds, now }: { maxHeadAgeSeconds: number; now: () => UnixSeconds },
  ) {
    const [first] = urls
    if (first === undefined) throw new UserError('No RPC address was given. Give one with --rpc.')
    super(first, chainId, {
      staticNetwork: Network.from(chainId),
      cacheTimeout: -1,
      // Questions of one moment go in one message; nothing else is waited for.
      batchStallTime: 0,
      polling: true,
      pollingInterval: pollingMs,
    })
    const [active, ...others] = [...urls].map(
      (url): Endpoint => ({
        node: new RpcNode(url),
        notBefore: 0,
        checkedAt: Number.NEGATIVE_INFINITY,
        isBehind: false,
      }),
    ) as [Endpoint, ...Endpoint[]]
    this.#active = active
    this.#endpoints = [active, ...others]
    this.#chainId = chainId
    this.#log = log
    this.#now = now
    this.#keepsTime = Number.isFinite(maxHeadAgeSeconds)
  }

  /** The address that is asked at the moment, as it may be shown. */
  get url(): string {
    return this.#active.node.name
  }

  /** All addresses, the preferred first: which one is asked, and why another is not. */
  get nodes(): readonly RpcStanding[] {
    return this.#endpoints.map((endpoint) => ({
      name: endpoint.node.name,
      inUse: endpoint === this.#active,
      trouble: endpoint.trouble ?? null,
    }))
  }

  override async _send(payload: JsonRpcPayload | JsonRpcPayload[]): Promise<JsonRpcResult[]> {
    let failure: Error | undefined
    let busy: Endpoint | undefined
    for (const endpoint of this.#inOrder()) {
      try {
        const results = isChecked(endpoint)
          ? await endpoint.node.ask(payload)
          : await this.#askUnchecked(endpoint, payload)
        if (results === undefined) continue
        this.#use(endpoint)
        return results
      } catch (error) {
        failure = error as Error
        if (failure instanceof RpcBusy) busy ??= endpoint
        this.#passOver(endpoint, `does not answer: ${failure.message}`, awayMs)
      }
    }
    // Where nobody else answers, one that is only busy is waited for.
    if (busy) return busy.node.ask(payload, { patienceMs: busyPatienceMs })
    throw failure ?? new Error(`No RPC address is on chain ${this.#chainId} any more.`)
  }

  /**
   * The newest block's number. A node that is behind what another knows, or what was seen before, is passed over where
   * another is not: it may answer everything and yet stand still.
   */
  override async getBlockNumber(): Promise<number> {
    const newest = await this.#newest(async () => ({
      number: Number(await this.send('eth_blockNumber', [])),
    }))
    return newest.number
  }

  /** The newest block, of which the same holds. */
  async newestBlock(): Promise<Block> {
    return this.#newest(async () => {
      const found: RawHeader | null = await this.send('eth_getBlockByNumber', ['latest', false])
      if (!found?.hash) throw new Error(`The RPC ${this.url} does not say which block is the newest.`)
      return { number: Number(found.number), at: unixSeconds(Number(found.timestamp)), hash: found.hash }
    })
  }

  async #newest<Newest extends { readonly number: number }>(ask: () => Promise<Newest>): Promise<Newest> {
    await this.#compareHeads()
    let best: Newest | undefined
    for (let asked = 0; asked < this.#endpoints.length; asked++) {
      const endpoint = this.#active
      const newest = await ask()
      if (best === undefined || newest.number > best.number) best = newest
      if (newest.number + toleratedLag >= this.#highest || this.#active !== endpoint) break
      this.#passOver(endpoint, behind(newest.number, this.#highest), awayMs)
    }
    best ??= await ask()
    if (best.number + toleratedLag < this.#highest) this.#saysShorter(best.number)
    this.#highest = best.number
    return best
  }

  /** The newest block that was heard of, or the last that is asked for. */
  #newestKnown(toBlock: unknown): number {
    return Math.max(this.#highest, typeof toBlock === 'number' ? toBlock : 0)
  }

  /** Also from another node than the one in use: what one knows has happened, though others may not know it yet. */
  override async getTransactionReceipt(hash: string): Promise<TransactionReceipt | null> {
    const receipt = await super.getTransactionReceipt(hash)
    if (receipt !== null) return receipt
    for (const { answer: found } of await this.#askOthers('eth_getTransactionReceipt', [hash])) {
      const { blockNumber, blockHash } = (found ?? {}) as { blockNumber?: string; blockHash?: string }
      if (blockNumber === undefined) continue
      // A node left behind on a dead branch would name a block that the others have replaced.
      const block = await this.getBlock(Number(blockNumber))
      if (block === null || block.hash === blockHash)
        return this._wrapTransactionReceipt(found as TransactionReceiptParams, this._network)
    }
    return null
  }

  /**
   * Whether any node has this transaction, in a block or waiting for one; undefined when none of those that answer does
   * and another does not answer: it may have taken it without saying so.
   */
  async knowsTransaction(hash: string): Promise<boolean | undefined> {
    const question = 'eth_getTransactionByHash'
    const own = await this.send(question, [hash])
    const current = this.#endpoints.filter((each) => each !== this.#active && !each.isBehind)
    const others = await this.#ask(current, question, [hash])
    if (own !== null || others.some(({ answer }) => answer !== null)) return true
    return others.length === current.length ? false : undefined
  }

  /** @throws Error when no address gives all logs that the headers of the blocks speak of. */
  override async getLogs(filter: Filter | FilterByBlockHash): Promise<ChainLog[]> {
    for (let left = this.#endpoints.length; ; left--) {
      const endpoint = this.#active
      const newest = this.#newestKnown('toBlock' in filter ? filter.toBlock : 0)
      const near = askNearHeaders(this, filter, newest)
      const logs = await super.getLogs(filter)
      const gap = await findGap(this, filter, logs, near, newest)
      if (gap === undefined) return logs
      this.#passOver(endpoint, `leaves out logs of block ${gap}`, distrustMs)
      if (left <= 1) throw new Error(`The RPC ${endpoint.node.name} leaves out logs of block ${gap}.`)
    }
  }

  /**
   * Asks, now and then, which block each of the nodes calls the newest, so that one standing still is noticed, and one
   * that claims more than there is.
   */
  async #compareHeads(): Promise<void> {
    if (this.#endpoints.length === 1 || performance.now() - this.#comparedAt < compareEveryMs) return
    this.#comparedAt = performance.now()
    const answers = await this.#ask(this.#within(this.#endpoints), 'eth_blockNumber', [])
    const numbers = answers.map(({ answer }) => Number(answer) || 0)
    const agree = numbers.length < 2 || !differ(numbers)
    const heads = await Promise.all(
      answers.map(async ({ endpoint }, index) => {
        const number = numbers[index] ?? 0
        return { endpoint, number, at: agree ? this.#now() : await this.#shownAt(endpoint, number) }
      }),
    )
    const latest = this.#keepsTime ? this.#now() + aheadSeconds : Number.POSITIVE_INFINITY
    const believed = heads.filter((head) => {
      const trouble = notBelieved(head, latest)
      if (trouble !== undefined) this.#passOver(head.endpoint, trouble, awayMs)
      return trouble === undefined
    })
    if (believed.length === 0) return
    const height = commonHeight(believed, this.#keepsTime)
    if (height + toleratedLag < this.#highest) this.#saysShorter(height)
    this.#highest = height
    for (const { endpoint, number } of believed) {
      endpoint.isBehind = number + toleratedLag < height
      if (endpoint.isBehind) this.#passOver(endpoint, behind(number, height), awayMs)
    }
  }

  /** When a node says that its block of this number was made; undefined where it shows none. */
  async #shownAt(endpoint: Endpoint, number: number): Promise<UnixSeconds | undefined> {
    const [shown] = await this.#ask([endpoint], 'eth_getBlockByNumber', [`0x${number.toString(16)}`, false])
    const block = (shown?.answer ?? {}) as Partial<RawHeader>
    return Number(block.number) === number && block.timestamp !== undefined
      ? unixSeconds(Number(block.timestamp))
      : undefined
  }

  #saysShorter(block: number): void {
    this.#log?.warn('the chain is shorter than before', { block, before: this.#highest })
  }

  /** What the nodes not in use answer; those that are away, late or on another chain are left out. */
  async #askOthers(method: string, params: unknown[]): Promise<{ endpoint: Endpoint; answer: unknown }[]> {
    return this.#ask(
      this.#within(this.#endpoints).filter((each) => each !== this.#active),
      method,
      params,
    )
  }

  /** Those that are not away. */
  #within(endpoints: readonly Endpoint[]): readonly Endpoint[] {
    const now = performance.now()
    return endpoints.filter(({ notBefore }) => notBefore <= now)
  }

  async #ask(
    endpoints: readonly Endpoint[],
    method: string,
    params: unknown[],
  ): Promise<{ endpoint: Endpoint; answer: unknown }[]> {
    const answers = await Promise.all(
      endpoints.map(async (endpoint) => {
        try {
          if (!isChecked(endpoint) && !(await this.#check(endpoint, compareWithinMs))) return []
          const question = { jsonrpc: '2.0', id: 1, method, params } as const
          const [answer] = await endpoint.node.ask(question, { timeoutMs: compareWithinMs })
          return answer && 'result' in answer ? [{ endpoint, answer: answer.result }] : []
        } catch {
          return [] // It is passed over when it is asked for its own sake.
        }
      }),
    )
    return answers.flat()
  }

  /** Those that are well, the present one first; then those due to be tried again; at last the rest. */
  #inOrder(): readonly Endpoint[] {
    const now = performance.now()
    const rank = (endpoint: Endpoint): number => {
      if (endpoint.trouble === undefined) return endpoint === this.#active ? 0 : 1
      return endpoint.notBefore <= now ? 2 : 3
    }
    return [...this.#endpoints].sort((a, b) => rank(a) - rank(b))
  }

  /** Asks a node which chain it is on, and the rest in the same message. @returns undefined when it is the wrong one. */
  async #askUnchecked(
    endpoint: Endpoint,
    payload: JsonRpcPayload | JsonRpcPayload[],
  ): Promise<JsonRpcResult[] | undefined> {
    const questions = [payload].flat()
    const first = { ...chainIdQuestion, id: 1 + Math.max(...questions.map(({ id }) => id)) }
    const answers = await endpoint.node.ask([first, ...questions])
    const chainId = chainIdIn(answers.find(({ id }) => id === first.id))
    return this.#judge(endpoint, chainId) ? answers.filter(({ id }) => id !== first.id) : undefined
  }

  async #check(endpoint: Endpoint, timeoutMs?: number): Promise<boolean> {
    return this.#judge(
      endpoint,
      await askChainId(endpoint.node, timeoutMs === undefined ? {} : { timeoutMs }),
    )
  }

  #judge(endpoint: Endpoint, chainId: number): boolean {
    const isRight = chainId === this.#chainId
    if (isRight) endpoint.checkedAt = performance.now()
    else this.#passOver(endpoint, `is chain ${chainId}, not ${this.#chainId}`, distrustMs)
    return isRight
  }

  #use(endpoint: Endpoint): void {
    const isBack = endpoint.trouble !== undefined && endpoint.notBefore <= performance.now()
    if (endpoint !== this.#active || isBack) this.#log?.info('RPC in use', { rpc: endpoint.node.name })
    this.#active = endpoint
    // One that is asked for want of any other stays what it is until its time has passed.
    if (isBack) delete endpoint.trouble
  }

  #passOver(endpoint: Endpoint, trouble: string, forMs: number): void {
    const isNews = endpoint.trouble === undefined || endpoint.trouble.slice(0, 12) !== trouble.slice(0, 12)
    endpoint.trouble = trouble
    endpoint.notBefore = performance.now() + forMs
    endpoint.checkedAt = Number.NEGATIVE_INFINITY
    if (isNews) this.#log?.warn('RPC passed over', { rpc: endpoint.node.name, reason: trouble.slice(0, 200) })
    const well = this.#endpoints.find((each) => each.trouble === undefined)
    if (well && this.#active === endpoint) this.#active = well
  }
}

const isChecked = ({ checkedAt }: Endpoint): boolean => performance.now() - checkedAt < chainLastsMs

const behind = (number: number, known: number): string =>
  `is at block ${number}, while block ${known} is known`

/** @throws Error when it does not answer with a number. */
export async function askChainId(
  node: RpcNode,
  options: { timeoutMs?: number; patienceMs?: number },
): Promise<number> {
  const [answer] = await node.ask(chainIdQuestion, options)
  return chainIdIn(answer)
}

const chainIdQuestion = { jsonrpc: '2.0', id: 1, method: 'eth_chainId', params: [] } as const

function chainIdIn(answer: JsonRpcResult | undefined): number {
  const chainId = Number(answer?.result)
  if (!Number.isSafeInteger(chainId) || chainId <= 0)
    throw new Error('it does not answer eth_chainId with a number')
  return chainId
}
