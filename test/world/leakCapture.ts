import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { runCommand } from '@pontage/shared/node'
import type { Host } from './host.js'
import { eventually, type Market } from './market.js'
import { Program } from './program.js'

/** Packets that should not have been on a line, by kind; a question for a name counts as its family, too. */
export interface Leak {
  readonly ipv4: number
  readonly ipv6: number
  readonly names: number
}
export const noLeak: Leak = { ipv4: 0, ipv6: 0, names: 0 }

/** Neighbour discovery and ARP tell nobody beyond the router. */
const neighbours = '(arp or (icmp6 and (ip6[40] == 133 or ip6[40] == 135 or ip6[40] == 136)))'
let captures = 0

/**
 * Captures with tcpdump what a machine sends while `during` runs, at the other end of its only line, and counts what is
 * neither WireGuard nor a provider's payment port.
 *
 * @param others - Further ports that count as neither, each `ADDRESS PORT`.
 */
export async function captureLeak(
  { world }: Market,
  from: Host,
  providers: readonly Host[],
  during: () => Promise<unknown>,
  tcpPort = 7800,
  others: readonly string[] = [],
): Promise<Leak> {
  captures += 1
  const file = join(world.folder, `capture-${captures}.pcap`)
  const words = [
    '-i',
    `to-${from.name}`,
    '-Q',
    'in',
    '-n',
    '-U',
    '--immediate-mode',
    '-Z',
    'root',
    '-w',
    file,
  ]
  const capture = Program.start('tcpdump', ['tcpdump', ...words], {
    logBase: file,
    env: process.env,
    cwd: world.folder,
  })
  await capture.line(/listening on/)
  try {
    await during()
  } finally {
    await capture.stop('SIGINT')
  }
  const ports = providers.map(
    ({ address }) => `(dst host ${address} and (udp dst port 51820 or tcp dst port ${tcpPort}))`,
  )
  const known = others.map((each) => {
    const [host, port] = each.split(' ')
    return `(dst host ${host} and tcp dst port ${port})`
  })
  const wrong = `not (${[...ports, ...known, neighbours].join(' or ')})`
  const count = async (filter: string) => {
    const { stdout } = await runCommand(['tcpdump', '-n', '-r', file, `${wrong} and ${filter}`])
    const lines = stdout.split('\n').filter((line) => line !== '')
    if (lines.length > 0) process.stdout.write(`captured, ${filter}:\n${lines.slice(0, 3).join('\n')}\n`)
    return lines.length
  }
  const leak = { ipv4: await count('ip'), ipv6: await count('ip6'), names: await count('port 53') }
  await rm(file)
  return leak
}

/**
 * A busy machine that tries everything, again and again: IPv4, IPv6, names, neighbours.
 *
 * @param options.neighbours - Whether it talks to its local network, too; for names it does always.
 */
export const makeNoise = (market: Market, host: Host, options: { neighbours?: boolean } = {}): Program =>
  host.start(['bash', '-c', noiseScript(market, options)])

/** The same as a script for bash. */
export function noiseScript({ internet }: Market, { neighbours = true } = {}): string {
  const { address, address6 } = internet.host
  const attempts = [
    `curl -s -m 1 -o /dev/null http://${address}/address`,
    `curl -s -m 1 -o /dev/null http://[${address6}]/address`,
    'echo x > /dev/udp/9.9.9.9/53',
    'echo x > /dev/udp/2001:db8:9::9/53',
    'echo x > /dev/udp/192.0.2.1/53',
    ...(neighbours ? ['ping -c 1 -W 1 192.0.2.1'] : []),
    `ping -6 -c 1 -W 1 ${address6}`,
  ]
  const each = attempts.map((attempt) => `(${attempt}) >/dev/null 2>&1 &`).join(' ')
  return `while :; do ${each} sleep 0.2; echo tried; done`
}

/** Resolves when a busy machine has tried everything a few times more. */
export async function noiseGoesOn(noise: Program): Promise<void> {
  const before = noise.lines().length
  await eventually('it tried everything again', async () => noise.lines().length >= before + 15)
}
