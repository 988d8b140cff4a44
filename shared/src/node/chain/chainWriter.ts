import { keccak256, type TransactionReceipt, Wallet } from 'ethers'
import { systemClock } from '../../clock.js'
import { larger } from '../../order.js'
import { SerialQueue } from '../../serialQueue.js'
import type { Hex } from '../../units.js'
import type { Log } from '../report/log.js'
import { createRepeats } from '../report/repeats.js'
import type { Identity } from '../signing/identity.js'
import type { Chain } from './chain.js'
import { reasonOf, revertedReason } from './chainReason.js'
import { feeFields, type GasPrice, raised } from './gasPrice.js'
import { marketPrice } from './marketPrice.js'
import { intentOf, type Outbox, type OutboxEntry, type SignedVersion } from './outbox.js'

/** Gas added to an estimate: state may move between estimate and block. */
const gasMargin = (gas: bigint): bigint => (gas * 13n) / 10n
/** Blocks a transaction is passed over before it offers more. */
const stuckBlocks = 3
/** Milliseconds after which it offers more though no block was seen: the node may stand still. */
const stuckMs = 45_000
/** Milliseconds after which an unmined transaction is broadcast again though no block came. */
const rebroadcastMs = 3_000
/** Milliseconds that a node which does not answer is waited for before its silence counts as a no. */
const silentNodeMs = 60_000
/** Milliseconds that a nonce below ours may be missing before it is filled. */
const gapMs = 8_000
const maxPauseMs = 1_000

/** Moves entries of an outbox forward: a nonce and a signature, broadcast, a dearer version, a block. */
export class ChainWriter {
  readonly #running = new Map<Hex, Promise<boolean>>()
  readonly #wallet: Wallet
  /** One nonce is given at a time. */
  readonly #assigning = new SerialQueue()
  readonly #isNews = createRepeats()

  constructor(
    private readonly parts: {
      chain: Chain
      identity: Identity
      outbox: Outbox
      /** Milliseconds after which a drive gives up until it is asked for again. */
      timeoutMs: number
      log: Log | undefined
      signal: AbortSignal | undefined
    },
  ) {
    this.#wallet = new Wallet(parts.identity.privateKey.hex())
  }

  /**
   * Brings an entry into a block, or finds out that the chain refuses it; the outbox then says which.
   *
   * @returns false when another process moved the entry meanwhile.
   */
  drive(entry: OutboxEntry): Promise<boolean> {
    const already = this.#running.get(entry.intent)
    if (already) return already
    const driving = this.#drive(entry).finally(() => this.#running.delete(entry.intent))
    this.#running.set(entry.intent, driving)
    return driving
  }

  /** Calls an entry done once its block lies deep enough, and drives it again when the block is gone. */
  async confirm(entry: OutboxEntry): Promise<boolean> {
    const { chain, outbox, log } = this.parts
    const { outcome } = entry
    if (!outcome) return this.drive(entry)
    const receipt = await this.#receiptOf(entry)
    if (!receipt) {
      log?.warn('transaction reorganised away', { transaction: outcome.transaction, nonce: entry.nonce })
      const { outcome: _gone, ...rest } = entry
      const again: OutboxEntry = { ...rest, state: 'sent', revision: entry.revision + 1 }
      return (await outbox.put(again)) && this.drive(again)
    }
    const { number } = await chain.confirmed()
    if (receipt.blockNumber > number) return true
    const succeeded = receipt.status === 1
    return outbox.put({
      ...entry,
      state: succeeded ? 'done' : 'refused',
      revision: entry.revision + 1,
      versions: entry.versions.map(({ raw: _raw, ...version }) => version),
      outcome: { transaction: receipt.hash as Hex, blockNumber: receipt.blockNumber, succeeded },
      settledAt: systemClock.now(),
      ...(succeeded ? {} : { reason: revertedReason }),
    })
  }

