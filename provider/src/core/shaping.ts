import type { BandwidthLimits, BitsPerSecond } from './bandwidth.js'

// Traffic towards consumers waits in HTB classes on the tunnel; nftables names the class of each packet. Traffic from
// them is dropped beyond the limit: it has crossed the line already, and the owner's own device has no queue of ours.

/** Two sets of classes take turns: a class that is made smaller would first use up what it had saved. */
export type Generation = 0 | 1

/** One session's place among the classes: a small number, unique while it lives. */
export interface Shaped {
  readonly place: number
  readonly address4: string
  readonly address6: string
}

/** Classes are numbered in 16 bits: two for all together, then two for each session. */
const firstClass = 16
export const maxPlaces = (0xffff - firstClass - 1) / 2

const totalClass = (generation: Generation): string => `1:${(2 + generation).toString(16)}`
const classOf = ({ place }: Shaped, generation: Generation): string =>
  `1:${(firstClass + 2 * place + generation).toString(16)}`

/** What each session may at least have of a total that is shared, of however many. */
const minShare = 64_000n
/** No line is faster; where only sessions are limited there is no total. */
const unlimited: BitsPerSecond = 400_000_000_000n

/** The queue that all classes hang from. Unnamed traffic, payments among it, passes at once. */
export const addQueue = (device: string): string => `qdisc add dev ${device} root handle 1: htb default 0`
export const deleteQueue = (device: string): string => `qdisc delete dev ${device} root`

export function addTotal(device: string, generation: Generation, { total = unlimited }: BandwidthLimits) {
  return `class add dev ${device} parent 1: classid ${totalClass(generation)} htb rate ${total}bit ceil ${total}bit quantum ${quantum}`
}
export const deleteTotal = (device: string, generation: Generation): string =>
  `class delete dev ${device} classid ${totalClass(generation)}`

/** Lines for `tc -batch` that give a session its class. */
export function addClass(
  device: string,
  generation: Generation,
  session: Shaped,
  { total = unlimited, session: most = total }: BandwidthLimits,
): string[] {
  const id = classOf(session, generation)
  const rate = most < minShare ? most : minShare
  return [
    `class add dev ${device} parent ${totalClass(generation)} classid ${id} htb rate ${rate}bit ceil ${most}bit quantum ${quantum}`,
    `qdisc add dev ${device} parent ${id} bfifo limit ${queueBytes(most)}`,
  ]
}
export const deleteClass = (device: string, generation: Generation, session: Shaped): string =>
  `class delete dev ${device} classid ${classOf(session, generation)}`

/** nft commands that name the class of a session's packets. */
export const nameClass = (table: string, generation: Generation, session: Shaped): string[] => [
  `add element inet ${table} class4 { ${session.address4} : ${classOf(session, generation)} }`,
  `add element inet ${table} class6 { ${session.address6} : ${classOf(session, generation)} }`,
]
export const unnameClass = (table: string, session: Shaped): string[] => [
  `delete element inet ${table} class4 { ${session.address4} }`,
  `delete element inet ${table} class6 { ${session.address6} }`,
]

/** nft commands that limit what comes from consumers. A full set forgets: limits are kept for each address. */
export function limitUploads(table: string, { total, session }: BandwidthLimits): string[] {
  const rule = (text: string) => `add rule inet ${table} shape_up ${text}`
  const over = (rate: BitsPerSecond) =>
    `limit rate over ${rate / 8n} bytes/second burst ${queueBytes(rate)} bytes`
  return [
    `flush chain inet ${table} shape_up`,
    `flush set inet ${table} rate_up4`,
    `flush set inet ${table} rate_up6`,
    ...(session === undefined
      ? []
      : [
          rule(`update @rate_up4 { ip saddr ${over(session)} } drop`),
          rule(`update @rate_up6 { ip6 saddr ${over(session)} } drop`),
        ]),
    ...(total === undefined ? [] : [rule(`${over(total)} drop`)]),
  ]
}

/** Bytes of one turn: a packet that stands for many is as large as this. */
const quantum = 65_536

/** 40 ms of the line, and two of the largest packets at least. */
const queueBytes = (rate: BitsPerSecond): bigint => {
  const bytes = rate / 200n
  return bytes < 150_000n ? 150_000n : bytes > 8_000_000n ? 8_000_000n : bytes
}
