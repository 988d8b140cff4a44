import { type Bytes, bytes, type Counted, SerialQueue } from '@pontage/shared'
import { applyRuleset, type NftOptions, nftBytes, openNftReader, UserError } from '@pontage/shared/node'
import type { Beyond } from '../../core/delivery.js'
import { haltRule, killSwitchTable, limitRule, objectNames } from '../../core/killSwitch.js'
import { isForWantOf } from './namespace.js'

/** What the kernel counted since the table was loaded. */
export interface Reading extends Counted {
  /** Whether the kernel has refused a packet because of the limit. */
  readonly limitReached: boolean
  /** Packets to and from beyond the provider's own machine. */
  readonly beyond: Beyond
}

export interface Meter {
  /** @throws UserError when the rules are gone and cannot be loaded again. */
  read(): Promise<Reading>
  /** Lets this many bytes through in all; what was held back until now counts no more. */
  raise(limit: Bytes): Promise<void>
  /** Lets nothing more through the tunnel but the payment socket; what was counted then is the last count. */
  halt(): Promise<void>
  /** Loads the rules, anew where they stand or stood: what was counted and allowed before goes on. */
  reload(): Promise<void>
  /** Whoever asks it from then on, but to load the rules, is refused. */
  close(): void
}

/** What a table counts. */
interface Totals extends Counted {
  readonly namesDown: bigint
  readonly namesUp: bigint
}

const zero: Totals = {
  ...{ downBytes: bytes(0n), upBytes: bytes(0n), downPackets: 0n, upPackets: 0n },
  ...{ namesDown: 0n, namesUp: 0n },
}

/**
 * Counts with the kill switch's table, and keeps the sums when somebody else takes the table away. What passes until it is there
 * again, the tunnel's device has counted: the provider is owed that, too, and would take a smaller count for a dispute.
 *
 * @param options.load - Loads the rules, with so many bytes left to pass.
 * @param options.netns - Namespace of the programs, where the tunnel is for them alone.
 */
export function openMeter(options: {
  load: (left: Bytes | undefined) => Promise<void>
  limit: Bytes | undefined
  netns?: string | undefined
  /** What went through the tunnel's device so far; left out, or undefined: not known. */
  flowed?: () => Counted | undefined
  /** Told when the rules were found gone, and loaded again. */
  lost: () => void
}): Meter {
  const where: NftOptions = options.netns === undefined ? {} : { netns: options.netns }
  const reader = openNftReader(where)
  const queue = new SerialQueue()
  let limit = options.limit
  let isHalted = false
  let isClosed = false
  /** What tables that are gone had counted, and what the one that stands has at the last look. */
  let before = zero
  let last = zero
  let heldBackBefore = 0n
  /** What had gone through the device at the last look. */
  let flowedThen: Counted | undefined

  /** What went through the device since the last look. */
  function flowedSince(): Totals {
    const [then, now] = [flowedThen, options.flowed?.()]
    flowedThen = now
    if (then === undefined || now === undefined) return zero
    const since = (a: bigint, b: bigint) => (a > b ? a - b : 0n)
    return {
      ...zero,
      downBytes: bytes(since(now.downBytes, then.downBytes)),
      upBytes: bytes(since(now.upBytes, then.upBytes)),
      downPackets: since(now.downPackets, then.downPackets),
      upPackets: since(now.upPackets, then.upPackets),
    }
  }

  async function readOnce(): Promise<Reading> {
    // The counters alone: the whole table takes twice as long to print, and this is asked many times a second.
    const counters = await reader.readCounters('inet', killSwitchTable)
    const down = counters.get(objectNames.down)
    const up = counters.get(objectNames.up)
    if (!down || !up) throw new Error('The kill switch has no counters.')
    flowedThen = options.flowed?.()
    const { bytes: downBytes, packets: downPackets } = down
    const { bytes: upBytes, packets: upPackets } = up
    const packetsOf = (name: string) => counters.get(name)?.packets ?? 0n
    const [namesDown, namesUp] = [packetsOf(objectNames.namesDown), packetsOf(objectNames.namesUp)]
    last = {
      downBytes: bytes(downBytes),
      upBytes: bytes(upBytes),
      downPackets,
      upPackets,
      namesDown,
      namesUp,
    }
    return readingOf(sumOf(before, last), packetsOf(objectNames.capped) > heldBackBefore)
  }

  async function reload(): Promise<void> {
    // What it counted last, where it still stands.
    const stood = await readOnce().then(
      () => true,
      () => false,
    )
    before = sumOf(before, last)
    last = zero
    if (!stood) before = sumOf(before, flowedSince())
    heldBackBefore = 0n
    const used = before.downBytes + before.upBytes
    await options
      .load(limit === undefined ? undefined : bytes(limit > used ? limit - used : 1n))
      .catch(async (cause) => {
        if (!(await isForWantOf(options.netns, cause))) throw cause
        throw new UserError(
          `The network namespace "${options.netns}" was deleted, and with it the tunnel. Run "pontage disconnect", then connect again.`,
          { cause },
        )
      })
    if (!stood) before = sumOf(before, flowedSince())
    if (isHalted) await applyRuleset(haltRule, where)
  }

  /** The rules that stand by now may be those of whoever came after. */
  async function reloadWhileOpen(): Promise<void> {
    if (isClosed) throw new Error('The session that this counted for is over.')
    await reload()
  }

  async function raiseOnce(raised: Bytes): Promise<void> {
    await readOnce()
    const held = (await reader.readCounters('inet', killSwitchTable)).get(objectNames.capped)
    // What a quota drops, it counts as used.
    const used = before.downBytes + before.upBytes
    await applyRuleset(limitRule(nftBytes(bytes(raised - used + (held?.bytes ?? 0n)))), where)
    heldBackBefore = held?.packets ?? 0n
  }

  return {
    read: () =>
      queue.run(() =>
        // Should the reader's process have ended, the second attempt has a new one.
        readOnce()
          .catch(readOnce)
          .catch(() =>
            reloadWhileOpen().then(() => {
              options.lost()
              return readingOf(before, false)
            }),
          )
          .catch((cause) => {
            if (cause instanceof UserError) throw cause
            throw new UserError(
              'Something else changed the kill switch, and it cannot be loaded again. Run "pontage disconnect".',
              { cause },
            )
          }),
      ),
    raise: (raised) =>
      queue.run(async () => {
        limit = raised
        // Whoever loads the rules anew loads them with the new limit.
        await raiseOnce(raised).catch(reloadWhileOpen)
      }),
    halt: () =>
      queue.run(async () => {
        isHalted = true
        await applyRuleset(haltRule, where).catch(reloadWhileOpen)
      }),
    reload: () => queue.run(reload),
    close() {
      isClosed = true
      reader.close()
    },
  }
}

const readingOf = (totals: Totals, limitReached: boolean): Reading => {
  const { namesDown, namesUp, ...counted } = totals
  const beyond = { sent: counted.upPackets - namesUp, received: counted.downPackets - namesDown }
  return { ...counted, limitReached, beyond }
}

const sumOf = (a: Totals, b: Totals): Totals => ({
  downBytes: bytes(a.downBytes + b.downBytes),
  upBytes: bytes(a.upBytes + b.upBytes),
  downPackets: a.downPackets + b.downPackets,
  upPackets: a.upPackets + b.upPackets,
  namesDown: a.namesDown + b.namesDown,
  namesUp: a.namesUp + b.namesUp,
})