  /** Resolves when nothing is being driven. */
  async idle(): Promise<void> {
    while (this.#running.size > 0) await Promise.allSettled([...this.#running.values()])
  }

  async #drive(given: OutboxEntry): Promise<boolean> {
    for (let entry = given; ; ) {
      const sent = entry.state === 'wanted' ? await this.#assign(entry) : entry
      if (!sent) return false
      const came = await this.#awaitBlock(sent)
      if (came !== 'nonce taken') return came
      const { nonce, ...rest } = (await this.parts.outbox.find(entry.intent)) ?? sent
      this.parts.log?.warn('nonce taken by another program', { nonce, intent: entry.intent })
      entry = { ...rest, state: 'wanted', versions: [], revision: rest.revision + 1 }
      if (!(await this.parts.outbox.put(entry))) return false
    }
  }

  /** Gives an entry a nonce and a signature, records both, and only then lets it out. */
  #assign(entry: OutboxEntry): Promise<OutboxEntry | undefined> {
    const { chain, identity, outbox } = this.parts
    return this.#assigning.run(async () => {
      const from = identity.address
      const gasLimit = await chain.rpc
        .estimateGas({ ...entry.call, from })
        .then(gasMargin)
        .catch(async (error) => {
          if ((error as { code?: string }).code === 'CALL_EXCEPTION')
            await outbox.put({
              ...entry,
              state: 'refused',
              revision: entry.revision + 1,
              reason: reasonOf(chain, error),
              settledAt: systemClock.now(),
            })
          throw error
        })
      const [price, count, open, balance] = await Promise.all([
        marketPrice(chain).then((market) => markedBy(entry.intent, market, chain.maxFeePerGas)),
        chain.rpc.getTransactionCount(from, 'pending'),
        outbox.open(),
        chain.rpc.getBalance(from),
      ])
      if (balance < BigInt(entry.call.value) + gasLimit * price.maxFeePerGas)
        throw Object.assign(new Error('too little for gas'), { code: 'INSUFFICIENT_FUNDS', account: from })
      const nonce = lowestFree(count, open)
      const unsigned = { ...entry, state: 'sent', nonce, gasLimit: `${gasLimit}` } as const
      const sent: OutboxEntry = {
        ...unsigned,
        revision: entry.revision + 1,
        versions: [await this.#sign(unsigned, price)],
      }
      if (!(await outbox.put(sent))) return undefined
      await this.#broadcast(sent)
      return sent
    })
  }

  async #awaitBlock(given: OutboxEntry): Promise<boolean | 'nonce taken'> {
    const { chain, identity, outbox, signal, timeoutMs } = this.parts
    const giveUpAt = performance.now() + timeoutMs
    let entry = given
    let seen: number | undefined
    let sentAtBlock = 0
    let pricedAt = performance.now()
    let broadcastAt = given.versions.length === 1 ? performance.now() : 0
    let gapSince: number | undefined
    let spentAt: number | undefined
    for (let pauseMs = 20; ; pauseMs = Math.min(maxPauseMs, pauseMs * 2)) {
      const receipt = await this.#receiptOf(entry)
      if (receipt) return outbox.put(minedIn(entry, receipt))
      const head = await chain.head()
      const deep = Math.max(0, head.number - chain.confirmations)
      const spent = (await chain.rpc.getTransactionCount(identity.address, deep)) > (entry.nonce ?? 0)
      // A node that calls the nonce too low may be the one that does not show our receipt yet: only a nonce spent deep
      // enough, by a transaction that is none of ours to any node, can never be ours any more.
      if (spent) {
        spentAt ??= performance.now()
        const known = await this.#isKnown(entry)
        if (known === false || (known === undefined && performance.now() - spentAt > silentNodeMs))
          return 'nonce taken'
      }
      if (seen === undefined) sentAtBlock = head.number
      const isNewBlock = head.number !== seen
      seen = head.number
      const isOverdue = performance.now() - pricedAt > stuckMs
      if (isOverdue || (isNewBlock && (await this.#isPassedOver(entry, head.number - sentAtBlock)))) {
        // What waits behind another nonce waits for that one: no price of its own brings it into a block.
        const isBehind = await this.#isBehind(entry)
        const dearer = isBehind ? undefined : await this.#raise(entry)
        if (dearer === 'overtaken') return false
        pricedAt = performance.now()
        if (isBehind) sentAtBlock = head.number
        if (dearer) {
          entry = dearer
          sentAtBlock = head.number
        }
      }
      if (isNewBlock || performance.now() - broadcastAt > rebroadcastMs) {
        const code = await this.#broadcast(entry)
        broadcastAt = performance.now()
        const missing = await this.#missingBelow(entry)
        gapSince = missing === undefined ? undefined : (gapSince ?? broadcastAt)
        if (missing !== undefined && broadcastAt - (gapSince ?? broadcastAt) > gapMs)
          await this.#fill(missing, entry)
        if (code === 'INSUFFICIENT_FUNDS')
          throw Object.assign(new Error('too little for gas'), { code, account: identity.address })
      }
      if (performance.now() > giveUpAt) throw Object.assign(new Error('no block yet'), { code: 'TIMEOUT' })
      await wait(pauseMs, signal)
    }
  }

  /**
   * The nonce that keeps an entry from ever being mined: below its own, in no pool and in nobody's outbox. Another
   * program with our key left it, whose transaction was forgotten before a block took it.
   */
  async #missingBelow(entry: OutboxEntry): Promise<number | undefined> {
    const { chain, identity, outbox } = this.parts
    const next = await chain.rpc.getTransactionCount(identity.address, 'pending')
    if (next >= (entry.nonce ?? 0)) return undefined
    return lowestFree(next, await outbox.open()) === next ? next : undefined
  }

  /** Spends a missing nonce on a transaction without effect; what else waits may take it first. */
  async #fill(missing: number, entry: OutboxEntry): Promise<void> {
    const { identity, outbox, log } = this.parts
    log?.warn('a nonce is missing and gets filled', { missing, waiting: entry.nonce })
    const filler = await outbox.add({
      intent: intentOf('fill', identity.address, `${missing}`, `${entry.intent}`),
      state: 'wanted',
      revision: 0,
      call: { to: identity.address, data: '0x', value: '0' },
      versions: [],
    })
    if (filler.state === 'wanted')
      void this.drive(filler).catch((error: Error) =>
        log?.warn('the missing nonce was not filled', { missing, reason: error.message }),
      )
  }

  /** Whether some node has one of the versions; undefined while a node that might have it does not answer. */
  async #isKnown(entry: OutboxEntry): Promise<boolean | undefined> {
    if (await this.#receiptOf(entry)) return true
    const known = await Promise.all(
      entry.versions.map(({ hash }) => this.parts.chain.rpc.knowsTransaction(hash)),
    )
    return known.includes(true) ? true : known.includes(undefined) ? undefined : false
  }

  /** Whether a transaction with an earlier nonce is to come first; one that is nobody's here is named. */
  async #isBehind(entry: OutboxEntry): Promise<boolean> {
    const { chain, identity, outbox, log } = this.parts
    const first = await chain.rpc.getTransactionCount(identity.address, 'latest')
    if (first >= (entry.nonce ?? 0)) return false
    const isOurs = (await outbox.open()).some(({ state, nonce }) => state === 'sent' && nonce === first)
    if (!isOurs && this.#isNews(`foreign ${first}`))
      log?.warn('a transaction of another program comes first', {
        ...{ nonce: first, waiting: entry.nonce, account: identity.address },
        cure: 'It blocks all later ones. Let the program that sent it offer more, or replace it by nothing: the command nonce fill does that.',
      })
    return true
  }

  async #isPassedOver(entry: OutboxEntry, blocks: number): Promise<boolean> {
    if (blocks >= stuckBlocks) return true
    const head = await this.parts.chain.rpc.getBlock('latest')
    return (head?.baseFeePerGas ?? 0n) > priceOf(entry).maxFeePerGas
  }

  /** A dearer version under the same nonce, recorded; undefined when the ceiling forbids one. */
  async #raise(entry: OutboxEntry): Promise<OutboxEntry | 'overtaken' | undefined> {
    const { chain, outbox, log } = this.parts
    const price = raised(priceOf(entry), await marketPrice(chain), chain.maxFeePerGas)
    if (!price) {
      if (this.#isNews(`ceiling ${entry.nonce}`))
        log?.warn('transaction waits for cheaper gas', { nonce: entry.nonce, ceiling: chain.maxFeePerGas })
      return undefined
    }
    const version = await this.#sign(entry, price)
    const dearer: OutboxEntry = {
      ...entry,
      revision: entry.revision + 1,
      versions: [...entry.versions, version],
    }
    if (!(await outbox.put(dearer))) return 'overtaken'
    log?.info('offered more for gas', { nonce: entry.nonce, transaction: version.hash, ...price })
    return dearer
  }

  async #sign(
    { call, nonce, gasLimit }: Pick<OutboxEntry, 'call' | 'nonce' | 'gasLimit'>,
    price: GasPrice,
  ): Promise<SignedVersion> {
    const { chainId } = this.parts.chain.deployment
    const fees = feeFields(price)
    const request = { chainId, ...call, nonce: nonce ?? 0, gasLimit: gasLimit ?? '0', ...fees }
    const raw = (await this.#wallet.signTransaction(request)) as Hex
    return {
      hash: keccak256(raw) as Hex,
      raw,
      maxFeePerGas: `${price.maxFeePerGas}`,
      maxPriorityFeePerGas: `${price.maxPriorityFeePerGas}`,
    }
  }

  /** @returns the code of a refusal; undefined also when nobody was reached, since it may have been taken. */
  async #broadcast(entry: OutboxEntry): Promise<string | undefined> {
    const raw = entry.versions.at(-1)?.raw
    if (raw === undefined) return undefined
    try {
      await this.parts.chain.rpc.send('eth_sendRawTransaction', [raw])
      return undefined
    } catch (error) {
      const { code, message } = error as { code?: string; message: string }
      if (/already (known|imported)/i.test(message)) return undefined
      this.parts.log?.debug('not broadcast', { nonce: entry.nonce, reason: message.slice(0, 200) })
      return code
    }
  }

  async #receiptOf(entry: OutboxEntry): Promise<TransactionReceipt | undefined> {
    for (const { hash } of [...entry.versions].reverse()) {
      const receipt = await this.parts.chain.rpc.getTransactionReceipt(hash)
      if (receipt) return receipt
    }
    return undefined
  }
}

