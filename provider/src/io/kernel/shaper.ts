import { SerialQueue } from '@pontage/shared'
import { type NftReader, runCommand } from '@pontage/shared/node'
import type { TunnelAddresses } from '../../core/addressPool.js'
import type { BandwidthLimits } from '../../core/bandwidth.js'
import {
  addClass,
  addQueue,
  addTotal,
  deleteClass,
  deleteQueue,
  deleteTotal,
  type Generation,
  limitUploads,
  maxPlaces,
  nameClass,
  type Shaped,
  unnameClass,
} from '../../core/shaping.js'

/** Limits of speed in the kernel. Without a limit there is no queue at all. */
export interface Shaper {
  readonly limits: BandwidthLimits
  admit(addresses: TunnelAddresses): Promise<void>
  dismiss(addresses: TunnelAddresses): Promise<void>
  /** Changes the limits of all sessions, those that run included. */
  change(limits: BandwidthLimits): Promise<void>
  /** Writes its rules again, after the table was made anew. */
  rename(): Promise<void>
}

/** Shapes what passes a tunnel; its queue goes with the interface, its rules with the table. */
export function createShaper(device: string, table: string, nft: Pick<NftReader, 'apply'>): Shaper {
  const sessions = new Map<string, Shaped>()
  const free: number[] = []
  let limits: BandwidthLimits = { total: undefined, session: undefined }
  let generation: Generation = 0
  const turns = new SerialQueue()

  const isLimited = ({ total, session }: BandwidthLimits) => total !== undefined || session !== undefined
  const tc = async (lines: readonly string[]) => {
    if (lines.length > 0) await runCommand(['tc', '-batch', '-'], { input: `${lines.join('\n')}\n` })
  }

  async function changeNow(to: BandwidthLimits): Promise<void> {
    const all = [...sessions.values()]
    const wasLimited = isLimited(limits)
    const before = generation
    if (isLimited(to)) {
      const next: Generation = before === 0 ? 1 : 0
      await tc([
        ...(wasLimited ? [] : [addQueue(device)]),
        addTotal(device, next, to),
        ...all.flatMap((each) => addClass(device, next, each, to)),
      ])
      await nft.apply([
        ...(wasLimited ? all.flatMap((each) => unnameClass(table, each)) : []),
        ...all.flatMap((each) => nameClass(table, next, each)),
        ...limitUploads(table, to),
      ])
      if (wasLimited)
        await tc([...all.map((each) => deleteClass(device, before, each)), deleteTotal(device, before)])
      generation = next
    } else if (wasLimited) {
      await nft.apply([...all.flatMap((each) => unnameClass(table, each)), ...limitUploads(table, to)])
      await tc([deleteQueue(device)])
    }
    limits = to
  }

  return {
    get limits() {
      return limits
    },
    admit: (addresses) =>
      turns.run(async () => {
        const place = free.pop() ?? sessions.size
        if (place >= maxPlaces) throw new RangeError(`No more than ${maxPlaces} sessions can be shaped.`)
        const session = { place, address4: addresses.address4, address6: addresses.address6 }
        sessions.set(addresses.address4, session)
        if (!isLimited(limits)) return
        await tc(addClass(device, generation, session, limits))
        await nft.apply(nameClass(table, generation, session))
      }),
    dismiss: (addresses) =>
      turns.run(async () => {
        const session = sessions.get(addresses.address4)
        if (session === undefined) return
        sessions.delete(addresses.address4)
        free.push(session.place)
        if (!isLimited(limits)) return
        await nft.apply(unnameClass(table, session))
        await tc([deleteClass(device, generation, session)])
      }),
    change: (to) => turns.run(() => changeNow(to)),
    rename: () =>
      turns.run(async () => {
        if (!isLimited(limits)) return
        const names = [...sessions.values()].flatMap((each) => nameClass(table, generation, each))
        await nft.apply([...names, ...limitUploads(table, limits)])
      }),
  }
}
