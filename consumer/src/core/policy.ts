import type { ConnectionState } from './connectionState.js'

/**
 * Where a consumer's machine stands, as its user sees it: a state of the program, or what may befall a connection from
 * outside, while the same rules hold.
 */
export type Situation =
  | ConnectionState['name']
  | 'suspended'
  | 'detached'
  | 'network-changed'
  | 'killed'
  | 'tunnel-gone'

/** What may leave the machine. */
export interface Policy {
  /** The kernel's rules: ours are not there, those around a tunnel, or those without one. */
  readonly rules: 'none' | 'tunnel' | 'shut'
  /** What passes through the tunnel. */
  readonly tunnel:
    | 'none'
    | 'to-the-cap'
    | 'to-the-credit'
    | 'provider-only'
    | 'once-it-carries'
    | 'unreachable'
  /** What passes to the provider's own address beside the tunnel. */
  readonly endpoint:
    | 'unchanged'
    | 'session'
    | 'session-anew'
    | 'session-until-next'
    | 'payment-port'
    | 'refused'
}

const aroundTunnel = { rules: 'tunnel', tunnel: 'to-the-cap', endpoint: 'session' } as const
const open = { rules: 'none', tunnel: 'none', endpoint: 'unchanged' } as const
const shut = { rules: 'shut', tunnel: 'none', endpoint: 'refused' } as const

/** The whole of what the kill switch permits: docs/security.md prints it, the rulesets obey it. */
export function policyOf(situation: Situation): Policy {
  switch (situation) {
    case 'disconnected':
    case 'preparing':
      return open
    case 'raising':
    case 'connected':
    case 'killed':
      return aroundTunnel
    case 'suspended':
      return { ...aroundTunnel, tunnel: 'provider-only' }
    case 'detached':
      return { ...aroundTunnel, tunnel: 'to-the-credit' }
    case 'network-changed':
      return { ...aroundTunnel, tunnel: 'once-it-carries', endpoint: 'session-anew' }
    case 'tunnel-gone':
      return { ...aroundTunnel, tunnel: 'unreachable', endpoint: 'session-until-next' }
    case 'asking':
      return { ...shut, endpoint: 'payment-port' }
    case 'switching':
    case 'ended':
      return shut
  }
}

const rows: readonly (readonly [when: string, Situation])[] = [
  ['not connected, or connecting for the first time', 'preparing'],
  ['connected', 'connected'],
  ['suspended because payment is missing', 'suspended'],
  ['payment socket lost', 'detached'],
  ['network changed, or resumed from sleep', 'network-changed'],
  ['asking the next provider', 'asking'],
  ['between two providers', 'switching'],
  ['ended by cap, budget or ceiling, or because no provider was left', 'ended'],
  ['program killed while connected', 'killed'],
  ['wireguard-go killed', 'tunnel-gone'],
  ['ended by Ctrl-C, after `pontage disconnect` or `pontage unlock`', 'disconnected'],
]

/** Programs that the rules of the machine are not for, in each of its states: the cells of their rows. */
const exceptions: readonly (readonly string[])[] = [
  [
    'any of these: a program of `exec`, with root or without, or in `--netns`',
    ...['its own passes', 'as in that state', 'refused', 'refused', 'refused', 'refused'],
  ],
  [
    'connected: a program of `bypass`',
    ...['passes', 'its questions for names', 'passes', 'passes', 'passes', 'passes, but questions for names'],
  ],
]

const tunnelWords: Record<Policy['tunnel'], string> = {
  none: 'no tunnel',
  'to-the-cap': 'passes, up to the cap; inwards only what was asked for',
  'to-the-credit': 'passes, up to the provider’s credit',
  'provider-only': 'only to the provider itself',
  'once-it-carries': 'passes once the new network carries it',
  unreachable: 'no device: unreachable',
}

const endpointWords: Record<Policy['endpoint'], string> = {
  unchanged: 'unchanged',
  session: 'WireGuard’s own marked UDP, and TCP to the payment port',
  'session-anew': 'as connected, over the new network',
  'session-until-next': 'as connected, until another tunnel is looked for',
  'payment-port':
    'TCP to the payment port of the provider being asked, no other; where it has failed before, a question for its host’s name',
  refused: 'refused',
}

/** The table of docs/security.md: what leaves a consumer's machine. */
export function securityTable(): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`
  const head = [
    'State',
    'Loopback',
    'Through the tunnel',
    'To the provider’s endpoint',
    'Local network with `--allow-lan`',
    'DHCP, neighbour discovery',
    'Everything else, IPv4 and IPv6',
  ]
  return [
    line(head),
    line(head.map(() => '---')),
    ...rows.map(([when, situation]) => {
      const { rules, tunnel, endpoint } = policyOf(situation)
      const [passes, rest] = rules === 'none' ? ['unchanged', 'unchanged'] : ['passes', 'refused']
      return line([when, passes, tunnelWords[tunnel], endpointWords[endpoint], passes, passes, rest])
    }),
    ...exceptions.map(line),
  ].join('\n')
}
