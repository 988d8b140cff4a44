import { join } from 'node:path'
import { applyRuleset } from '@pontage/shared/node'
import type { Host } from './host.js'
import { Program } from './program.js'
import { builtProgram } from './repository.js'
import type { World } from './world.js'

/** What a censor drops of one machine's packets, on the router between it and everybody else. */
export interface Dropped {
  /** All of UDP, both ways. */
  readonly udp?: boolean
  /** Of UDP to it this much a second is let pass, whatever it is sent: a police of traffic, without a queue. */
  readonly udpBytesPerSecond?: number
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
  const into = `oifname "to-${victim.name}"`
  const both = [out, into]
  const rules = [
    ...(dropped.udp ? both.map((way) => `${way} meta l4proto udp drop`) : []),
    ...(dropped.udpBytesPerSecond
      ? [
          `${into} meta l4proto udp limit rate over ${dropped.udpBytesPerSecond} bytes/second burst 65536 bytes drop`,
        ]
      : []),
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
      set blocked { type ipv4_addr . inet_service; }
      chain between {
        type filter hook forward priority 0
        ${out} ip daddr . tcp dport @blocked drop
        ${rules.join('\n        ')}
      }
    }`)
}

/** Lets everything pass again. */
export const endCensorship = (): Promise<void> =>
  applyRuleset(`table inet ${table}\ndelete table inet ${table}`)

/** What a prober found at one endpoint: why it is none of a web server, or nothing. */
export interface Probed {
  readonly host: string
  readonly port: number
  readonly problems: readonly string[]
}

/** Watches a censored machine's line for TLS, and blocks every endpoint there that does not answer as a web server would. */
export async function startProber(
  world: World,
  victim: Host,
): Promise<{ probed(): readonly Probed[]; stop(): Promise<void> }> {
  const program = Program.start(
    'prober',
    [process.execPath, builtProgram('world/prober.js'), `to-${victim.name}`],
    {
      logBase: join(world.folder, 'prober'),
      env: process.env,
      cwd: world.folder,
      onLine: (line) => {
        if (!line.startsWith('{')) return
        const { host, port, problems } = JSON.parse(line) as Probed
        if (problems.length > 0) void applyRuleset(`add element inet ${table} blocked { ${host} . ${port} }`)
      },
    },
  )
  await program.line(/listening on/)
  return {
    probed: () =>
      program
        .lines()
        .filter((line) => line.startsWith('{'))
        .map((line) => JSON.parse(line) as Probed),
    stop: async () => void (await program.stop('SIGTERM')),
  }
}
