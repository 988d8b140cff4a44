import { describe, expect, it } from 'vitest'
import type { Status } from './state.js'
import { secondsLeft, stateWords } from './stateWords.js'
import { texts } from './texts.js'

const still: Status = {
  ...{ state: 'disconnected', killSwitch: false, lockdown: 'off', problems: [], netns: null, gateway: [] },
  ...{ rootless: false, beside: [] },
  ...{ allowLan: null, provider: null, downBytes: null, upBytes: null, exits: [], live: null, lendings: [] },
}

/** Every way in which things can stand. */
const all = (Object.keys(texts.state) as Status['state'][]).flatMap((state) =>
  (['off', 'on', 'lifted'] as const).flatMap((lockdown) =>
    [null, 'games'].flatMap((netns) =>
      [null, [], ['The table is gone.']].flatMap((problems) =>
        [true, false].map((allowLan): Status => ({ ...still, state, lockdown, netns, problems, allowLan })),
      ),
    ),
  ),
)

describe('words of a state', () => {
  it('promise protection to the whole machine only where the kernel, or the record, says so', () => {
    for (const now of all) {
      const { pill, kind, means } = stateWords(now)
      const says = JSON.stringify(now)
      const isWhole = now.netns === null && (now.problems ?? []).length === 0
      expect(pill === texts.pill.connected, says).toBe(now.state === 'connected' && isWhole)
      if (kind === 'good') expect(now.state, says).toBe('connected')
      if (means === texts.means.connected) expect(now.allowLan, says).toBe(false)
    }
  })

  it('call the network open only where it is', () => {
    for (const now of all.filter(({ lockdown, netns }) => lockdown === 'on' && netns === null))
      expect(stateWords(now).means, JSON.stringify(now)).not.toMatch(/network is open/)
    expect(stateWords(still).means).toMatch(/network is open/)
  })

  it('name the namespace that a tunnel is for', () => {
    const { title, means } = stateWords({ ...still, state: 'connected', netns: 'games', allowLan: false })
    expect(title).toBe('A tunnel for the programs in games: connected')
    expect(means).toContain('without a VPN')
    const alone = stateWords({ ...still, state: 'connected', netns: 'pont1', rootless: true })
    expect(alone.title).toBe('A tunnel for one program: connected')
    expect(alone.means).toContain('without a VPN')
  })
})

describe('the time that is left', () => {
  const live = (more: object) =>
    ({
      live: {
        ...{ bytesPerSecond: 1_000_000, spentWei: '0', latencyMs: null, carrier: 'udp', reason: null },
        serving: { country: 'DE', price: { perMegabyte: '10', perHour: '0' }, sinceMs: 0 },
        allowances: { channel: { used: '0', left: '3600' } },
        ...more,
      },
    }) as Pick<Status, 'live'>
  const serving = (perMegabyte: string, perHour: string) => ({
    serving: { country: 'DE', price: { perMegabyte, perHour }, sinceMs: 0 },
  })

  it('is what traffic and time use up together', () => {
    expect(secondsLeft(live({}))).toBe(360)
    // Ten a megabyte, and ten a second for time: half as long.
    expect(secondsLeft(live(serving('10', '36000')))).toBe(180)
  })

  it('runs on for time that is charged while nothing flows', () => {
    expect(secondsLeft(live({ bytesPerSecond: 0, ...serving('10', '3600') }))).toBe(3_600)
    expect(secondsLeft(live({ bytesPerSecond: 0 }))).toBeUndefined()
  })

  it('ends with the cap where that is first', () => {
    const allowances = { cap: { used: '0', left: '5000000' }, channel: { used: '0', left: '3600' } }
    expect(secondsLeft(live({ allowances }))).toBe(5)
  })
})
