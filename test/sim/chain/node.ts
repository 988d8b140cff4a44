import { address, type Hex } from '@pontage/shared'
import type { Answerer } from '../stage/doors/http.js'
import { timeline } from '../stage/timeline.js'
import type { Block, Chain, Receipt } from './chain.js'
import { refusalData } from './contracts.js'
import { deployment } from './deployment.js'
import { type Call, execute } from './execute.js'
import type { ChainState } from './state.js'
import { answer } from './views.js'

/** What is wrong with a node. */
export type NodeFault = 'none' | 'silent' | 'busy' | 'frozen' | 'lagging' | 'leavesOutLogs' | 'claimsTooMuch'

interface Question {
  readonly id: number
  readonly method: string
  readonly params: readonly unknown[]
}

/** One RPC address. It answers everything that a program of ours asks, truthfully or not. */
export class Node implements Answerer {
  #fault: NodeFault = 'none'
  #frozenAt = 0
  #since = 0

  constructor(
    readonly machine: string,
    private readonly chain: Chain,
  ) {}

  get fault(): NodeFault {
    return this.#fault
  }

  /** Milliseconds since it showed a new block. */
  get standsStillForMs(): number {
    return this.#fault === 'frozen' ? timeline().nowMs - this.#since : 0
  }

  /** Number of the newest block that it knows. */
  get shows(): number {
    return this.#fault === 'frozen' ? this.#frozenAt : this.chain.newest.number
  }

  fall(fault: NodeFault): void {
    this.#since = timeline().nowMs
    this.#fault = fault
    this.#frozenAt = this.chain.newest.number
    timeline().trace.note(`${this.machine} ${fault}`)
  }

  async answer(body: string): Promise<{ status: number; text: string; retryAfter?: string } | undefined> {
    if (this.#fault === 'silent') return undefined
    if (this.#fault === 'busy') return { status: 429, text: '{}', retryAfter: '1' }
    const asked: unknown = JSON.parse(body)
    const questions = [asked].flat() as Question[]
    const answers: object[] = []
    for (const question of questions) answers.push(await this.#reply(question))
    return { status: 200, text: JSON.stringify(Array.isArray(asked) ? answers : answers[0]) }
  }

  async #reply({ id, method, params }: Question): Promise<object> {
    try {
      return { jsonrpc: '2.0', id, result: await this.#do(method, params) }
    } catch (error) {
      const { message, data } = error as Error & { data?: Hex }
      return { jsonrpc: '2.0', id, error: { code: data === undefined ? -32_000 : 3, message, data } }
    }
  }

  /** The newest block that this node has. */
  get #newest(): Block {
    const { blocks, newest } = this.chain
    if (this.#fault === 'frozen') return blocks[Math.min(this.#frozenAt, blocks.length - 1)] as Block
    if (this.#fault === 'lagging') return blocks[Math.max(0, blocks.length - 9)] as Block
    return newest
  }

  #blockAt(tag: unknown): Block | undefined {
    const { number } = this.#newest
    if (tag === 'latest' || tag === 'pending' || tag === undefined) return this.#newest
    const wanted = Number(tag)
    return wanted <= number ? this.chain.blocks[wanted] : undefined
  }

  #stateAt(tag: unknown): ChainState {
    const block = this.#blockAt(tag)
    if (!block) throw new Error('header not found')
    return block.state
  }

  async #do(method: string, params: readonly unknown[]): Promise<unknown> {
    const { chain } = this
    switch (method) {
      case 'eth_chainId':
        return hex(deployment.chainId)
      case 'eth_blockNumber':
        return hex(this.#newest.number + (this.#fault === 'claimsTooMuch' ? 5_000 : 0))
      case 'eth_getBlockByNumber':
        return shownBlock(this.#blockAt(params[0]))
      case 'eth_getBlockByHash':
        return shownBlock(chain.blocks.find(({ hash }) => hash === params[0]))
      case 'eth_getCode':
        return '0x01'
      case 'eth_getBalance':
        return hex(10n ** 21n)
      case 'eth_gasPrice':
        return hex(chain.baseFee + 10n ** 9n)
      case 'eth_maxPriorityFeePerGas':
        return hex(10n ** 9n)
      case 'eth_getTransactionCount': {
        const account = address(String(params[0]))
        if (params[1] === 'pending') return hex(chain.pendingNonce(account))
        return hex(this.#stateAt(params[1]).nonces.get(account) ?? 0)
      }
      case 'eth_call':
        return this.#call(params[0] as Call, params[1])
      case 'eth_estimateGas':
        await this.#try(params[0] as Call, params[1])
        return hex(250_000)
      case 'eth_sendRawTransaction':
        return chain.take(params[0] as Hex)
      case 'eth_getTransactionReceipt':
        return this.#receipt(params[0])
      case 'eth_getTransactionByHash':
        return this.#transaction(params[0])
      case 'eth_getLogs':
        return this.#logs(params[0] as LogFilter)
      case 'eth_getBlockReceipts': {
        const block = this.#blockAt(params[0])
        return block ? block.receipts.map((receipt) => shownReceipt(block, receipt)) : null
      }
      default:
        throw Object.assign(new Error(`the method ${method} does not exist`))
    }
  }

  async #call(call: Call, tag: unknown): Promise<string> {
    const to = address(String(call.to))
    const found = answer(this.#stateAt(tag), to, call.data)
    if (found !== undefined) return found
    await this.#try(call, tag)
    return '0x'
  }

  /** @throws Error as a node does when the contracts refuse */
  async #try(call: Call, tag: unknown): Promise<void> {
    const from = address(String(call.from ?? `0x${'00'.repeat(20)}`))
    const state = this.#stateAt(tag)
    const done = await execute(state, { from, to: address(String(call.to)), data: call.data ?? '0x' })
    if (done.ok) return
    throw Object.assign(new Error(`execution reverted: ${done.refusal}`), {
      data: refusalData(done.contract, done.refusal),
    })
  }

  #find(hash: unknown): [Block, Receipt] | undefined {
    const { number } = this.#newest
    for (let at = number; at >= 0; at--) {
      const block = this.chain.blocks[at]
      const receipt = block?.receipts.find(({ transaction }) => transaction.hash === hash)
      if (block && receipt) return [block, receipt]
    }
    return undefined
  }

  #receipt(hash: unknown): object | null {
    const found = this.#find(hash)
    return found ? shownReceipt(...found) : null
  }

  #transaction(hash: unknown): object | null {
    const waiting = [...this.chain.mempool.values()].find((pending) => pending.hash === hash)
    const [block, receipt] = this.#find(hash) ?? []
    const known = waiting ?? receipt?.transaction
    if (!known) return null
    const { from, to, data, nonce } = known
    const place = block
      ? { blockNumber: hex(block.number), blockHash: block.hash }
      : { blockNumber: null, blockHash: null }
    return {
      hash,
      from,
      to,
      input: data,
      nonce: hex(nonce),
      value: '0x0',
      gas: hex(known.gasLimit),
      ...place,
    }
  }

