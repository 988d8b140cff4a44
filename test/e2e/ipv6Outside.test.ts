import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { runCommand } from '@pontage/shared/node'
import { afterEach, describe, expect, it } from 'vitest'
import { createMarket, logged, type Market, openHub, openProvider, seatConsumer } from '../world/index.js'

// The network between the programs, when it is not IPv4 alone.

let market: Market | undefined
afterEach(async () => {
  await market?.destroy()
  market = undefined
})

/** A consumer with a channel, and a provider that says where it is. */
async function open(outer: 'dual' | 'ipv6', endpoint?: string) {
  market = await createMarket(outer)
  const hub = await openHub(market, 'hub', { pool: '100', drawAbove: '1000' })
  const provider = await openProvider(market, 'provider', {
    ...{ price: '0.05/GB', country: 'DE', hubs: [hub.address], beneficiary: market.deployer, megabits: 100 },
    ...(endpoint === undefined ? {} : { endpoint, flags: ['--host', '::'] }),
  })
  const consumer = await seatConsumer(market, 'consumer', '10')
  await consumer.run('channel', 'open', '--hub', hub.address, '--amount', '5')
  return { market, provider, consumer }
}

const ask = ['curl', '-sS', '-g', '--fail', '--max-time', '20']

describe('an internet that speaks IPv6 only', () => {
  it('carries a whole session: chain, hub, tunnel, payments', { timeout: 240_000 }, async () => {
    const { market, provider, consumer } = await open('ipv6')
    const program = consumer.start(['connect', '--json'])
    await logged(program, 'connected', {}, 60_000)
    const seen = await consumer.host.run([...ask, market.internet.addressUrl])
    expect(seen.stdout.trim()).toBe(provider.host.address)
    await consumer.host.run([...ask, '-o', '/dev/null', market.internet.fileUrl(3_000_000)])
    expect(await program.stop('SIGINT', 30_000)).toEqual({ code: 0, signal: null })
    expect((await logged(program, 'ended')).promises).toBeGreaterThanOrEqual(3)
  })
})

describe('an internet that speaks both', () => {
  it('is crossed by whichever address of a provider answers', { timeout: 240_000 }, async () => {
    const hosts = readFileSync('/etc/hosts', 'utf8')
    const { market, provider, consumer } = await open('dual', 'vpn.example:7800')
    const { address, address6 } = provider.host
    const file = join(market.world.folder, 'hosts')
    writeFileSync(file, hosts)
    await runCommand(['mount', '--bind', file, '/etc/hosts'])
    // Packets to these vanish without a word.
    for (const [family, dead] of [
      ['-4', '192.0.2.99'],
      ['-6', '2001:db8:dead::1'],
    ] as const)
      await runCommand(['ip', family, 'route', 'add', 'blackhole', dead])
    try {
      for (const [dead, alive] of [
        ['2001:db8:dead::1', address],
        ['192.0.2.99', address6],
      ] as const) {
        writeFileSync(file, `${hosts}\n${dead} vpn.example\n${alive} vpn.example\n`)
        const program = consumer.start(['connect', '--json'])
        await logged(program, 'connected', {}, 60_000)
        const seen = await consumer.host.run([...ask, market.internet.addressUrl])
        expect(seen.stdout.trim()).toBe(address)
        expect(await program.stop('SIGINT', 30_000)).toEqual({ code: 0, signal: null })
      }
    } finally {
      await runCommand(['umount', '/etc/hosts'])
    }
  })
})
