import { expect, it } from 'vitest'
import { legacyChains } from './legacyRules.js'

const saved = (policy: string, ...rules: string[]) =>
  [
    '*filter',
    ':INPUT DROP [0:0]',
    `:FORWARD ${policy} [3:180]`,
    ':DOCKER-USER - [0:0]',
    ...rules,
    'COMMIT',
    '',
  ].join('\n')

const names = (text: string) =>
  legacyChains('iptables-legacy', text).map(({ name, drops }) => (drops ? name : `${name}?`))

it('names chains outside nftables that drop what is forwarded, and those that lead nowhere only without need', () => {
  expect(names(saved('DROP'))).toEqual(['FORWARD of iptables-legacy'])
  expect(names(saved('ACCEPT', '-A FORWARD -j DOCKER-USER', '-A DOCKER-USER -i eth0 -j DROP'))).toEqual([
    'DOCKER-USER of iptables-legacy',
  ])
  expect(names(saved('ACCEPT', '-A DOCKER-USER -j DROP', '-A INPUT -j REJECT'))).toEqual([
    'FORWARD of iptables-legacy?',
  ])
  expect(names('')).toEqual(['FORWARD of iptables-legacy?'])
})
