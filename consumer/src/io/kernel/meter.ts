import { type Bytes, bytes, type Counted } from '@pontage/shared'
import { applyRuleset, type NftOptions, nftBytes, openNftReader, UserError } from '@pontage/shared/node'
import { haltRule, killSwitchTable, limitRule, objectNames } from '../../core/killSwitch.js'

/** What the kernel counted since the table was loaded. */
export interface Reading extends Counted {
  /** Whether the kernel has refused a packet because of the limit. */
  readonly limitReached: boolean
}

export interface Meter {
  /** @throws Error when the table is gone. */
  read(): Promise<Reading>
  /** Lets this many bytes through in all; what was held back until now counts no more. */
  raise(limit: Bytes): Promise<void>
  /** Lets nothing more through the tunnel but the payment socket; what was counted then is the last count. */
  halt(): Promise<void>
  close(): void
}

/**
 * Reads the counters of the kill switch's table.
 *
 * @param where.netns - Namespace of the programs, where the tunnel is for them alone.
 */
export function openMeter(where: NftOptions = {}): Meter {
  const reader = openNftReader(where)
  let heldBackBefore = 0n
  const readOnce = async (): Promise<Reading> => {
    // The counters alone: the whole table takes twice as long to print, and this is asked many times a second.
    const counters = await reader.readCounters('inet', killSwitchTable)
    const down = counters.get(objectNames.down)
    const up = counters.get(objectNames.up)
    if (!down || !up)
      throw new UserError(
        'The kill switch has no counters: something else changed it. Run "pontage disconnect".',
      )
    return {
      downBytes: bytes(down.bytes),
      upBytes: bytes(up.bytes),
      downPackets: down.packets,
      upPackets: up.packets,
      limitReached: (counters.get(objectNames.capped)?.packets ?? 0n) > heldBackBefore,
    }
  }
  return {
    // Should the reader's process have ended, the second attempt has a new one.
    read: () =>
      readOnce()
        .catch(readOnce)
        .catch((cause) => {
          throw new UserError(
            'Something else changed the kill switch, so it cannot be read. It now blocks everything; run "pontage disconnect".',
            { cause },
          )
        }),
    async raise(limit) {
      const held = (await reader.readCounters('inet', killSwitchTable)).get(objectNames.capped)
      // What a quota drops, it counts as used.
      await applyRuleset(limitRule(nftBytes(limit + (held?.bytes ?? 0n))), where)
      heldBackBefore = held?.packets ?? 0n
    },
    halt: () => applyRuleset(haltRule, where),
    close: () => reader.close(),
  }
}
