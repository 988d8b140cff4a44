import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  builtProgram,
  captureLeak,
  createMarket,
  type Host,
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
  seatConsumer,
} from '../world/index.js'

// All that a consumer sends goes through a SOCKS5 proxy on another machine, which finds the chain's name, too.

const login = 'anna:p%40ss'
let market: Market
let provider: Person
let consumer: Person
let proxyHost: Host
let proxy: Program
/** Flags by which everything goes through it. */
let through: readonly string[]

const startProxy = async (host: Host, ...flags: readonly string[]) => {
  const program = host.start([process.execPath, builtProgram('world/socksServer.js'), ...flags])
  await program.line(/listening/)
  return program
}

beforeAll(async () => {
  market = await createMarket()
  const hub = await openHub(market, 'hub', { pool: '100', drawAbove: '1000' })
  const offer = { price: '0.05/GB', country: 'DE', hubs: [hub.address], beneficiary: market.deployer }
  provider = await openProvider(market, 'provider', offer)
  consumer = await seatConsumer(market, 'consumer', '10')
  await consumer.run('channel', 'open', '--hub', hub.address, '--amount', '5')
  proxyHost = await market.world.addHost('proxy')
  const chain = new URL(market.testChain.rpcUrl)
  proxy = await startProxy(proxyHost, '--login', 'anna:p@ss', '--name', `chain.test=${chain.hostname}`)
  through = [
    ...['--rpc', `http://chain.test:${chain.port}`],
    ...['--proxy', `socks5://${login}@${proxyHost.address}:1080`],
  ]
}, 240_000)
afterAll(() => market?.destroy())

const asked = () => logLines(proxy, ({ event }) => event === 'asked').map(({ host }) => host)

const fetched = async (bytes: number) => {
  const words = ['curl', '-sS', '--fail', '--max-time', '60', '-o', '/dev/null', '-w', '%{size_download}']
  return Number((await consumer.host.run([...words, market.internet.fileUrl(bytes)])).stdout)
}

describe('through a proxy', { timeout: 200_000 }, () => {
  // First: what sessions leave of a program’s flows says goodbye once the network is open again.
  it('every command that asks somebody does so through it', async () => {
    const told = asked().length
    const commands = ['account', 'providers', 'hubs', 'doctor', 'channel status', 'debt', 'stake']
    const leak = await captureLeak(
      market,
      consumer.host,
      [proxyHost],
      async () => {
        for (const words of commands) await consumer.start([...words.split(' '), ...through]).ended
      },
      1080,
    )
    expect(leak).toEqual(noLeak)
    expect(asked().slice(told)).toContain('chain.test')
    expect(asked().slice(told)).toContain(provider.host.address)
  })

  it('a busy machine is connected, pays, and sends nothing beside it, also when it is killed', async () => {
    const leak = await captureLeak(
      market,
      consumer.host,
      [proxyHost],
      async () => {
        const program = consumer.start(['connect', '--json', ...through])
        const { carrier, proxy: shown } = await logged(program, 'connected', {}, 60_000)
        expect({ carrier, shown }).toEqual({ carrier: 'wss', shown: proxyHost.at(1080) })
        const noise = makeNoise(market, consumer.host)
        await noiseGoesOn(noise)
        expect(await fetched(5_000_000)).toBe(5_000_000)
        expect(
          (await consumer.host.run(['nft', 'list', 'table', 'inet', 'pontage_consumer'])).stdout,
        ).not.toContain(provider.host.address)
        await program.stop('SIGKILL')
        await noiseGoesOn(noise)
        await noise.stop('SIGKILL')
      },
      1080,
    )
    expect(leak).toEqual(noLeak)
    await consumer.run('disconnect')
    expect(asked()).toContain('chain.test')
    expect(asked()).toContain(provider.host.address)
  })

  it('a session ends with its receipt, and the books are those of any other', async () => {
    const program = consumer.start(['connect', '--json', '--cap', '3MB', ...through])
    await logged(program, 'connected', {}, 60_000)
    await fetched(5_000_000).catch(() => undefined)
    const ended = await logged(program, 'ended', {}, 60_000)
    expect(Number(ended.downBytes) + Number(ended.upBytes)).toBeLessThanOrEqual(3_000_000)
    expect(Number(ended.accepted)).toBe(Number(ended.spent))
    await program.ended
    await consumer.run('disconnect')
  })

  it('programs of a namespace are connected by a proxy on this machine, and the machine is not', async () => {
    const own = await startProxy(consumer.host, '--port', '9050')
    const local = ['--proxy', 'socks5://127.0.0.1:9050']
    const words = ['exec', ...local, '--', 'curl', '-sS', '--max-time', '30', market.internet.addressUrl]
    expect((await consumer.run(...words)).trim().split('\n').at(-1)).toBe(provider.host.address)
    expect(logLines(own, ({ host }) => host === provider.host.address).length).toBeGreaterThan(0)
    await expect(consumer.run('connect', ...local)).rejects.toThrow(/runs on this machine.*exec/)
    await own.stop('SIGTERM')
  })
})

describe('a proxy that does not do', { timeout: 120_000 }, () => {
  const run = (...words: string[]) => consumer.run('channel', 'status', ...words)
  const at = (userInfo: string, port = 1080) => `socks5://${userInfo}${proxyHost.address}:${port}`

  it('is told what is wrong with it, in a sentence without the password', async () => {
    await expect(run('--proxy', at('anna:wrong-secret@'))).rejects.toThrow(/refuses the user or the password/)
    await expect(run('--proxy', at('anna:wrong-secret@'))).rejects.not.toThrow(/wrong-secret/)
    await expect(run('--proxy', at(''))).rejects.toThrow(/wants a user and a password/)
    await expect(run('--proxy', at('', 1081))).rejects.toThrow(/cannot be reached \(.*ECONNREFUSED/)
    await expect(run('--proxy', 'socks5://proxy.example:1080')).rejects.toThrow(/Give its IP address/)
    const strict = await startProxy(
      proxyHost,
      '--port',
      '1082',
      '--refuse',
      new URL(market.testChain.rpcUrl).hostname,
    )
    await expect(run('--proxy', at('', 1082))).rejects.toThrow(/its rules do not allow it/)
    await strict.stop('SIGTERM')
    await expect(consumer.run('connect', '--carrier', 'udp', ...through)).rejects.toThrow(/carries no UDP/)
  })

  it('is examined by doctor, and shown by config without its login', async () => {
    const checks = async (proxyAt: string) => {
      const program = consumer.start(['doctor', '--json', '--proxy', proxyAt])
      await program.ended
      const printed = JSON.parse(program.lines().join('\n')) as {
        checks: { about: string; verdict: string }[]
      }
      return printed.checks.find(({ about }) => about === 'proxy')?.verdict
    }
    expect(await checks(at(`${login}@`))).toBe('ok')
    expect(await checks(at('anna:wrong@'))).toBe('bad')
    const shown = await consumer.run('config', '--proxy', at(`${login}@`))
    expect(shown).toContain(at(''))
    expect(shown).not.toContain('anna')
  })
})