  #logs({ fromBlock, toBlock, blockHash, address: contract, topics = [] }: LogFilter): object[] {
    const isSilent = this.#fault === 'leavesOutLogs'
    const [first, last] = [
      Number(fromBlock ?? 0),
      toBlock === undefined ? this.#newest.number : Number(toBlock),
    ]
    if (!blockHash && last > this.#newest.number) throw new Error('the range of blocks ends beyond the head')
    const blocks = blockHash
      ? this.chain.blocks.filter(({ hash }) => hash === blockHash)
      : this.chain.blocks.slice(first, last + 1)
    if (isSilent) return []
    return blocks
      .flatMap((block) => logsOf(block, block.receipts))
      .filter(
        (log) =>
          (contract === undefined || log.address === String(contract).toLowerCase()) &&
          topics.every(
            (wanted, index) => wanted === null || [wanted].flat().includes(log.topics[index] ?? ''),
          ),
      )
  }
}

interface LogFilter {
  readonly fromBlock?: string
  readonly toBlock?: string
  readonly blockHash?: string
  readonly address?: string
  readonly topics?: readonly (string | readonly string[] | null)[]
}

const hex = (value: number | bigint): string => `0x${value.toString(16)}`

function shownBlock(block: Block | undefined): object | null {
  if (!block) return null
  return {
    number: hex(block.number),
    hash: block.hash,
    parentHash: block.parent,
    timestamp: hex(block.at),
    baseFeePerGas: hex(block.baseFee),
    logsBloom: block.bloom,
    transactions: block.receipts.map(({ transaction }) => transaction.hash),
    nonce: '0x0000000000000000',
    difficulty: '0x0',
    gasLimit: hex(30_000_000),
    gasUsed: '0x0',
    miner: `0x${'00'.repeat(20)}`,
    extraData: '0x',
  }
}

interface ShownLog {
  readonly address: string
  readonly topics: readonly string[]
}

function logsOf(block: Block, receipts: readonly Receipt[]): (ShownLog & object)[] {
  let index = 0
  return receipts.flatMap(({ transaction, logs, index: place }) =>
    logs.map((log) => ({
      ...log,
      topics: [...log.topics],
      blockNumber: hex(block.number),
      blockHash: block.hash,
      transactionHash: transaction.hash,
      transactionIndex: hex(place),
      logIndex: hex(index++),
      removed: false,
    })),
  )
}

function shownReceipt(block: Block, receipt: Receipt): object {
  const { transaction, succeeded, index } = receipt
  return {
    transactionHash: transaction.hash,
    transactionIndex: hex(index),
    blockNumber: hex(block.number),
    blockHash: block.hash,
    from: transaction.from,
    to: transaction.to,
    contractAddress: null,
    status: succeeded ? '0x1' : '0x0',
    type: '0x2',
    gasUsed: hex(200_000),
    cumulativeGasUsed: hex(200_000 * (index + 1)),
    effectiveGasPrice: hex(block.baseFee),
    logsBloom: block.bloom,
    logs: logsOf(block, block.receipts).filter(
      (log) => (log as { transactionHash?: string }).transactionHash === transaction.hash,
    ),
  }
}
