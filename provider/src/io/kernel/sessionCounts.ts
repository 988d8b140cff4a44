import { bytes } from '@pontage/shared'
import { addressBytes, type NftCounter, type NftSocket } from '@pontage/shared/node'
import type { TunnelAddresses } from '../../core/addressPool.js'
import type { Reading } from '../../core/meter.js'
import { movedForMs, movedSets } from '../../core/ruleset.js'
import { sessionObjects } from '../../core/sessionRules.js'

/** What the kernel has counted, by the keys of sessions. */
export interface SessionCounts {
  /** Notes where a session's packets come from. */
  admit(key: number, addresses: TunnelAddresses): void
  dismiss(key: number, addresses: TunnelAddresses): void
  /**
   * The very reading of last time where nothing was counted since; none where nothing was counted at all.
   *
   * @param last - Whose counters are read in any case.
   */
  read(last?: readonly number[]): ReadonlyMap<number, Reading>
}

/** Where more sessions than this share moved, all counters are read: a list costs less than each of them by itself. */
const fewShare = 0.25

/** Reads the counters of those sessions of which a packet was counted since they were read last. */
export function countSessions(
  socket: Pick<NftSocket, 'addresses' | 'counters' | 'allCounters' | 'foreignChanges'>,
  now: () => number = () => performance.now(),
): SessionCounts {
  const keys = new Map<string, number>()
  let found = new Map<number, Reading>()
  let readAt = Number.NEGATIVE_INFINITY
  let foreignAt: number | undefined
  /** Addresses that the kernel had noted at the latest readings. */
  let noted: readonly (readonly string[])[] = []

  return {
    admit(key, addresses) {
      for (const address of bytesOf(addresses)) keys.set(address, key)
    },
    dismiss(key, addresses) {
      for (const address of bytesOf(addresses)) keys.delete(address)
      found.delete(key)
    },
    read(last = []) {
      const at = now()
      const foreign = socket.foreignChanges()
      // What is noted is forgotten whatever comes meanwhile, and a packet is noted before it is counted: that of the last two still counts.
      noted = [movedSets.flatMap((set) => socket.addresses(set)), ...noted.slice(0, 2)]
      // Who moved longer ago than the kernel remembers is not known, nor what somebody else had it forget: it is asked in half of that time.
      const isKnown = at - readAt < movedForMs / 2 && foreign === foreignAt
      const moved = new Set([...noted.flat().map((address) => keys.get(address)), ...last])
      const few = [...moved].filter((key) => key !== undefined)
      if (isKnown && few.length <= (keys.size / 2) * fewShare) {
        const counters = socket.counters(few.flatMap((key) => counterNames(key)))
        for (const [index, key] of few.entries())
          found.set(key, readingOf(counters.slice(counterCount * index, counterCount * (index + 1))))
      } else found = readingsIn(socket.allCounters())
      readAt = at
      foreignAt = foreign
      return found
    },
  }
}

/** What a table's counters say, by the keys of sessions. */
export function readingsIn(counters: ReadonlyMap<string, NftCounter>): Map<number, Reading> {
  const found = new Map<number, Reading>()
  for (const name of counters.keys()) {
    const key = Number(/^down_(\d+)$/.exec(name)?.[1])
    if (Number.isSafeInteger(key))
      found.set(key, readingOf(counterNames(key).map((each) => counters.get(each))))
  }
  return found
}

const counterNames = (key: number): string[] => {
  const { down, up, dropped } = sessionObjects(key)
  return [down, up, dropped]
}
const counterCount = 3

const nothing: NftCounter = { bytes: 0n, packets: 0n }

const readingOf = ([down = nothing, up = nothing, dropped = nothing]: readonly (
  | NftCounter
  | undefined
)[]): Reading => ({
  downBytes: bytes(down.bytes),
  upBytes: bytes(up.bytes),
  downPackets: down.packets,
  upPackets: up.packets,
  dropped: bytes(dropped.bytes),
})

const bytesOf = ({ address4, address6 }: TunnelAddresses): string[] =>
  [address4, address6].map((address) => addressBytes(address).toString('latin1'))
