import { randomBytes } from 'node:crypto'
import type { TransactionReceipt, TransactionRequest } from 'ethers'
import { systemClock } from '../../clock.js'
import { address, type Hex, unixSeconds } from '../../units.js'
import { UserError } from '../program/userError.js'
import type { Log } from '../report/log.js'
import { createRepeats } from '../report/repeats.js'
import type { Identity } from '../signing/identity.js'
import type { Chain } from './chain.js'
import { reasonOf, revertedReason } from './chainReason.js'
import { ChainWriter, wait } from './chainWriter.js'
import { memoryOutbox, type Outbox, type OutboxEntry } from './outbox.js'

/** What a transaction cost and where it stands. */
export interface Sent {
  readonly transaction: Hex
  readonly gasUsed: number
  readonly blockNumber: number
  readonly receipt: TransactionReceipt
}

/** Sends one identity's transactions. */
export interface Sender {
  /**
   * Records, sends and waits until the transaction is in a block.
   *
   * @param call - What to send, such as `contract.redeem.populateTransaction(…)`.
   * @param intent - Digest of the cause. What was sent for it before is waited for, or its outcome returned, also
   *   after a crash; a new one each time when left out.
   * @throws UserError when the chain would revert it (nothing is sent), there is no gas coin, or it reverted.
   */
  send(call: Promise<TransactionRequest> | TransactionRequest, intent?: Hex): Promise<Sent>
}

/** A sender whose outbox outlives the process. */
export interface DurableSender extends Sender {
  /** Brings what was recorded before into a block, so that the newest block shows its effects. Never throws. */
  settleEarlier(): Promise<void>
  /** Sends again what was dropped, reorganised away or left by a crash, every `pollMs` until the signal. */
  run(pollMs: number, signal: AbortSignal): Promise<void>
}

/** Milliseconds a caller waits for a block. */
const receiptTimeoutMs = 180_000
/** Milliseconds between looks for what another process is sending. */
const lookEveryMs = 200
/** Milliseconds before something that failed is tried again unasked. */
const retryAfterMs = 5_000
/** Seconds that what is done or refused stays on record, longer than anybody asks for it again. */
const keptSeconds = 7 * 86_400
const forgetEveryMs = 3_600_000

/**
 * @param options.outbox - Where transactions are recorded before they leave; in memory when left out.
 * @param options.isWriter - Whether this process sends what all processes on the outbox want; asked before each step.
 */
export function createSender(
  chain: Chain,
  identity: Identity,
  options: { outbox?: Outbox; isWriter?: () => Promise<boolean>; log?: Log; signal?: AbortSignal } = {},
): DurableSender {
  const { outbox = memoryOutbox(), isWriter = async () => true, log, signal } = options
  const writer = new ChainWriter({ chain, identity, outbox, timeoutMs: receiptTimeoutMs, log, signal })

  async function outcomeOf(intent: Hex): Promise<Sent> {
    const giveUpAt = performance.now() + receiptTimeoutMs
    for (;;) {
      const entry = await outbox.find(intent)
      if (!entry) throw new Error('The transaction is no longer recorded.')
      if (entry.state === 'refused') throw new UserError(entry.reason ?? 'The chain refused.')
      const sent = await sentOf(chain, entry)
      if (sent) return sent
      if (await isWriter()) {
        // It was in a block and is in none where the chain was reorganised deeper than anybody relied upon.
        const moved = await (entry.outcome ? writer.confirm(entry) : writer.drive(entry))
        if (moved && !entry.outcome) continue
      }
      if (performance.now() > giveUpAt) throw Object.assign(new Error('no block yet'), { code: 'TIMEOUT' })
      await wait(lookEveryMs, signal)
    }
  }

  async function driveAll(entries: readonly OutboxEntry[]): Promise<void> {
    await Promise.all(entries.map((entry) => writer.drive(entry).catch(() => undefined)))
  }

  return {
    async send(call, intent = `0x${randomBytes(32).toString('hex')}`) {
      try {
        const { to, data, value } = await call
        await outbox.add({
          intent,
          state: 'wanted',
          revision: 0,
          call: { to: address(`${to}`), data: (data ?? '0x') as Hex, value: `${value ?? 0}` },
          versions: [],
        })
        return await outcomeOf(intent)
      } catch (error) {
        if (error instanceof UserError) throw error
        throw new UserError(reasonOf(chain, error), { cause: error })
      }
    },
    async settleEarlier() {
      const open = await outbox.open()
      if (await isWriter()) await driveAll(open.filter(({ state }) => state !== 'mined'))
    },
    async run(pollMs, until) {
      const failedAt = new Map<Hex, number>()
      const isNews = createRepeats()
      const isDue = ({ intent }: OutboxEntry): boolean =>
        (failedAt.get(intent) ?? Number.NEGATIVE_INFINITY) + retryAfterMs <= performance.now()
      let forgotAt = Number.NEGATIVE_INFINITY
      while (!until.aborted) {
        try {
          const leads = await isWriter()
          if (leads && performance.now() - forgotAt > forgetEveryMs) {
            await outbox.forget(unixSeconds(systemClock.now() - keptSeconds))
            forgotAt = performance.now()
          }
          if (leads)
            for (const entry of (await outbox.open()).filter(isDue)) {
              const work = entry.state === 'mined' ? writer.confirm(entry) : writer.drive(entry)
              void work.then(
                () => failedAt.delete(entry.intent),
                (error: Error) => {
                  failedAt.set(entry.intent, performance.now())
                  const reason = reasonOf(chain, error)
                  if (!until.aborted && isNews(`${entry.intent} ${reason}`))
                    log?.warn('transaction waits', { intent: entry.intent, reason })
                },
              )
            }
        } catch (error) {
          const reason = (error as Error).message
          if (isNews(reason)) log?.warn('outbox not readable', { reason })
        }
        await wait(pollMs, until).catch(() => undefined)
      }
      await writer.idle()
    },
  }
}

async function sentOf(chain: Chain, { outcome }: OutboxEntry): Promise<Sent | undefined> {
  const receipt = outcome && (await chain.rpc.getTransactionReceipt(outcome.transaction))
  if (!receipt) return undefined
  if (receipt.status !== 1) throw new UserError(revertedReason)
  return {
    transaction: outcome.transaction,
    gasUsed: Number(receipt.gasUsed),
    blockNumber: receipt.blockNumber,
    receipt,
  }
}
