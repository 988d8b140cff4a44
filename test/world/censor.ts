import { applyRuleset } from '@pontage/shared/node'
import type { Host } from './host.js'

/** What a censor drops of one machine's packets, on the router between it and everybody else. */
export interface Dropped {
  /** All of UDP, both ways. */
  readonly udp?: boolean
  /** What begins as WireGuard's four messages do. */
  readonly wireguard?: boolean
  /** Everything to these machines. */
  readonly hosts?: readonly Host[]
  /** TLS to every port but 443. */
  readonly tlsElsewhere?: boolean
}

const table = 'censor'

/** Begins to drop, in place of what was dropped before. */
export async function censor(victim: Host, dropped: Dropped): Promise<void> {
  const out = `iifname "to-${victim.name}"`
  const both = [out, `oifname "to-${victim.name}"`]
  const rules = [
    ...(dropped.udp ? both.map((way) => `${way} meta l4proto udp drop`) : []),
    // Type of the message, and three bytes of zero.
    ...(dropped.wireguard
      ? both.map(
          (way) => `${way} udp length > 8 @th,64,32 { 0x01000000, 0x02000000, 0x03000000, 0x04000000 } drop`,
        )
      : []),
    ...(dropped.hosts ?? []).flatMap(({ address, address6 }) => [
      `${out} ip daddr ${address} drop`,
      `${out} ip6 daddr ${address6} drop`,
    ]),
    // The first record of TLS: a handshake, version 3.
    ...(dropped.tlsElsewhere ? [`${out} tcp dport != 443 @ih,0,16 { 0x1601, 0x1603 } drop`] : []),
  ]
  await applyRuleset(`table inet ${table}
    delete table inet ${table}
    table inet ${table} {
      chain between {
        type filter hook forward priority 0
        ${rules.join('\n        ')}
      }
    }`)
}

/** Lets everything pass again. */
export const endCensorship = (): Promise<void> =>
  applyRuleset(`table inet ${table}\ndelete table inet ${table}`)
