import { type Hex, unixSeconds } from '@pontage/shared'
import { describe, expect, it } from 'vitest'
import { JournalState } from './journalState.js'
import { inWords, whyNotClose, whyNotExit } from './leaving.js'

const channelId = `0x${'c1'.repeat(32)}` as Hex
const open = { channelId, exitAt: 0 }
const now = unixSeconds(1_000)
const asked = JournalState.empty.with({ kind: 'exit', channelId, stage: 'asked', at: unixSeconds(1_900) })
const closing = JournalState.empty.with({ kind: 'closing', channelId, totals: [] })

describe('leaving a channel', () => {
  it('is free where nothing was begun', () => {
    expect(whyNotClose(open, JournalState.empty, now)).toBeUndefined()
    expect(whyNotExit(open, JournalState.empty)).toBeUndefined()
  })

  it('is not closed while an exit runs, or may still begin', () => {
    expect(whyNotClose({ ...open, exitAt: 5_000 }, JournalState.empty, now)).toMatch(
      /exit has been requested/,
    )
    expect(whyNotClose(open, asked, now)).toMatch(/next 15 min/)
    expect(whyNotClose(open, asked, unixSeconds(1_900))).toBeUndefined()
  })

  it('is not left alone while a close is under way, but an exit that runs goes on', () => {
    expect(whyNotExit(open, closing)).toMatch(/under way/)
    expect(whyNotExit({ ...open, exitAt: 5_000 }, closing)).toBeUndefined()
  })

  it('is counted down in the two largest units', () => {
    const told = [30, 60, 3_599, 3_600, 7_320, 86_400, 86_460, 100_800, 172_799].map(inWords)
    expect(told).toEqual([
      ...['less than a minute', '1 min', '59 min', '1 h', '2 h 2 min'],
      ...['1 d', '1 d', '1 d 4 h', '1 d 23 h'],
    ])
  })
})
