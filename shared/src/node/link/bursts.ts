import type { Socket } from 'node:dgram'
import { createRequire } from 'node:module'

/** The kernel takes no more datagrams from one call (UDP_MAX_SEGMENTS of Linux). */
const maxTogether = 64

/**
 * Has the kernel cut whatever is sent on a socket after so many bytes, each piece a datagram of its own; after none where it is 0.
 *
 * @returns Whether it does.
 */
export type Cut = (size: number) => boolean

/**
 * Sends packets to whoever a socket is connected to, those of one size with one call. Somebody who is woken for each packet spends
 * more time on that than on the packets; those of one call reach a WireGuard together.
 */
export class Bursts {
  /** Bytes after which the kernel cuts. */
  #size = 0

  /** @param cut - Left out where the kernel cuts nothing: then each packet is sent by itself. */
  constructor(
    private readonly socket: Pick<Socket, 'send'>,
    private cut: Cut | undefined = cutOf(socket as Socket),
  ) {}

  send(packets: readonly Buffer[]): void {
    for (const burst of this.cut === undefined ? packets.map((each) => [each]) : burstsOf(packets)) {
      const [first] = burst as [Buffer]
      const fits = burst.length === 1 && (this.#size === 0 || first.length <= this.#size)
      if (fits || this.#cutsAt(first.length)) this.socket.send(burst, (error) => this.#sent(error))
      else for (const each of burst) this.socket.send(each)
    }
  }

  #cutsAt(size: number): boolean {
    if (this.#size === size) return true
    if (this.cut?.(size)) {
      this.#size = size
      return true
    }
    this.#giveUp()
    return false
  }

  /** A device that cannot do it says so only now. Nobody listening yet is no reason. */
  #sent(error: Error | null): void {
    if (
      error !== null &&
      ['EINVAL', 'EIO', 'EMSGSIZE'].includes(String((error as NodeJS.ErrnoException).code))
    )
      this.#giveUp()
  }

  #giveUp(): void {
    this.cut?.(0)
    this.#size = 0
    this.cut = undefined
  }
}

/** In their order: packets of one size, of which the last may be smaller. */
export function burstsOf(packets: readonly Buffer[]): Buffer[][] {
  const bursts: Buffer[][] = []
  let open: Buffer[] | undefined
  for (const packet of packets) {
    const size = open?.[0]?.length ?? 0
    if (open === undefined || packet.length > size || open.length === maxTogether) {
      open = []
      bursts.push(open)
    }
    open.push(packet)
    if (open.length > 1 && packet.length < size) open = undefined
  }
  return bursts
}

/** From Linux's `udp.h`. */
const udpLevel = 17
const udpSegment = 103

type SetOption = (fd: number, level: number, option: number, value: number[], length: number) => number

/** Node has no name for this option, so the system's library is called itself. @returns undefined where that cannot be. */
function cutOf(socket: Socket): Cut | undefined {
  const fd = descriptorOf(socket)
  if (fd === undefined) return undefined
  setOption ??= loadSetOption()
  const set = setOption
  return set === 'missing' ? undefined : (size) => set(fd, udpLevel, udpSegment, [size], 4) === 0
}

/** Node keeps it to itself. Where a later one keeps it elsewhere, packets go out one by one, which a test would notice. */
function descriptorOf(socket: Socket): number | undefined {
  const state = Object.getOwnPropertySymbols(socket).find(({ description }) => description === 'state symbol')
  const { handle } = state
    ? ((socket as unknown as Record<symbol, { handle?: { fd?: number } }>)[state] ?? {})
    : {}
  return handle?.fd !== undefined && handle.fd >= 0 ? handle.fd : undefined
}

// Not before packets are carried: most commands carry none.
let setOption: SetOption | 'missing' | undefined

function loadSetOption(): SetOption | 'missing' {
  try {
    const koffi = createRequire(import.meta.url)('koffi') as typeof import('koffi')
    return koffi.load(null).func('int setsockopt(int, int, int, const int *, uint32_t)')
  } catch {
    // On this kind of machine packets go out one by one.
    return 'missing'
  }
}
