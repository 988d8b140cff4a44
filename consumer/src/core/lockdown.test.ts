import { describe, expect, it } from 'vitest'
import { lockdownRuleset, unlockedInWords } from './lockdown.js'

const tunnel = { interface: '"pontx"', fwmark: '0x0000ca6c' }
const rulesOf = (name: string, text: string) =>
  new RegExp(`chain ${name} \\{\n(.*?)\n  \\}`, 's')
    .exec(text)?.[1]
    ?.split('\n')
    .map((rule) => rule.trim()) ?? []

describe('a lockdown', () => {
  it('drops what no rule lets pass, whether something is connected or not', () => {
    for (const options of [{}, { tunnel }]) {
      const guard = rulesOf('guard', lockdownRuleset({ ...options, allowLan: false, guests: [] }))
      expect(guard[0]).toMatch(/hook postrouting .* policy drop;$/)
      expect(guard.at(-1)).toMatch(/drop$/)
    }
  })

  it('lets out our own programs by their group, and of others neither names nor connections', () => {
    const guard = rulesOf('guard', lockdownRuleset({ allowLan: false, guests: [] }))
    const accepted = guard.filter((rule) => rule.endsWith('accept'))
    expect(accepted.filter((rule) => /dport (53|\{ 53)/.test(rule))).toEqual([
      'meta skuid 60900 meta l4proto { tcp, udp } th dport 53 accept',
    ])
    expect(accepted).toContain('meta skgid 60901 accept')
    expect(accepted.some((rule) => /10\.0\.0\.0/.test(rule))).toBe(false)
  })

  it('lets a tunnel through, and WireGuard’s own packets by their mark', () => {
    const guard = rulesOf('guard', lockdownRuleset({ tunnel, allowLan: false, guests: [] }))
    expect(guard).toContain('oifname "pontx" accept')
    expect(guard).toContain('meta mark 0x0000ca6c meta l4proto udp accept')
  })

  it('refuses at once where nothing is connected; else the kill switch does', () => {
    expect(rulesOf('output', lockdownRuleset({ allowLan: false, guests: [] })).at(-1)).toMatch(/^reject/)
    expect(rulesOf('output', lockdownRuleset({ tunnel, allowLan: false, guests: [] }))).toEqual([])
  })

  it('opens the local network only where that was asked for, and there no question for a name', () => {
    const guard = rulesOf('guard', lockdownRuleset({ allowLan: true, guests: [] }))
    const names = guard.indexOf('meta l4proto { tcp, udp } th dport { 53, 853 } drop')
    expect(names).toBeGreaterThan(0)
    expect(guard.findIndex((rule) => rule.includes('10.0.0.0/8'))).toBeGreaterThan(names)
  })
})

it('is not called normal, a network on which lockdown goes on', () => {
  expect(unlockedInWords('restored', false)).toEqual([
    'The kill switch is off, and the network is back to normal.',
  ])
  for (const result of ['restored', 'swept', 'nothing'] as const) {
    const said = unlockedInWords(result, true).join(' ')
    expect(said).toMatch(/Lockdown is on, and stays/)
    expect(said).not.toMatch(/normal/)
  }
})