/** The lowest nonce that no pool and no entry on its way has. @param next - The first that the node's pool lacks */
function lowestFree(next: number, open: readonly OutboxEntry[]): number {
  const taken = new Set(open.filter(({ state }) => state === 'sent').map(({ nonce }) => nonce))
  let free = next
  while (taken.has(free)) free++
  return free
}

const minedIn = (entry: OutboxEntry, receipt: TransactionReceipt): OutboxEntry => ({
  ...entry,
  state: 'mined',
  revision: entry.revision + 1,
  outcome: {
    transaction: receipt.hash as Hex,
    blockNumber: receipt.blockNumber,
    succeeded: receipt.status === 1,
  },
})

/**
 * A price that tells intents apart by some wei: else two programs with one key that want the same call would sign the
 * same bytes for the same nonce, and each take the one transaction for its own.
 */
const markedBy = (
  intent: Hex,
  { maxFeePerGas, maxPriorityFeePerGas }: GasPrice,
  ceiling: bigint,
): GasPrice => {
  const mark = BigInt(`0x${intent.slice(-4)}`)
  if (maxFeePerGas === maxPriorityFeePerGas) {
    // One price stays one: a chain without base fee knows no other.
    const price = maxFeePerGas + mark <= ceiling ? maxFeePerGas + mark : larger(maxFeePerGas - mark, 0n)
    return { maxFeePerGas: price, maxPriorityFeePerGas: price }
  }
  const above = maxPriorityFeePerGas + mark
  // A tip above the whole is refused. Where the base fee is next to nothing there is only room below.
  const tip = above <= maxFeePerGas ? above : larger(maxPriorityFeePerGas - mark, 0n)
  return { maxFeePerGas, maxPriorityFeePerGas: tip }
}

const priceOf = ({ versions }: OutboxEntry): GasPrice => {
  const last = versions.at(-1)
  return {
    maxFeePerGas: BigInt(last?.maxFeePerGas ?? 0),
    maxPriorityFeePerGas: BigInt(last?.maxPriorityFeePerGas ?? 0),
  }
}

/** @throws Error when the signal asks to stop: what is recorded goes on at the next start. */
export function wait(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer)
      reject(new Error('The program is stopping; what it was sending will be sent at the next start.'))
    }
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', stop)
      resolve()
    }, milliseconds)
    signal?.addEventListener('abort', stop, { once: true })
    if (signal?.aborted) stop()
  })
}
