import {
  formatTimePrice,
  formatTrafficPrice,
  type Price,
  type TokenNames,
  weiPerHour,
  weiPerMegabyte,
} from '@pontage/shared'

/** What the market refused: a price that would rise by more than it may within a day. */
export interface TooLargeRaise {
  readonly asked: bigint
  /** The most that it may be by then, in wei per megabyte or per hour. */
  readonly limit: bigint
}

/** The contract's refusal of a raise; undefined for any other failure. */
export function tooLargeRaise(error: Error): TooLargeRaise | undefined {
  const [, asked, limit] = /RaiseTooLarge \(.*price (\d+), limit (\d+)\)/.exec(error.message) ?? []
  return asked === undefined || limit === undefined
    ? undefined
    : { asked: BigInt(asked), limit: BigInt(limit) }
}

/** The price that was asked for, as far as it may rise now. */
export const withinRaise = ({ perMegabyte, perHour }: Price, { asked, limit }: TooLargeRaise): Price => ({
  perMegabyte: perMegabyte === asked ? weiPerMegabyte(limit) : perMegabyte,
  perHour: perMegabyte !== asked && perHour === asked ? weiPerHour(limit) : perHour,
})

/** How far a price may rise now, in words. */
export const raiseLimitText = ({ limit }: TooLargeRaise, token: TokenNames): string =>
  `within a day, the market lets this price rise to ${formatTrafficPrice(weiPerMegabyte(limit), token)} for traffic, or ${formatTimePrice(weiPerHour(limit), token)} for time`
