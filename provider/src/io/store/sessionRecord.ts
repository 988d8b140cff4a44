import {
  type Address,
  type Bytes,
  bytes,
  type Counted,
  type Hex,
  type Price,
  type UnixSeconds,
  unixSeconds,
  type Wei,
  weiPerHour,
  weiPerMegabyte,
} from '@pontage/shared'
import { addressFrom, amountFrom, hexFrom, type WireguardKey } from '@pontage/shared/node'
import type { TunnelAddresses } from '../../core/addressPool.js'
import type { Credit } from '../../core/credit.js'
import type { Lent } from '../../core/session.js'

// What is kept of a session, and how it is read from the tables.

/** What is kept of a session: who, how much and when; never where to. */
export interface SessionRecord {
  readonly id: string
  /** Number of its kernel objects. */
  readonly key: number
  readonly channelId: Hex
  readonly consumer: Address
  readonly hub: Address
  readonly startedAt: UnixSeconds
  readonly base: Wei
}

/** Its figures, as last known. */
export interface SessionFigures {
  readonly downBytes: bigint
  readonly upBytes: bigint
  readonly promises: number
  /** Promised in total, base included. */
  readonly promised: Wei
}

/** What it takes to raise the tunnel of a session again after a crash. */
export interface TunnelRecord {
  /** The machine's run in which its counts were taken: those of an earlier one are gone. */
  readonly bootId: string
  readonly paymentPort: number
  readonly addresses: TunnelAddresses
  readonly wireguardKey: WireguardKey
  readonly presharedKey: WireguardKey
  readonly price: Price
  readonly credit: Credit
  readonly graceSeconds: number
  readonly lent?: Lent | undefined
}

/** What a session has used, as it has to survive a crash besides its figures. */
export interface SessionProgress {
  readonly forwardedMs: number
  /** Difference of the counts that loss explains. */
  readonly gap: Bytes
}

/** What a session counted before its present kernel objects. */
export type Carried = Counted

/** A session that a crash left open, with all that raises it again. */
export interface InterruptedSession {
  readonly record: SessionRecord
  readonly tunnel: TunnelRecord
  readonly carried: Carried
  /** Whether the kernel was told to count under its present key. */
  readonly isRaised: boolean
  readonly progress: SessionProgress
  readonly promises: number
}

export interface SessionHistory extends SessionRecord, SessionFigures {
  readonly endedAt: UnixSeconds | undefined
  readonly ending: string | undefined
}

/** A row of `session`. */
export interface SessionRow {
  id: string
  key: number
  channel: Buffer
  consumer: Buffer
  hub: Buffer
  started_at: number
  base: Buffer
  promised: Buffer
  down: number
  up: number
  promises: number
  ended_at: number | null
  ending: string | null
}

/** A row of `tunnel`. */
export interface TunnelRow {
  boot: string
  payment_port: number
  address4: string
  address6: string
  wireguard_key: string
  preshared_key: string
  price_per_megabyte: Buffer
  price_per_hour: Buffer
  credit: number
  credit_at_most: number
  credit_per_second: number
  grace: number
  carried_down: number
  carried_up: number
  carried_packets: number
  carried_up_packets: number
  forwarded_ms: number
  gap: number
  raised: number
  lent: number
  lent_limit: number | null
}

export const readInterrupted = (row: SessionRow & TunnelRow): InterruptedSession => ({
  record: readSession(row),
  tunnel: {
    bootId: row.boot,
    paymentPort: row.payment_port,
    addresses: { address4: row.address4, address6: row.address6 },
    wireguardKey: row.wireguard_key,
    presharedKey: row.preshared_key,
    price: {
      perMegabyte: weiPerMegabyte(amountFrom(row.price_per_megabyte)),
      perHour: weiPerHour(amountFrom(row.price_per_hour)),
    },
    credit: {
      atFirst: bytes(BigInt(row.credit)),
      atMost: bytes(BigInt(row.credit_at_most)),
      perSecond: bytes(BigInt(row.credit_per_second)),
    },
    graceSeconds: row.grace,
    ...(row.lent === 0
      ? {}
      : { lent: { limit: row.lent_limit === null ? undefined : bytes(BigInt(row.lent_limit)) } }),
  },
  carried: {
    downBytes: bytes(BigInt(row.carried_down)),
    upBytes: bytes(BigInt(row.carried_up)),
    downPackets: BigInt(row.carried_packets),
    upPackets: BigInt(row.carried_up_packets),
  },
  isRaised: row.raised === 1,
  progress: { forwardedMs: row.forwarded_ms, gap: bytes(BigInt(row.gap)) },
  promises: row.promises,
})

export const readSession = (row: SessionRow): SessionHistory => ({
  id: row.id,
  key: row.key,
  channelId: hexFrom(row.channel),
  consumer: addressFrom(row.consumer),
  hub: addressFrom(row.hub),
  startedAt: unixSeconds(row.started_at),
  base: amountFrom(row.base),
  promised: amountFrom(row.promised),
  downBytes: BigInt(row.down),
  upBytes: BigInt(row.up),
  promises: row.promises,
  endedAt: row.ended_at === null ? undefined : unixSeconds(row.ended_at),
  ending: row.ending ?? undefined,
})
