import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { applyIp, runCommand } from '@pontage/shared/node'
import type { Host } from '@pontage/test/world'

/** Two devices on the router, between which everything from and to one machine travels. */
const near = { device: 'near', sends: 9_101, sentTo: 9_102 }
const far = { device: 'far', sends: 9_103, sentTo: 9_104 }
const table = '9100'

/** How far away a machine is. */
export interface Distance {
  readonly roundTripMs: number
  /** Of each hundred packets, each way. */
  readonly lossPercent: number
  /** What is lost follows from it. */
  readonly seed: number
}

/** Moves a machine far away from all others. @returns What brings it back. */
export async function moveAway(host: Host, distance: Distance): Promise<() => Promise<void>> {
  const { roundTripMs, lossPercent, seed } = distance
  const programs = [near, far].map(({ device, sends, sentTo }) =>
    spawn(
      'socat',
      [
        `TUN,tun-name=${device},tun-type=tun,iff-no-pi,iff-up`,
        `UDP4-DATAGRAM:127.0.0.1:${sentTo},bind=127.0.0.1:${sends}`,
      ],
      { stdio: 'inherit' },
    ),
  )
  const pairs = [near, far].map(({ sends, sentTo }) => `${sends},${sentTo}`)
  const delay = fileURLToPath(new URL('delay.js', import.meta.url))
  const numbers = [roundTripMs / 2, lossPercent / 100, seed].map(String)
  const delaying = spawn(process.execPath, [delay, ...pairs, ...numbers], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  await once(delaying.stdout, 'data')
  for (const { device } of [near, far]) await standing(device)
  // From it: into `near`, out of `far`. To it: into `far`, out of `near`.
  await runCommand(['sysctl', '-qw', 'net.ipv4.conf.all.rp_filter=0', 'net.ipv4.conf.near.rp_filter=0'])
  await applyIp([
    ['rule', 'add', 'priority', '100', 'iif', `to-${host.name}`, 'table', table],
    ['route', 'add', 'default', 'dev', near.device, 'table', table],
    ['rule', 'add', 'priority', '99', 'iif', near.device, 'lookup', `${table}1`],
    ['route', 'add', `${host.address}/32`, 'dev', `to-${host.name}`, 'table', `${table}1`],
    ['route', 'replace', `${host.address}/32`, 'dev', far.device],
  ])
  return async () => {
    for (const program of [...programs, delaying]) await ended(program)
    await applyIp([
      ['rule', 'delete', 'priority', '100'],
      ['rule', 'delete', 'priority', '99'],
      ['route', 'flush', 'table', `${table}1`],
      ['route', 'replace', `${host.address}/32`, 'dev', `to-${host.name}`],
    ])
  }
}

async function standing(device: string): Promise<void> {
  for (;;) {
    const found = await runCommand(['ip', 'link', 'show', 'dev', device]).catch(() => undefined)
    if (found) return
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

async function ended(program: ChildProcess): Promise<void> {
  if (program.exitCode !== null) return
  const gone = once(program, 'exit')
  program.kill('SIGTERM')
  await gone
}
