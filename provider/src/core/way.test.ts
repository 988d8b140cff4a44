import { describe, expect, it } from 'vitest'
import { followWay, judgeProbe, openWay, type WayState } from './way.js'

const chains = [
  { name: 'ip filter FORWARD', family: 'ip', drops: true },
  { name: 'inet firewalld filter_FORWARD', family: 'inet', drops: false },
]
const ways = { four: 'eth0', six: 'eth0' }
const passed = { out: true, back: true, in: true }
const silent = { out: true, back: false, in: false }
const lost = { out: false, back: false, in: false }

describe('a probe', () => {
  it('finds nothing wrong where its packets left, whether or not somebody answered', () => {
    expect(judgeProbe({ four: passed, six: silent }, ways, chains)).toBeUndefined()
  })

  it('names the chains that drop, and the rules that mend it', () => {
    const fault = judgeProbe({ four: lost, six: passed }, ways, chains)
    expect(fault).toContain('What consumers send by IPv4 is dropped')
    expect(fault).toContain('chain ip filter FORWARD')
    expect(fault).not.toContain('firewalld')
    expect(fault).toContain('nft insert rule ip filter FORWARD iifname "pont*" accept')
    expect(judgeProbe({ four: passed, six: lost }, ways, chains)).toContain('inet firewalld filter_FORWARD')
  })

  it('expects nothing to pass that has no route', () => {
    expect(judgeProbe({ four: passed, six: lost }, { ...ways, six: undefined }, chains)).toBeUndefined()
  })

  it('says so when only the answers are dropped, or no chain is known to do it', () => {
    const dropped = { out: true, back: true, in: false }
    expect(judgeProbe({ four: dropped, six: passed }, ways, chains)).toContain('Answers to consumers by IPv4')
    expect(judgeProbe({ four: lost, six: passed }, ways, [])).toContain('iptables-legacy')
  })
})

describe('the offer', () => {
  /** Effects of looks a second apart. */
  const play = (open: readonly boolean[], withdrawAfterMs: number) => {
    let state: WayState = openWay
    return open.map((isOpen, second) => {
      const next = followWay(state, isOpen, second * 1_000, withdrawAfterMs)
      state = next.state
      return next.effect
    })
  }

  it('stands through a fault that mends itself in time', () => {
    expect(play([true, false, false, true, false, false, true], 3_000).filter(Boolean)).toEqual([])
  })

  it('is withdrawn once when the fault lasts, and published again once the way stays open', () => {
    const effects = play([false, false, false, false, false, true, false, true, true, true, true], 3_000)
    expect(effects.map((effect, second) => [second, effect]).filter(([, effect]) => effect)).toEqual([
      [3, 'withdraw'],
      [10, 'publish'],
    ])
  })
})
