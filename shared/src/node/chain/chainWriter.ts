import { keccak256, type TransactionReceipt, Wallet } from 'ethers'
import { systemClock } from '../../clock.js'
import type { Hex } from '../../units.js'
import type { Log } from '../report/log.js'
import type { Identity } from '../signing/identity.js'
import type { Chain } from './chain.js'
import { reasonOf, revertedReason } from './chainReason.js'
import { capped, type GasPrice, raised } from './gasPrice.js'
import type { Outbox, OutboxEntry, SignedVersion } from './outbox.js'

/** Gas added to an estimate: state may move between estimate and block. */
const gasMargin = (gas: bigint): bigint => (gas * 13n) / 10n
/** Blocks a transaction is passed over before it offers more. */
const stuckBlocks = 3
/** Milliseconds after which an unmined transaction is broadcast again though no block came. */
const rebroadcastMs = 3_000
const longestPauseMs = 1_000

/** Moves entries of an outbox forward: a nonce and a signature, broadcast, a dearer version, a block. */
export class ChainWriter {
  readonly #running = new Map<Hex, Promise<boolean>>()
  readonly #wallet: Wallet
  /** One nonce is given at a time. */
  #assigning: Promise<unknown> = Promise.resolve()

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
      const sent = entry.state === 'wanted' ? await this.#assign(entry) : { entry, refused: undefined }
      if (!sent) return false
      const came = await this.#awaitBlock(sent.entry, sent.refused)
      if (came !== 'nonce taken') return came
      const { nonce, ...rest } = sent.entry
      this.parts.log?.warn('nonce taken by another program', { nonce, intent: entry.intent })
      entry = { ...rest, state: 'wanted', versions: [], revision: sent.entry.revision + 1 }
      if (!(await this.parts.outbox.put(entry))) return false
    }
  }

  /** Gives an entry a nonce and a signature, records both, and only then lets it out. */
  #assign(entry: OutboxEntry): Promise<{ entry: OutboxEntry; refused: string | undefined } | undefined> {
    const { chain, identity, outbox } = this.parts
    const turn = this.#assigning.then(async () => {
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
        this.#marketPrice().then((market) => markedBy(entry.intent, market)),
        chain.rpc.getTransactionCount(from, 'pending'),
        outbox.open(),
        chain.rpc.getBalance(from),
      ])
      if (balance < BigInt(entry.call.value) + gasLimit * price.maxFeePerGas)
        throw Object.assign(new Error('too little for gas'), { code: 'INSUFFICIENT_FUNDS' })
      const onTheirWay = open.filter(({ state }) => state === 'sent')
      const nonce = Math.max(count, ...onTheirWay.map((each) => (each.nonce ?? -1) + 1))
      const unsigned = { ...entry, state: 'sent', nonce, gasLimit: `${gasLimit}` } as const
      const sent: OutboxEntry = {
        ...unsigned,
        revision: entry.revision + 1,
        versions: [await this.#sign(unsigned, price)],
      }
      return (await outbox.put(sent)) ? { entry: sent, refused: await this.#broadcast(sent) } : undefined
    })
    this.#assigning = turn.catch(() => undefined)
    return turn
  }

  /** @param refused - Code of what the node said to the first broadcast of a fresh signature. */
  async #awaitBlock(given: OutboxEntry, refused: string | undefined): Promise<boolean | 'nonce taken'> {
    const { chain, identity, outbox, signal, timeoutMs } = this.parts
    const giveUpAt = performance.now() + timeoutMs
    let entry = given
    let seen: number | undefined
    let sentAtBlock = 0
    let broadcastAt = refused === undefined && given.versions.length === 1 ? performance.now() : 0
    for (let pauseMs = 20; ; pauseMs = Math.min(longestPauseMs, pauseMs * 2)) {
      const receipt = await this.#receiptOf(entry)
      if (receipt) return outbox.put(minedIn(entry, receipt))
      // Refused at once, so it is in no pool; else only a nonce spent deep enough can never be ours any more.
      if (refused === 'NONCE_EXPIRED') return 'nonce taken'
      const head = await chain.head()
      const deep = Math.max(0, head.number - chain.confirmations)
      const spent = (await chain.rpc.getTransactionCount(identity.address, deep)) > (entry.nonce ?? 0)
      if (spent && !(await this.#receiptOf(entry))) return 'nonce taken'
      if (seen === undefined) sentAtBlock = head.number
      const isNewBlock = head.number !== seen
      seen = head.number
      if (isNewBlock && (await this.#isPassedOver(entry, head.number - sentAtBlock))) {
        const dearer = await this.#raise(entry)
        if (dearer === 'overtaken') return false
        if (dearer) {
          entry = dearer
          sentAtBlock = head.number
        }
      }
      if (isNewBlock || performance.now() - broadcastAt > rebroadcastMs) {
        const code = await this.#broadcast(entry)
        broadcastAt = performance.now()
        if (code === 'INSUFFICIENT_FUNDS') throw Object.assign(new Error('too little for gas'), { code })
      }
      if (performance.now() > giveUpAt) throw Object.assign(new Error('no block yet'), { code: 'TIMEOUT' })
      await wait(pauseMs, signal)
    }
  }

  async #isPassedOver(entry: OutboxEntry, blocks: number): Promise<boolean> {
    if (blocks >= stuckBlocks) return true
    const head = await this.parts.chain.rpc.getBlock('latest')
    return (head?.baseFeePerGas ?? 0n) > priceOf(entry).maxFeePerGas
  }

  /** A dearer version under the same nonce, recorded; undefined when the ceiling forbids one. */
  async #raise(entry: OutboxEntry): Promise<OutboxEntry | 'overtaken' | undefined> {
    const { chain, outbox, log } = this.parts
    const price = raised(priceOf(entry), await this.#marketPrice(), chain.maxFeePerGas)
    if (!price) {
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

  async #marketPrice(): Promise<GasPrice> {
    const { chain } = this.parts
    const { maxFeePerGas, maxPriorityFeePerGas } = await chain.rpc.getFeeData()
    if (maxFeePerGas === null || maxPriorityFeePerGas === null)
      throw new Error('The chain has no base fee (EIP-1559), which its transactions need.')
    return capped({ maxFeePerGas, maxPriorityFeePerGas }, chain.maxFeePerGas)
  }

  async #sign(
    { call, nonce, gasLimit }: Pick<OutboxEntry, 'call' | 'nonce' | 'gasLimit'>,
    price: GasPrice,
  ): Promise<SignedVersion> {
    const { chainId } = this.parts.chain.deployment
    const request = { type: 2, chainId, ...call, nonce: nonce ?? 0, gasLimit: gasLimit ?? '0', ...price }
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
const markedBy = (intent: Hex, { maxFeePerGas, maxPriorityFeePerGas }: GasPrice): GasPrice => {
  const tip = maxPriorityFeePerGas + BigInt(`0x${intent.slice(-4)}`)
  return { maxFeePerGas, maxPriorityFeePerGas: tip < maxFeePerGas ? tip : maxFeePerGas }
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
