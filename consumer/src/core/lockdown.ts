import { forwarding, guestSet, toGuests } from './forwarded.js'
import { nameAsker } from './killSwitch.js'
import {
  chain,
  countedDrop,
  lan,
  plumbing,
  question,
  refused,
  refuseFast,
  stoppedCounter,
} from './ruleWords.js'

/** A table of its own beside the kill switch's: it stands whether anything is connected or not. */
export const lockdownTable = 'pontage_lockdown'

/** Group, by number, of the sockets of our own programs: nobody else's. */
export const ownGroup = 60_901

/** What `unlock` has done, in sentences. @param isShut - Whether a lockdown goes on. */
export function unlockedInWords(result: 'restored' | 'swept' | 'nothing', isShut: boolean): string[] {
  const done = {
    restored: isShut
      ? 'The kill switch is off.'
      : 'The kill switch is off, and the network is back to normal.',
    swept:
      'The kill switch, its routes and its tunnels are gone. The previous content of /etc/resolv.conf is not known.',
    nothing: 'There was nothing to undo.',
  }[result]
  return isShut
    ? [done, 'Lockdown is on, and stays: "pontage disconnect" lifts it until the next boot or connect.']
    : [done]
}

/** What of a standing tunnel is let out; every text is ready to stand in a rule. */
export interface LockdownTunnel {
  readonly interface: string
  /** Mark on WireGuard's own packets. */
  readonly fwmark: string
}

/**
 * The body of the table: loopback, what keeps the link alive, our own programs, and a tunnel where one stands. What may go
 * into that, and where its packets may go to, the kill switch says.
 *
 * @param options.tunnel - Left out: nothing is connected, and programs are refused at once instead of hanging.
 */
export function lockdownRuleset(options: {
  tunnel?: LockdownTunnel | undefined
  allowLan: boolean
  guests: readonly string[]
}): string {
  const { tunnel, allowLan, guests } = options
  const passes = (verdict: string) => [
    'oifname "lo" accept',
    toGuests,
    `meta skgid ${ownGroup} accept`,
    `meta skuid ${nameAsker} ${question} accept`,
    ...(allowLan ? lan(verdict, tunnel?.interface) : []),
    ...plumbing,
  ]
  const refusing = chain('output', [
    'type filter hook output priority filter; policy drop;',
    ...passes(refused),
    ...refuseFast,
  ])
  return [
    `counter ${stoppedCounter} { }`,
    guestSet(guests),
    // With a tunnel the kill switch says what is forwarded.
    ...(tunnel === undefined ? [refusing, forwarding(allowLan)] : []),
    chain('guard', [
      'type filter hook postrouting priority 300; policy drop;',
      ...(tunnel === undefined
        ? []
        : [`oifname ${tunnel.interface} accept`, `meta mark ${tunnel.fwmark} meta l4proto udp accept`]),
      ...passes('drop'),
      countedDrop,
    ]),
  ].join('\n')
}
