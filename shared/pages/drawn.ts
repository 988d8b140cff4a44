/** A stretch of a list, in pixels from its top. */
export interface Stretch {
  readonly top: number
  readonly bottom: number
}

/** Of a list from top to bottom: an item that is drawn, or the room of those in a row that are not. */
export type Part = { readonly item: number } | { readonly room: number }

/**
 * What is drawn of a long list: the items that reach into a stretch of it, and those that are kept wherever they are.
 *
 * @param heights - Pixels of each item; what was never drawn is guessed.
 * @returns parts whose heights add up to those of all items
 */
export function drawn(
  heights: readonly number[],
  { top, bottom }: Stretch,
  isKept: (item: number) => boolean,
): readonly Part[] {
  const parts: Part[] = []
  let room = 0
  let at = 0
  for (const [item, height] of heights.entries()) {
    const isNear = at + height > top && at < bottom
    at += height
    if (!isNear && !isKept(item)) {
      room += height
      continue
    }
    if (room > 0) parts.push({ room })
    room = 0
    parts.push({ item })
  }
  if (room > 0) parts.push({ room })
  return parts
}

/** Pixels drawn above and below what is seen, and how near its end may come before more is drawn. */
const marginPx = 600
const leastPx = 300

/** The stretch to draw for what is seen now: the one from before where it reaches far enough still. */
export function around(seen: Stretch, before: Stretch): Stretch {
  const isFarEnough = before.top <= seen.top - leastPx && before.bottom >= seen.bottom + leastPx
  return isFarEnough ? before : { top: seen.top - marginPx, bottom: seen.bottom + marginPx }
}
