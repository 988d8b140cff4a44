import { join } from 'node:path'
import { weiPerMegabyte } from '@pontage/shared'
import { readInvitation, writeInvitation } from '@pontage/shared/node'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import {
  captureLeak,
  censor,
  createMarket,
  endCensorship,
  eventually,
  fileDigest,
  logged,
  logLines,
  type Market,
  makeNoise,
  noiseGoesOn,
  noLeak,
  openHub,
  openProvider,
  type Person,
  type Program,
  runIntoCap,
  seatConsumer,
  startProber,
} from '../world/index.js'
import { endAfterFailure } from './endAfterFailure.js'

const fileBytes = 30_000_000

// Two providers: one whose address everybody can read on chain, and one on port 443 that only those find who were invited.

let market: Market
let consumer: Person
let listed: Awaited<ReturnType<typeof openProvider>>
let provider: typeof listed
let invitation: { id: string; link: string }

beforeAll(async () => {
  market = await createMarket()
  const hub = await openHub(market, 'hub', { pool: '100', drawAbove: '1000' })
  const offer = { country: 'DE', hubs: [hub.address], beneficiary: market.deployer, megabits: 100 }
  listed = await openProvider(market, 'listed', { ...offer, price: '0.04/GB' })
  provider = await openProvider(market, 'provider', {
    ...{ ...offer, price: '0.05/GB', port: 443, flags: ['--unlisted'] },
  })
  invitation = await provider.json('invite')
  consumer = await seatConsumer(market, 'consumer', '10')
  await consumer.run('channel', 'open', '--hub', hub.address, '--amount', '5')
})
afterAll(() => market.destroy())
afterEach(() => endCensorship())

/** What a person at home would forget it by: a network of another router. */
const forgetNetworks = () => consumer.host.run(['rm', '-f', join('.pontage', 'consumer', 'carriers.json')])

async function connect(...args: readonly string[]) {
  const words = ['connect', invitation.link, '--json', ...args]
  const program = endAfterFailure(consumer, consumer.start(words))
  const { carrier, stepsMs } = await logged(program, 'connected', {}, 60_000)
  return { program, carrier, tunnelMs: (stepsMs as { tunnel: number }).tunnel }
}

/** Downloads the file, and checks that it is whole. @returns Milliseconds from the start to the first byte */
async function download(bytes = fileBytes): Promise<number> {
  const words = ['curl', '-sS', '--fail', '--max-time', '90', '-w', '%{time_starttransfer}', '-o', 'file']
  const { stdout } = await consumer.host.run([...words, market.internet.fileUrl(bytes)], {
    timeoutMs: 100_000,
  })
  const { stdout: sum } = await consumer.host.run(['sha256sum', 'file'])
  expect(sum.split(' ')[0]).toBe(fileDigest(bytes))
  return Number(stdout) * 1_000
}

/** Ends it, and checks that what was carried was paid, once. */
async function end(program: Program, carried = fileBytes): Promise<void> {
  expect(await program.stop('SIGINT', 30_000)).toEqual({ code: 0, signal: null })
  const ended = await logged(program, 'ended')
  expect(logLines(program, ({ event }) => event === 'failed-over')).toEqual([])
  const bytes = Number(ended.downBytes) + Number(ended.upBytes)
  expect(bytes).toBeGreaterThan(carried)
  expect(bytes).toBeLessThan(1.2 * carried + 1_000_000)
  // 0.05 tokens a gigabyte: by megabytes begun, of what is charged, which is less than what was counted.
  const spent = Number(ended.spent) / 1e18
  expect(spent).toBeGreaterThanOrEqual((carried / 1e9) * 0.05)
  expect(spent).toBeLessThan((bytes / 1e9 + 0.001) * 0.05 + 1e-9)
  expect(Number(ended.accepted)).toBe(Number(ended.spent))
}

describe('behind a censor, a consumer downloads 30 MB, paid and whole', { timeout: 300_000 }, () => {
  it('where nothing is dropped: by UDP', async () => {
    const { program, carrier } = await connect()
    expect(carrier).toBe('udp')
    await download()
    await end(program)
  })

  it('where WireGuard is recognised by its first bytes: by wss', async () => {
    await censor(consumer.host, { wireguard: true })
    const { program, carrier, tunnelMs } = await connect()
    expect(carrier).toBe('wss')
    const firstByteMs = await download()
    console.log(
      `UDP blocked, network unknown: tunnel after ${tunnelMs} ms, then first byte after ${firstByteMs} ms`,
    )
    const { live } = await consumer.json<{ live: { carrier: string } }>('status')
    expect(live.carrier).toBe('wss')
    await end(program)
  })

  it('where UDP is dropped altogether: by wss at once, since this network is known', async () => {
    await censor(consumer.host, { udp: true })
    const { program, carrier, tunnelMs } = await connect()
    expect(carrier).toBe('wss')
    const firstByteMs = await download()
    console.log(
      `UDP blocked, network known: tunnel after ${tunnelMs} ms, then first byte after ${firstByteMs} ms`,
    )
    await end(program)
  })

  it('where UDP is policed, so that more of it is lost than the two counts may differ by: it goes on by wss', async () => {
    await forgetNetworks()
    await censor(consumer.host, { udpBytesPerSecond: 3_000_000 })
    const { program, carrier } = await connect()
    expect(carrier).toBe('udp')
    await download()
    await logged(program, 'carrier', { carrier: 'wss' })
    await end(program)
    await forgetNetworks()
  })

  it('where UDP passes at first, and is dropped in mid-session: it goes on by wss', async () => {
    await forgetNetworks()
    const { program, carrier } = await connect()
    expect(carrier).toBe('udp')
    const rate = ['--limit-rate', '2M']
    const words = ['curl', '-sS', '--fail', '--max-time', '90', ...rate, '-o', 'file']
    const downloading = consumer.host.run([...words, market.internet.fileUrl(fileBytes)], {
      timeoutMs: 100_000,
    })
    await new Promise((resolve) => setTimeout(resolve, 5_000))
    const droppedAt = Date.now()
    await censor(consumer.host, { udp: true })
    await logged(program, 'carrier', { carrier: 'wss' }, 20_000)
    console.log(`change-over ${Date.now() - droppedAt} ms after UDP was dropped`)
    await downloading
    const { stdout: sum } = await consumer.host.run(['sha256sum', 'file'])
    expect(sum.split(' ')[0]).toBe(fileDigest(fileBytes))
    await end(program)
    await forgetNetworks()
  })
})

