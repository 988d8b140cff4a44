import { type Address, address, type Hex, unixSeconds } from '@pontage/shared'
import { keccak256 } from '@pontage/shared/node'
import { Transaction } from 'ethers'
import { epochSeconds, type Planned, timeline } from '../stage/timeline.js'
import { bloomOf } from './bloom.js'
import type { Emitted } from './contracts.js'
import { execute } from './execute.js'
import { type ChainState, put } from './state.js'

/** A transaction as it waits, and as a block has it. */
export interface Pending {
  readonly hash: Hex
  readonly raw: Hex
  readonly from: Address
  readonly to: Address
  readonly data: Hex
  readonly nonce: number
  readonly maxFee: bigint
  readonly gasLimit: bigint
}

export interface Receipt {
  readonly transaction: Pending
  readonly succeeded: boolean
  readonly logs: readonly Emitted[]
  readonly index: number
}

export interface Block {
  readonly number: number
  readonly at: number
  readonly hash: Hex
  readonly parent: Hex
  readonly baseFee: bigint
  readonly receipts: readonly Receipt[]
  readonly state: ChainState
  readonly bloom: string
}

const gwei = 10n ** 9n

/** The chain as it really is: nodes show more or less of it. */
export class Chain {
  readonly blocks: Block[] = []
  readonly mempool = new Map<string, Pending>()
  /** Told of each block that is the newest. */
  readonly onBlock: ((block: Block) => void)[] = []
  baseFee = gwei
  /** Seconds between blocks. */
  blockSeconds = 4
  /** Seconds by which the next block comes late. */
  stallSeconds = 0
  #mined = 0
  #injected = 0
  #next: Planned | undefined

  constructor(opening: ChainState) {
    this.#add(opening, epochSeconds, [])
  }

  get newest(): Block {
    return this.blocks.at(-1) as Block
  }

  /** Makes blocks from now on. */
  begin(): void {
    const time = timeline()
    this.#next = time.plan(
      (this.blockSeconds + this.stallSeconds) * 1_000,
      () => {
        this.stallSeconds = 0
        void time.hold(this.mine()).then(() => this.begin())
      },
      time.world,
    )
  }

  stop(): void {
    this.#next?.cancel()
  }

  /** Takes what waits into a block, the earlier nonces of each account first. */
  async mine(): Promise<void> {
    const at = Math.max(this.newest.at + 1, epochSeconds + Math.floor(timeline().nowMs / 1_000))
    let state: ChainState = {
      ...this.newest.state,
      money: { ...this.newest.state.money, now: unixSeconds(at) },
    }
    const receipts: Receipt[] = []
    for (let more = true; more; ) {
      more = false
      for (const [key, pending] of [...this.mempool].sort(([a], [b]) => (a < b ? -1 : 1))) {
        const nonce = state.nonces.get(pending.from) ?? 0
        if (pending.nonce < nonce) this.mempool.delete(key)
        if (pending.nonce !== nonce || pending.maxFee < this.baseFee) continue
        this.mempool.delete(key)
        state = { ...state, nonces: put(state.nonces, pending.from, nonce + 1) }
        const done = await execute(state, pending)
        if (done.ok) state = done.state
        receipts.push({
          transaction: pending,
          succeeded: done.ok,
          logs: done.ok ? done.logs : [],
          index: receipts.length,
        })
        more = true
      }
    }
    this.#add(state, at, receipts)
    const { newest } = this
    for (const { transaction, succeeded } of receipts)
      timeline().trace.note(
        `block ${newest.number} ${transaction.hash.slice(0, 18)} ${succeeded ? 'done' : 'reverted'}`,
      )
    for (const tell of this.onBlock) tell(newest)
  }

  /** Takes a transaction from whoever sends it. @throws Error in the words of a node when it does not. */
  take(raw: Hex): Hex {
    const known = parse(raw)
    const key = keyOf(known)
    const before = this.mempool.get(key)
    if (before?.hash === known.hash) throw new Error('already known')
    if (known.nonce < (this.newest.state.nonces.get(known.from) ?? 0)) throw new Error('nonce too low')
    if (before && known.maxFee * 8n < before.maxFee * 9n)
      throw new Error('replacement transaction underpriced')
    this.mempool.set(key, known)
    timeline().trace.note(`pending ${known.hash.slice(0, 18)}`)
    return known.hash
  }

  /** Has somebody's call wait for a block, by whatever program sent it. */
  inject(from: Address, to: Address, data: Hex, nonce = this.pendingNonce(from)): Hex {
    const digest = keccak256(Buffer.from(`${from} ${nonce} ${data} ${this.#injected++}`))
    const hash = `0x${digest.toString('hex')}` as Hex
    const pending = { hash, raw: '0x' as Hex, from, to, data, nonce, maxFee: 1n << 100n, gasLimit: 500_000n }
    this.mempool.set(keyOf(pending), pending)
    timeline().trace.note(`pending ${hash.slice(0, 18)} ${data.slice(0, 10)}`)
    return hash
  }

  /** What waits is lost, as when nodes run out of room for it. */
  forget(which: (pending: Pending) => boolean): void {
    for (const [key, pending] of this.mempool) if (which(pending)) this.mempool.delete(key)
  }

  /** The first nonce of an account that neither a block nor what waits has. */
  pendingNonce(account: Address): number {
    let nonce = this.newest.state.nonces.get(account) ?? 0
    while (this.mempool.has(keyOf({ from: account, nonce }))) nonce++
    return nonce
  }

  /** Replaces the newest blocks by as many others: what they held waits again, but for what is dropped. */
  async reorganise(depth: number, drops: (pending: Pending) => boolean): Promise<void> {
    const gone = this.blocks.splice(Math.max(1, this.blocks.length - depth))
    timeline().trace.note(`reorganisation of ${gone.length}`)
    for (const { transaction } of gone.flatMap(({ receipts }) => receipts))
      if (!drops(transaction)) this.mempool.set(keyOf(transaction), transaction)
    for (let count = 0; count <= gone.length; count++) await this.mine()
  }

  #add(state: ChainState, at: number, receipts: readonly Receipt[]): void {
    const number = this.blocks.length
    const parent = this.blocks.at(-1)?.hash ?? (`0x${'00'.repeat(32)}` as Hex)
    const digest = keccak256(Buffer.from(`${number} ${parent} ${at} ${this.#mined++}`))
    const hash = `0x${digest.toString('hex')}` as Hex
    const bloom = bloomOf(receipts.flatMap(({ logs }) => logs.map(({ address: from }) => from)))
    this.blocks.push({ number, at, hash, parent, baseFee: this.baseFee, receipts, state, bloom })
    // Of what is old only the state of now and then is asked for.
    const old = this.blocks[number - 200]
    if (old && number % 50 !== 0) this.blocks[number - 200] = { ...old, state }
  }
}

const keyOf = ({ from, nonce }: Pick<Pending, 'from' | 'nonce'>): string =>
  `${from} ${String(nonce).padStart(8, '0')}`

function parse(raw: Hex): Pending {
  const { hash, from, to, data, nonce, maxFeePerGas, gasPrice, gasLimit } = Transaction.from(raw)
  return {
    hash: hash as Hex,
    raw,
    from: address(String(from)),
    to: address(String(to)),
    data: data as Hex,
    nonce,
    maxFee: maxFeePerGas ?? gasPrice ?? 0n,
    gasLimit,
  }
}
