import { createSocket } from 'node:dgram'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { applyIp, runCommand } from '@pontage/shared/node'
import { afterEach, describe, expect, it } from 'vitest'
import {
  createMarket,
  eventually,
  logged,
  logLines,
  type Market,
  openHub,
  openProvider,
  seatConsumer,
} from '../world/index.js'

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
    // Nobody knows the name yet, so that no hub could try it.
    ...(endpoint === undefined ? {} : { endpoint, flags: ['--host', '::', '--no-reach-check'] }),
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

/** Answers for names as it is told, and remembers what one machine asked. */
function startNames(client: string, address: () => string) {
  const asked: string[] = []
  const socket = createSocket('udp4')
  socket.on('message', (query, from) => {
    const labels: string[] = []
    let at = 12
    for (let length = query[at] ?? 0; length > 0; length = query[at] ?? 0) {
      labels.push(query.toString('latin1', at + 1, at + 1 + length))
      at += 1 + length
    }
    const name = labels.join('.')
    // Its zero, type and class.
    const end = at + 5
    if (from.address === client) asked.push(name)
    const isAddress = name === 'moving.example' && query.readUInt16BE(end - 4) === 1
    const header = Buffer.from([0, 0, 0x81, 0x80, 0, 1, 0, isAddress ? 1 : 0, 0, 0, 0, 0])
    query.copy(header, 0, 0, 2)
    const answer = [0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4, ...address().split('.').map(Number)]
    socket.send(
      Buffer.concat([header, query.subarray(12, end), Buffer.from(isAddress ? answer : [])]),
      from.port,
      from.address,
    )
  })
  socket.bind(53, '192.0.2.1')
  return { asked, close: () => socket.close() }
}

describe('a provider that moves', () => {
  it('is found again by its name, and nobody else’s names are asked for', { timeout: 300_000 }, async () => {
    const resolvers = readFileSync('/etc/resolv.conf', 'utf8')
    const { market, provider, consumer } = await open('dual', 'moving.example:7800')
    const { address, device, netns } = provider.host
    const moved = '198.51.100.200'
    let current = address
    const names = startNames(consumer.host.address, () => current)
    writeFileSync('/etc/resolv.conf', 'nameserver 192.0.2.1\n')
    const others = consumer.host.start([
      'bash',
      '-c',
      'while :; do timeout 1 getent ahosts others.example; sleep 0.2; done',
    ])
    try {
      const program = consumer.start(['connect', '--json'])
      await logged(program, 'connected', {}, 60_000)
      current = moved
      await applyIp([
        ['route', 'add', `${moved}/32`, 'dev', 'to-provider'],
        ['route', 'delete', `${address}/32`, 'dev', 'to-provider'],
      ])
      await applyIp(
        [
          ['address', 'add', `${moved}/32`, 'dev', device],
          ['address', 'delete', `${address}/32`, 'dev', device],
          ['route', 'replace', '192.0.2.1', 'dev', device],
          ['route', 'replace', 'default', 'via', '192.0.2.1', 'dev', device],
        ],
        { netns },
      )
      names.asked.length = 0
      await logged(program, 'failed-over', {}, 60_000)
      await eventually(
        'it is connected again',
        async () => logLines(program, ({ event }) => event === 'connected').length === 2,
        120_000,
      )
      expect(new Set(names.asked)).toEqual(new Set(['moving.example']))
      const seen = await consumer.host.run([...ask, market.internet.addressUrl])
      expect(seen.stdout.trim()).toBe(moved)
      expect(await program.stop('SIGINT', 30_000)).toEqual({ code: 0, signal: null })
    } finally {
      await others.stop('SIGKILL')
      names.close()
      writeFileSync('/etc/resolv.conf', resolvers)
    }
  })
})