describe('behind a censor that knows addresses and ports', { timeout: 300_000 }, () => {
  it('is connected where every address of a published offer is dropped', async () => {
    await censor(consumer.host, { udp: true, hosts: [listed.host] })
    const { program } = await connect()
    await download()
    await end(program)
  })

  it('is connected where TLS passes to port 443 alone', async () => {
    await censor(consumer.host, { udp: true, tlsElsewhere: true })
    const { program } = await connect()
    await download()
    await end(program)
  })

  it('is connected where every TLS endpoint is probed, and whatever is no web server is blocked', async () => {
    await censor(consumer.host, { udp: true })
    const prober = await startProber(market.world, consumer.host)
    try {
      const { program } = await connect()
      const probed = await eventually('the provider was probed', async () =>
        prober.probed().find(({ host, port }) => host === provider.host.address && port === 443),
      )
      expect(probed.problems).toEqual([])
      await download()
      await end(program)
    } finally {
      await prober.stop()
    }
  })
})

describe('an invitation', { timeout: 300_000 }, () => {
  const refusal = async (who: Person, link: string) => {
    const program = who.start(['connect', link, '--json'])
    expect((await program.ended).code).toBe(1)
    return program.output()
  }

  it('leads to a provider of which the chain holds no offer, and is kept where only its owner reads it', async () => {
    expect((await market.chain.marketplace.offerOf(provider.address)).live).toBe(false)
    const { invitations } = await consumer.json<{ invitations: { provider: string }[] }>('invitation')
    expect(invitations).toMatchObject([{ provider: provider.address }])
    const file = join('.pontage', 'consumer', 'invitations.json')
    expect((await consumer.host.run(['stat', '-c', '%a', file])).stdout.trim()).toBe('600')
  })

  it('is refused when it is for somebody else, when others used it, and once it is revoked', async () => {
    const other = await provider.json<{ link: string }>('invite', '--for', listed.address)
    expect(await refusal(consumer, other.link)).toMatch(/is for 0x/)
    const revoked = await provider.json<{ id: string; link: string }>('invite', '--uses', '1')
    await provider.run('invite', 'revoke', revoked.id)
    // Like any path that leads nowhere.
    expect(await refusal(consumer, revoked.link)).toMatch(/404/)
  })

  it('is no use where a bit of it was changed', async () => {
    const forged = readInvitation(invitation.link)
    const link = writeInvitation({ ...forged, pricePerMegabyte: weiPerMegabyte(1n) })
    const program = consumer.start(['connect', link, '--json'])
    expect((await program.ended).code).toBe(1)
    expect(program.output()).toMatch(/was not signed by it/)
    await consumer.run('invitation', 'add', invitation.link)
  })
})

describe('over wss', { timeout: 300_000 }, () => {
  it('a cap is never passed by a byte', async () => {
    const cap = 4_000_000
    const run = await runIntoCap(
      market,
      consumer,
      provider.host.address,
      cap,
      '--carrier',
      'wss',
      provider.address,
    )
    expect(run.counted, JSON.stringify(run)).toBeLessThanOrEqual(cap)
    expect(run.delivered, JSON.stringify(run)).toBeLessThanOrEqual(cap)
    expect(cap - run.counted, JSON.stringify(run)).toBeLessThanOrEqual(100_000)
  })

  it('a namespace of programs is connected, too', async () => {
    const words = [
      'exec',
      '--provider',
      provider.address,
      '--carrier',
      'wss',
      '--',
      'curl',
      '-sS',
      '--max-time',
      '30',
    ]
    const seen = await consumer.run(...words, market.internet.addressUrl)
    expect(seen.trim().split('\n').at(-1)).toBe(provider.host.address)
  })

  it('nothing leaves a busy machine but TCP to the payment port, also when its provider is gone', async () => {
    await censor(consumer.host, { udp: true })
    const program = consumer.start(['connect', provider.address, '--json', '--carrier', 'wss'])
    await logged(program, 'connected', {}, 60_000)
    const noise = makeNoise(market, consumer.host)
    const during = async () => {
      await download(3_000_000)
      await program.stop('SIGKILL')
      await noiseGoesOn(noise)
      // No carrier is left in the tunnel, and nothing may go beside it.
      await expect(consumer.run('channel', 'status')).rejects.toThrow(/kill switch is on.*pontage disconnect/)
      await noiseGoesOn(noise)
    }
    const leak = await captureLeak(market, consumer.host, [provider.host], during, 443)
    await noise.stop('SIGKILL')
    expect(leak).toEqual(noLeak)
    await consumer.run('disconnect')
  })
})
