import type { Wei } from '@pontage/shared'

/** One channel's promise and what is drawn of it: what a hub and its own consumer could take is the difference. */
export interface Undrawn {
  readonly amount: Wei
  readonly drawn: Wei
}

/** How far we are exposed to a hub: `draw` when it is time to bring some of it in, `hold` when nothing more may come. */
export type ExposureState = 'within' | 'draw' | 'hold'

const open = ({ amount, drawn }: Undrawn): bigint => (amount > drawn ? amount - drawn : 0n)

/** What is promised under one hub and not drawn yet, redeemed or not. */
export const exposureOf = (channels: Iterable<Undrawn>): bigint => {
  let sum = 0n
  for (const channel of channels) sum += open(channel)
  return sum
}

/** A draw takes time, so it begins at half of the limit. Without a limit everything is within it. */
export function judgeExposure(exposure: bigint, limit: Wei | undefined): ExposureState {
  if (limit === undefined) return 'within'
  if (exposure > limit) return 'hold'
  return exposure * 2n > limit ? 'draw' : 'within'
}

/**
 * The fewest channels whose draw brings the exposure down to a quarter of the limit: the largest first, since each
 * costs the same gas.
 */
export function drawsForExposure<Channel extends Undrawn>(
  channels: readonly Channel[],
  limit: Wei | undefined,
): Channel[] {
  let exposure = exposureOf(channels)
  if (limit === undefined || judgeExposure(exposure, limit) === 'within') return []
  const chosen: Channel[] = []
  for (const channel of [...channels].sort((a, b) => (open(a) > open(b) ? -1 : 1))) {
    if (exposure * 4n <= limit || open(channel) === 0n) break
    chosen.push(channel)
    exposure -= open(channel)
  }
  return chosen
}
