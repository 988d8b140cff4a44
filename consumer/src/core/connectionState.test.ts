import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type ConnectionEvent, type ConnectionState, isReliedOn, next } from './connectionState.js'
import { policyOf } from './policy.js'

const event: fc.Arbitrary<ConnectionEvent> = fc.oneof(
  fc.constantFrom<ConnectionEvent>(
    { type: 'asked' },
    { type: 'agreed' },
    { type: 'attached' },
    { type: 'refused' },
    { type: 'gaveUp' },
  ),
  fc.constantFrom('user' as const, 'next' as const, 'limit' as const).map((because) => ({
    type: 'over' as const,
    because,
  })),
)
const start: ConnectionState = { name: 'disconnected' }
const after = (events: readonly ConnectionEvent[]) => events.reduce<ConnectionState>(next, start)

describe('a connection', () => {
  it('once relied on, is never open again before the user ends it', () => {
    fc.assert(
      fc.property(fc.array(event, { maxLength: 30 }), (events) => {
        let state: ConnectionState = start
        for (const each of events) {
          const before = state
          state = next(state, each)
          const isEndedByUser = each.type === 'over' && each.because === 'user'
          if (isReliedOn(before) && !isEndedByUser) expect(policyOf(state.name).rules).not.toBe('none')
        }
      }),
    )
  })

  it('leaves the machine as it was when the first tunnel does not come up', () => {
    expect(after([{ type: 'asked' }, { type: 'agreed' }, { type: 'refused' }])).toEqual(start)
    expect(after([{ type: 'asked' }, { type: 'agreed' }, { type: 'gaveUp' }])).toEqual(start)
  })

  it('opens one payment port while the next provider is asked, and shuts it when that one refuses', () => {
    const lost = after([
      { type: 'asked' },
      { type: 'agreed' },
      { type: 'attached' },
      { type: 'over', because: 'next' },
    ])
    expect(policyOf(lost.name).endpoint).toBe('refused')
    const asking = next(lost, { type: 'asked' })
    expect(policyOf(asking.name).endpoint).toBe('payment-port')
    expect(next(next(asking, { type: 'agreed' }), { type: 'refused' }).name).toBe('switching')
  })
})
