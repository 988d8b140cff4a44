import { existsSync, readFileSync } from 'node:fs'
import { bytes, type Counted } from '@pontage/shared'

/** What a kernel that makes WireGuard's interfaces itself counts of each packet besides what it carries. */
const wrappingBytes = 32n

/** What went through a tunnel's device since it was made, whatever it was; undefined where there is none of that name here. */
export function deviceTraffic(device: string): Counted | undefined {
  const folder = `/sys/class/net/${device}`
  const count = (name: string) => BigInt(readFileSync(`${folder}/statistics/${name}`, 'utf8').trim())
  try {
    const [downPackets, upPackets] = [count('rx_packets'), count('tx_packets')]
    const [down, up] = [count('rx_bytes'), count('tx_bytes')]
    if (existsSync(`${folder}/tun_flags`))
      return { downBytes: bytes(down), upBytes: bytes(up), downPackets, upPackets }
    const carried = (all: bigint, packets: bigint) => {
      const wrapping = packets * wrappingBytes
      return bytes(all > wrapping ? all - wrapping : 0n)
    }
    return {
      downBytes: carried(down, downPackets),
      upBytes: carried(up, upPackets),
      ...{ downPackets, upPackets },
    }
  } catch {
    return undefined
  }
}
