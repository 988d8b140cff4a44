import {
  type Address,
  type ChannelParties,
  type ClearedPromise,
  type Hex,
  type PromiseFrame,
  type Result,
  type Signed,
  type UnixSeconds,
  unixSeconds,
  wei,
} from '@pontage/shared'
import type { Identity } from '@pontage/shared/node'
import { documents } from '../chain/contracts.js'
import { idOf } from '../chain/state.js'
import { wallClockMs } from '../stage/globals.js'

/** What one channel is to one provider, as that provider knows it. */
export interface Line {
  readonly parties: ChannelParties
  readonly channelId: Hex
  readonly provider: Address
  /** The highest total that its consumer signed for it. */
  promised: bigint
  signature: Hex
  /** How much of it its hub has answered for. */
  cleared: bigint
  /** What its hub has cleared, with the stamps that came back, the newest last. */
  readonly stamped: ClearedPromise[]
  readonly guarantees: Signed<'Guarantee'>[]
  isReleased: boolean
}

export const newLine = (parties: ChannelParties, provider: Address): Line => ({
  parties,
  channelId: idOf(parties),
  provider,
  promised: 0n,
  signature: '0x',
  cleared: 0n,
  stamped: [],
  guarantees: [],
  isReleased: false,
})

export const nowSeconds = (): UnixSeconds => unixSeconds(Math.floor(wallClockMs() / 1_000))

export function promise(line: Pick<Line, 'channelId' | 'provider'>, consumer: Identity, amount: bigint): Hex {
  const { channelId, provider } = line
  return documents.sign('MicroPromise', { channelId, provider, amount: wei(amount) }, consumer.privateKey)
}

export const guaranteeRequest = (
  line: Line,
  consumer: Identity,
  ceiling: bigint,
): Signed<'GuaranteeRequest'> =>
  documents.signed(
    'GuaranteeRequest',
    { channelId: line.channelId, provider: line.provider, ceiling: wei(ceiling), issuedAt: nowSeconds() },
    consumer.privateKey,
  )

/** The guarantee that reaches furthest of those that live for so many more seconds. */
export function bestGuarantee(line: Line, now: number, forSeconds = 0): Signed<'Guarantee'> | undefined {
  return line.guarantees
    .filter(({ expiresAt }) => expiresAt > now + forSeconds)
    .reduce<Signed<'Guarantee'> | undefined>(
      (best, each) => (best && best.ceiling >= each.ceiling ? best : each),
      undefined,
    )
}

/** A draw as the contract takes it, with the guarantee that allows it. */
export const drawArguments = (line: Line, guarantee: Signed<'Guarantee'>) => ({
  parties: line.parties,
  provider: line.provider,
  amount: line.promised,
  promiseSignature: line.signature,
  ceiling: guarantee.ceiling,
  expiresAt: guarantee.expiresAt,
  guaranteeSignature: guarantee.signature,
})

/** Keeps the stamps of an answer with what they are on. */
export function keepStamps(
  lines: Iterable<Line>,
  sent: readonly PromiseFrame[],
  stamps: Result<'clear'>['stamps'],
): void {
  for (const line of lines) {
    const promise = sent.find(({ channelId }) => channelId === line.channelId)
    const stamp = stamps.find(({ channelId }) => channelId === line.channelId)?.stamp
    if (promise && stamp) line.stamped.push({ ...promise, stamp })
  }
}
