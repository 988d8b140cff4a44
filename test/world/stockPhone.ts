import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Host } from './host.js'

/** A machine with nothing of ours on it but a configuration, as a phone with the stock app. */
export interface StockPhone {
  /** Takes a configuration, in place of an earlier one. */
  up(configuration: string): Promise<void>
  down(): Promise<void>
  /** Fetches through whatever way the machine has. @returns Bytes that came */
  fetch(url: string, seconds?: number): Promise<number>
}

/** @param host - Without another tunnel. */
export function stockPhone(host: Host): StockPhone {
  const bin = join(host.home, 'bin')
  mkdirSync(bin, { recursive: true })
  // A phone asks whom its configuration names: the resolver of this machine is everybody's in the world.
  writeFileSync(join(bin, 'resolvconf'), `#!/bin/sh\ncat >> ${join(host.home, 'resolvers')}\n`)
  chmodSync(join(bin, 'resolvconf'), 0o755)
  const path = join(host.home, `${host.name}0.conf`)
  const env = { PATH: `${bin}:${process.env.PATH}`, WG_QUICK_USERSPACE_IMPLEMENTATION: 'wireguard-go' }
  let isUp = false
  async function down(): Promise<void> {
    if (isUp) await host.run(['wg-quick', 'down', path], { env })
    isUp = false
  }
  return {
    async up(configuration) {
      await down()
      writeFileSync(path, configuration, { mode: 0o600 })
      await host.run(['wg-quick', 'up', path], { env, timeoutMs: 20_000 })
      isUp = true
    },
    down,
    async fetch(url, seconds = 30) {
      const command = ['curl', '-s', '-o', '/dev/null', '-m', String(seconds), '-w', '%{size_download}', url]
      const curl = host.start(command)
      await curl.ended
      return Number(curl.output().trim().split('\n').at(-1))
    },
  }
}
