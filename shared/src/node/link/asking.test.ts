import { describe, expect, it } from 'vitest'
import { Asking } from './asking.js'

describe('an answer of the other end', () => {
  it('that refuses says nothing that moves on a terminal', async () => {
    const asking = new Asking(() => undefined)
    const answer = asking.request('reach', {}, 1_000)
    asking.settle(1, { ok: false, code: 'no\u001b[2J', message: 'Fine\u001b[1A\u001b[2K.\nforged row' })
    expect(await answer).toEqual({
      ok: false,
      refusal: { code: 'peer-refused', peerCode: 'no[2J', message: 'Fine[1A[2K. forged row' },
    })
  })
})
