import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { stripVTControlCharacters } from 'node:util'
import { address } from '@pontage/shared'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Host } from '../world/host.js'
import { readContract } from '../world/jsonContract.js'
import { logged } from '../world/logLines.js'
import { createMarket, eventually, type Market } from '../world/market.js'
import { programPath } from '../world/people.js'
import type { Program } from '../world/program.js'

// Three strangers with nothing but a network's file go through the wizards, by flags and at a terminal.

interface Answer {
  readonly address?: string
  readonly steps?: readonly { readonly step: string; readonly state: string; readonly says: string }[]
  readonly error?: { readonly code: string; readonly message: string; readonly cure: string }
}

let market: Market
let network = ''
let hubAddress = ''
let hub: Program
let provider: Program
let hubHost: Host
let providerHost: Host
let consumer: Host
let spent = 0n

beforeAll(async () => {
  market = await createMarket()
  network = join(market.world.folder, 'testing.json')
  const { deployment, testChain } = market
  writeFileSync(
    network,
    JSON.stringify({ ...deployment, name: 'Testing', symbol: 'PTT', rpc: [testChain.rpcUrl] }),
  )
})
afterAll(() => market.destroy())

/** Runs a wizard without a terminal. */
async function setUp(host: Host, program: Parameters<typeof programPath>[0], ...flags: string[]) {
  const started = host.start([programPath(program), 'setup', '--json', ...flags])
  await started.ended
  return readContract(started.lines('stdout').join('\n')) as Answer
}

const passwordOf = (host: Host): string => {
  const path = join(host.home, 'password')
  writeFileSync(path, `${host.name} password\n`, { mode: 0o600 })
  return path
}

const common = (host: Host) => [
  ...['--network', network, '--password-file', passwordOf(host), '--confirmations', '1'],
  ...['--backup-file', join(host.home, 'words')],
]

const states = ({ steps = [] }: Answer) => Object.fromEntries(steps.map(({ step, state }) => [step, state]))

describe('a hub', () => {
  it('hears all that is missing at once, waits for funds, and is ready to run', async () => {
    const host = await market.world.addHost('hub')
    const lacking = await setUp(host, 'pontage-hub')
    expect(lacking.error).toMatchObject({ code: 'missing-answers' })
    for (const flag of ['--network', '--password-file', '--backup-file', '--url'])
      expect(lacking.error?.message).toContain(flag)
    const flags = [...common(host), '--url', `wss://${host.at(7700)}`, '--pool', '100']
    const poor = await setUp(host, 'pontage-hub', ...flags)
    expect(poor.error).toMatchObject({
      code: 'missing-funds',
      message: expect.stringMatching(/needs 1100 PTT and 0\.05 of the chain’s coin/),
      cure: expect.stringMatching(/Send 1100 PTT and 0\.05 of the chain’s coin to 0x/),
    })
    const [, own = ''] = /to (0x\w{40})/.exec(poor.error?.cure ?? '') ?? []
    hubAddress = address(own)
    const waiting = host.start([programPath('pontage-hub'), 'setup', '--wait', '60', ...flags])
    await waiting.line(/Send 1100 PTT/)
    await market.fund(address(own), { tokens: '1100', coin: '1' })
    await waiting.succeeded({ timeoutMs: 60_000 })
    expect(readFileSync(join(host.home, 'words'), 'utf8').split(' ')).toHaveLength(12)
    expect(states(await setUp(host, 'pontage-hub', ...flags))).toEqual({
      ...{ key: 'was-done', settings: 'was-done', funds: 'was-done', registration: 'was-done' },
      ...{ pool: 'was-done', service: 'done' },
    })
    hubHost = host
    hub = host.start([programPath('pontage-hub'), 'run', '--draw-above', '0.01'])
    await hub.line(/"listening"/)
  })
})

