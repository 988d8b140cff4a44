import { describe, expect, it } from 'vitest'
import { listen, nothingHeard } from './hearing.js'

/** Looks one after the other: milliseconds, bytes received, bytes sent. */
function heard(...looks: readonly (readonly [number, bigint, bigint])[]): boolean[] {
  let hearing = nothingHeard
  return looks.map(([atMs, receivedBytes, sentBytes]) => {
    const next = listen(hearing, { receivedBytes, sentBytes }, atMs, 15_000)
    hearing = next.hearing
    return next.isSilent
  })
}

describe('the other end of a tunnel', () => {
  it('is gone when data is answered by nothing for 15 seconds', () => {
    expect(heard([0, 92n, 148n], [1_000, 92n, 900n], [16_000, 92n, 900n], [16_001, 92n, 900n])).toEqual([
      false,
      false,
      false,
      true,
    ])
  })

  it('is there as long as anything comes back', () => {
    expect(heard([0, 92n, 148n], [1_000, 92n, 900n], [9_000, 124n, 900n], [60_000, 124n, 1_000n])).toEqual([
      false,
      false,
      false,
      false,
    ])
  })

  it('owes no answer to keepalives', () => {
    expect(
      heard([0, 92n, 148n], [25_000, 92n, 180n], [50_000, 92n, 212n], [75_000, 92n, 244n]),
    ).not.toContain(true)
  })
})