describe('a provider', () => {
  it('is refused what cannot be, and then serves with what it was told', async () => {
    const host = await market.world.addHost('provider')
    const flags = [...common(host), '--endpoint', host.at(7800), '--wireguard-port', '51821']
    const wrong = await setUp(
      ...([host, 'pontage-provider', ...flags, '--country', 'Germany', '--price', 'much'] as const),
    )
    expect(wrong.error?.code).toBe('missing-answers')
    expect(wrong.error?.message).toMatch(/--country: "Germany".* --price: "much.*Missing: --hub ADDRESS/)
    flags.push('--country', 'de', '--price', '20', '--hub', hubAddress)
    const poor = await setUp(host, 'pontage-provider', ...flags)
    expect(poor.error?.code).toBe('missing-funds')
    const [, own = ''] = /to (0x\w{40})/.exec(poor.error?.cure ?? '') ?? []
    await market.fund(address(own), { tokens: '50', coin: '1' })
    expect(states(await setUp(host, 'pontage-provider', ...flags))).toMatchObject({
      ...{ key: 'was-done', funds: 'was-done', registration: 'done' },
    })
    providerHost = host
    provider = host.start([
      ...[programPath('pontage-provider'), 'run', '--redeem-above', '0.01', '--clear-every', '2'],
    ])
    await provider.line(/"listening"/)
  })
})

describe('a consumer', () => {
  it('sees the hub that the provider named, and connects after the wizard', async () => {
    const host = await market.world.addHost('consumer')
    const flags = [...common(host), '--hub', hubAddress, '--amount', '5']
    const poor = await setUp(host, 'pontage', ...flags)
    expect(poor.error).toMatchObject({ code: 'missing-funds' })
    const [, needed = '', own = ''] = /Send (\d\.\d+) PTT to (0x\w{40})/.exec(poor.error?.cure ?? '') ?? []
    await market.fund(address(own), { tokens: needed })
    expect(states(await setUp(host, 'pontage', ...flags))).toMatchObject({
      funds: 'was-done',
      channel: 'done',
    })
    expect(states(await setUp(host, 'pontage', ...flags))).toMatchObject({ channel: 'was-done' })
    const hubs = await eventually('the offer stands', async () => {
      const listed = await host.start([programPath('pontage'), 'hubs']).succeeded()
      return listed.includes(hubAddress) && listed
    })
    expect(hubs).toMatch(/1 provider, stake 1000 PTT, pool 100 PTT, keeps 2 % of what providers earn/)
    const connect = host.start([programPath('pontage'), 'connect', '--json'])
    await logged(connect, 'connected', {}, 60_000)
    const fetched = ['curl', '-sS', '--fail', '--max-time', '60', '-o', '/dev/null']
    await host.run([...fetched, market.internet.fileUrl(3_000_000)], { timeoutMs: 70_000 })
    await connect.stop('SIGINT')
    spent = BigInt(String((await logged(connect, 'ended')).spent))
    consumer = host
  })

  it('reads in all three programs what was spent, earned and kept, in tokens and in a currency', async () => {
    const ask = async (host: Host, program: Parameters<typeof programPath>[0], ...words: string[]) =>
      host.start([programPath(program), ...words]).succeeded({ timeoutMs: 60_000 })
    const fees = (spent * 2n) / 100n
    const kept = await eventually(
      'the hub drew it',
      async () => {
        const said = readContract(await ask(hubHost, 'pontage-hub', 'earnings', '--json'))
        return (said.total as { drawn: string }).drawn === `${spent}` && (said.total as { fees: string })
      },
      90_000,
    )
    expect(kept.fees).toBe(`${fees}`)
    for (const by of ['provider', 'channel']) {
      const said = readContract(await ask(hubHost, 'pontage-hub', 'earnings', '--by', by, '--json'))
      expect(said.total).toMatchObject({ fees: `${fees}`, drawn: `${spent}` })
    }
    expect(await ask(hubHost, 'pontage-hub', 'earnings', '--csv')).toMatch(
      new RegExp(`^of,draws,drawn,fees,token,decimals\\n[\\d-]+,\\d+,${spent},${fees},PTT,18`),
    )
    const totals = []
    for (const by of ['day', 'hub', 'session']) {
      const said = readContract(await ask(providerHost, 'pontage-provider', 'earnings', '--by', by, '--json'))
      totals.push(said.total)
    }
    expect(totals[0]).toMatchObject({ promised: `${spent}`, drawn: `${spent}` })
    expect(totals).toEqual([totals[0], totals[0], totals[0]])
    expect(await ask(providerHost, 'pontage-provider', 'earnings', '--csv')).toMatch(/,PTT,18$/m)
    const inEuro = ['--fiat', 'EUR', '--fiat-rate', '0.5']
    const told = await ask(consumer, 'pontage', 'history', '--last', '1', '--total', ...inEuro)
    expect(told).toMatch(/^1 session: 3\.\d+ MB in .*, 0\.\d+ PTT \(0\.0\d EUR\)$/m)
    const last = readContract(await ask(consumer, 'pontage', 'history', '--last', '1', '--json'))
    expect(last).toMatchObject({ sessions: [{ spent: `${spent}` }], total: { spent: `${spent}` } })
    expect(await ask(consumer, 'pontage', 'providers', '--no-latency', ...inEuro)).toMatch(
      /20 PTT\/GB \(10\.00 EUR\/GB\)/,
    )
    await expect(ask(consumer, 'pontage', 'account', '--fiat', 'EUR')).rejects.toThrow(/go together/)
  })

  it('runs a single program through the tunnel without a word of its own', async () => {
    const quiet = consumer.start([programPath('pontage'), 'exec', '--quiet', '--', 'echo', 'from inside'])
    await quiet.ended
    expect([quiet.lines('stdout'), quiet.lines('stderr')]).toEqual([['from inside'], []])
  })

  it('is asked at a terminal, question by question', async () => {
    const host = await market.world.addHost('asked')
    const [keys, log] = [join(host.home, 'keys'), join(host.home, 'screen')]
    const command = `${programPath('pontage')} setup --network ${network} --confirmations 1`
    // A terminal of its own: what is typed comes through the pipe, what is shown goes to the log.
    const shell = `mkfifo ${keys}; exec script --quiet --flush --command '${command}' ${log} <>${keys}`
    const program = host.start(['sh', '-c', shell], { env: { TERM: 'xterm' } })
    const screen = () => (existsSync(log) ? stripVTControlCharacters(readFileSync(log, 'utf8')) : '')
    const shows = (what: RegExp) =>
      eventually(`${what}`, async () => what.exec(screen()) ?? undefined, 40_000)
    const types = async (question: RegExp, answer: string) => {
      await shows(question)
      writeFileSync(keys, answer)
    }
    await types(/Key/, '\r')
    await types(/Password of the key/, 'secret word\r')
    await types(/The same again/, 'secret word\r')
    await types(/Hub to pay through/, '\r')
    await types(/Deposit for the channel/, '3\r')
    await types(/Most to pay for traffic/, '\r')
    await types(/Press Enter when you have them/, '\r')
    for (const time of [1, 2]) {
      const asked = new RegExp(`(?:Word (\\d+): [\\s\\S]*){${time}}`)
      const [, position = ''] = await shows(asked)
      const [, word = ''] =
        new RegExp(`\\b${position} ([a-z]+)`).exec(screen().split('Write these words')[1] ?? '') ?? []
      writeFileSync(keys, `${word}\r`)
    }
    const [, own = ''] = await shows(/Made the key of (0x[0-9a-fA-F]{40})/)
    await shows(/Waiting for \d\.\d+ PTT/)
    await market.fund(address(own), { tokens: '10' })
    await types(/Open the channel\?/, '\r')
    await shows(/Opened channel 0x/)
    await shows(/"sudo pontage connect" connects/)
    await program.ended
    await hub.stop()
    await provider.stop()
  })
})
