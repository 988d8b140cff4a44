import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { channelIdOf, type Hex } from '@pontage/shared'
import { createSender, type Identity } from '@pontage/shared/node'
import pg from 'pg'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { dial, eventually, promiseOf, requestOf, type TestChain, tokens } from './app/world.fixture.js'
import { startPostgres } from './postgres.fixture.js'
import { ended, type ProgramWorld, startProgramWorld } from './program.fixture.js'

let programs: ProgramWorld
let world: TestChain
let consumer: Identity
let provider: Identity
let channelId: Hex

beforeAll(async () => {
  programs = await startProgramWorld()
  world = programs.world
  consumer = await world.person('consumer', { tokens: '100', coin: '1' })
  provider = await world.person('provider', { tokens: '100', coin: '1' })
  await world.fund(programs.hub, { tokens: '3000', coin: '1' })
  await world.register(consumer, 'consumer', '1')
  await world.register(provider, 'provider', '50')
  await programs.json('register', '--url', 'ws://127.0.0.1:7700')
  await programs.json('pool', 'fund', '50')
})
afterEach(() => programs.stopAll())
afterAll(() => programs.close())

/** A running hub on which the consumer has promised one token. */
async function cleared() {
  const hub = await programs.start()
  const sender = createSender(world.chain, consumer)
  const { token, channels } = world.chain
  await sender.send(token.approve.populateTransaction(world.deployment.channels, tokens('20')))
  await sender.send(channels.open.populateTransaction(programs.hub, 1, tokens('20')))
  const channel = { consumer: consumer.address, hub: programs.hub, nonce: 1 }
  channelId = channelIdOf({ chainId: 31_337 }, channel)
  const link = await dial(world, provider, hub.port)
  const request = requestOf(world, consumer, channelId, provider.address, tokens('5'))
  expect(await link.request('guarantee', { channel, request })).toMatchObject({ ok: true })
  const promises = [promiseOf(world, consumer, channelId, provider.address, tokens('1'))]
  expect(await link.request('clear', { promises })).toMatchObject({ ok: true, value: { refused: [] } })
  link.close()
  return hub
}

it('says in a sentence what keeps a command from reading the database', async () => {
  const server = await startPostgres()
  const admin = new pg.Client({ connectionString: await server.database() })
  await admin.connect()
  try {
    await programs.json('channels', '--database', server.url())
    await admin.query(`CREATE ROLE clerk LOGIN; GRANT ALL ON ALL TABLES IN SCHEMA public TO clerk;
      REVOKE ALL ON channel FROM clerk`)
    const database = server.url().replace('pontage@', 'clerk@')
    const outcome = await programs.run('channels', '--json', '--home', programs.home, '--database', database)
    expect(outcome.code).toBe(1)
    expect(outcome.stderr).toBe(
      'pontage-hub: The database cannot be used: permission denied for table channel. Check --database and the server.\n',
    )
    expect(JSON.parse(outcome.stdout).error).toEqual({
      code: 'ledger-unavailable',
      message: 'The database cannot be used: permission denied for table channel.',
      cure: 'Check --database and the server.',
    })
  } finally {
    await admin.end()
    await server.stop()
  }
})

const failing = async (...args: string[]) => {
  const outcome = await programs.run(...args, '--home', programs.home)
  expect(outcome.stderr).toMatch(/^pontage-hub: [^\n]+\n$/)
  expect(outcome).toMatchObject({ code: 1, stdout: '' })
  return outcome.stderr
}

describe('the operator', () => {
  it('is told what to do first where there is no ledger yet', async () => {
    for (const command of [['channels'], ['providers'], ['block'], ['draw', '--now'], ['wind-down']])
      expect(await failing(...command)).toContain('Run pontage-hub run first')
  })

  it('sees the channels and what each provider is owed, and draws it all through the running hub', async () => {
    await cleared()
    const one = { count: 1, channels: [{ channelId }] }
    for (const sought of [channelId, consumer.address, provider.address])
      expect(await programs.json('channels', '--of', sought, '--limit', '1')).toMatchObject(one)
    const none = await programs.json('channels', '--of', `0x${'9'.repeat(40)}`)
    expect(none).toMatchObject({ count: 0, channels: [] })
    expect(await failing('channels', '--limit', '0')).toContain('--limit')
    expect(await programs.json('channels')).toMatchObject({
      count: 1,
      channels: [
        {
          channelId,
          consumer: consumer.address,
          balance: `${tokens('20')}`,
          reserved: `${tokens('5')}`,
          exitAt: 0,
          closing: false,
        },
      ],
    })
    const { channels } = await programs.json('channels')
    const [tab] = (channels as { providers: object[] }[])[0]?.providers ?? []
    // Not what the ledger keeps besides: each has its unit.
    expect(tab).toEqual({
      ...{ provider: provider.address, liveCeiling: `${tokens('5')}`, ceiling: `${tokens('5')}` },
      ...{
        expiresAt: expect.any(Number),
        cleared: `${tokens('1')}`,
        protested: '0',
        protestEndsAt: 0,
        drawn: '0',
      },
    })
    const owed = { owed: `${tokens('0.98')}`, advance: `${tokens('0.98')}`, guaranteed: `${tokens('5')}` }
    expect(await programs.json('providers')).toMatchObject({
      providers: [{ provider: provider.address, ...owed, guarantees: 1 }],
    })
    const shown = await programs.run('providers', '--home', programs.home)
    expect(shown.stdout).toMatch(/Provider +Owed[^\n]*\n0x[^\n]*0.98 PTT[^\n]*5 PTT +1, until 20/)
    expect((await programs.run('channels', '--home', programs.home)).stdout).toContain('20 PTT')

    expect(await programs.json('draw')).toMatchObject({ sum: `${tokens('1')}` })
    const { drawn } = await programs.json('draw', '--now')
    expect(drawn).toMatchObject([{ channelId, provider: provider.address, amount: `${tokens('1')}` }])
    expect((await world.chain.channels.tabOf(channelId, provider.address)).drawn).toBe(tokens('1'))
    expect(await programs.json('draw', '--now')).toEqual({ drawn: [], sum: '0' })
    expect(await programs.json('providers')).toMatchObject({
      providers: [{ owed: `${tokens('0.98')}`, advance: '0' }],
    })
  })

  it('lets anybody verify what it published, and finds what was changed', async () => {
    const { port } = await programs.start('--liabilities-every', '1')
    const url = `http://127.0.0.1:${port}/liabilities`
    const { LiabilitiesAnchored } = world.chain.channels.filters
    await eventually(
      async () => (await world.chain.channels.queryFilter(LiabilitiesAnchored(), 0)).length > 0,
    )
    const verify = (source: string, ...flags: string[]) =>
      programs.run('liabilities', 'verify', source, '--home', programs.home, ...flags)
    const chain = ['--rpc', world.rpcUrl, '--deployment', world.deploymentFile]
    // The newest may not stand on chain yet; the one before does.
    const page = JSON.parse(await (await fetch(url)).text())
    const { root, blockNumber } = page.liabilities
    await eventually(async () =>
      (await world.chain.channels.queryFilter(LiabilitiesAnchored(), 0)).some(
        ({ args }) => args.root === root && Number(args.blockNumber) === blockNumber,
      ),
    )
    const sound = await verify(`${url}?root=${root}&block=${blockNumber}`, ...chain)
    expect([sound.code, sound.stdout]).toEqual([
      0,
      expect.stringMatching(
        /^tree +ok: 1 provider.*\nsignature +ok.*\ndeployment +ok.*\nanchor +ok.*\npaid +ok.*\ncover +ok: by the pool/,
      ),
    ])
    const file = join(world.folder, 'publication.json')
    await writeFile(file, JSON.stringify({ ...page, leaves: [] }))
    const tampered = await verify(file, '--json')
    expect(tampered.code).toBe(1)
    const { ok, checks } = JSON.parse(tampered.stdout)
    expect([ok, checks[0].check, checks[0].ok, checks[1].ok]).toEqual([false, 'tree', false, true])
    expect((await verify('nowhere.json')).stderr).toMatch(
      /^pontage-hub: nowhere.json cannot be read[^\n]+\n$/,
    )
  })

  it('draws without a running hub too', async () => {
    const { port, child } = await programs.start()
    const link = await dial(world, provider, port)
    const promises = [promiseOf(world, consumer, channelId, provider.address, tokens('2'))]
    expect(await link.request('clear', { promises })).toMatchObject({ ok: true, value: { refused: [] } })
    link.close()
    child.kill('SIGTERM')
    expect(await ended(child)).toBe(0)
    expect(await programs.json('draw', '--now')).toMatchObject({ sum: `${tokens('1')}` })
    expect((await world.chain.channels.tabOf(channelId, provider.address)).drawn).toBe(tokens('2'))
  })

  it('blocks and unblocks identities', async () => {
    expect(await programs.json('block', consumer.address)).toMatchObject({
      blocked: [{ identity: consumer.address }],
    })
    expect((await programs.run('block', '--home', programs.home)).stdout).toContain(consumer.address)
    expect(await programs.json('unblock', consumer.address)).toEqual({ blocked: [] })
    expect(await failing('unblock', consumer.address)).toContain('is not blocked')
    expect(await failing('block', 'somebody')).toContain('is not an address')
  })

  it('is told what is well and what to do by the doctor, whether the hub runs or not', async () => {
    const healthy = await programs.json('doctor', '--port', '0')
    expect(healthy.ok).toBe(true)
    expect(healthy.checks.map(({ check }: { check: string }) => check)).toEqual([
      ...[
        'chain',
        'clock',
        'keystore',
        'ledger',
        'stake',
        'pool',
        'gas coin',
        'port',
        'certificate',
        'published',
      ],
    ])
    const { port } = await programs.start()
    const at = ['--host', '127.0.0.1', '--port', `${port}`]
    const shown = await programs.run('doctor', '--home', programs.home, ...at)
    expect(shown.stdout).toContain(`the hub answers on 127.0.0.1:${port} and is ready`)
    expect(shown.code).toBe(0)

    const poor = await programs.run('doctor', '--home', programs.home, ...at, '--gas-warning', '1000')
    expect(poor.stdout).toMatch(
      /gas coin {4}0\.\d+ of the chain’s coin is left for gas, less than 1000\. Send/,
    )
    expect(poor.code).toBe(1)
    const { stdout, code } = await programs.run(
      ...['doctor', '--json', '--home', programs.home, '--port', '1'],
      ...['--rpc', 'http://127.0.0.1:1024', '--tls-certificate', programs.home, '--tls-key', programs.home],
    )
    const wrong = Object.fromEntries(
      JSON.parse(stdout).checks.map((each: { check: string; ok: boolean; says: string }) => [
        each.check,
        each,
      ]),
    )
    expect(code).toBe(1)
    expect(wrong.chain).toMatchObject({ ok: false, says: expect.stringContaining('cannot be reached') })
    expect(wrong.stake).toMatchObject({
      ok: false,
      says: 'Not checked: fix the connection to the chain first.',
    })
    expect(wrong.port).toMatchObject({ ok: false, says: expect.stringContaining('does not answer') })
    expect(wrong.certificate).toMatchObject({ ok: false, says: expect.stringContaining('cannot be read') })
    expect(wrong.keystore.ok).toBe(true)
  })

  it('copies the ledger while the hub runs', async () => {
    await programs.start()
    const file = `${programs.home}/backup.sqlite`
    expect(await programs.json('ledger', 'backup', file)).toMatchObject({ file, block: expect.any(Number) })
    expect(await failing('ledger', 'backup', file)).toContain('a backup replaces nothing')
  })

  it('announces fees within the cap: a raise after the notice, a lowering at once', async () => {
    expect(await programs.json('fee')).toEqual({ feeBps: 200, announcedFeeBps: 200, changesAt: 0 })
    const raised = await programs.json('fee', 'announce', '3.5')
    expect(raised).toMatchObject({ feeBps: 200, announcedFeeBps: 350 })
    expect(raised.changesAt).toBeGreaterThan(0)
    expect((await programs.run('fee', '--home', programs.home)).stdout).toContain('2 %, 3.5 % from 20')
    expect(await programs.json('fee', 'announce', '1.99%')).toMatchObject({ feeBps: 199, changesAt: 0 })
    expect(await failing('fee', 'announce', '21')).toContain('above the cap of 20 %')
    expect(await failing('fee', 'announce', 'lots')).toContain('"lots" is not a fee')
    expect(await failing('fee', 'announce')).toContain('Give it in percent')
  })

  it('takes stake and pool out only after their delays, and never what providers may redeem', async () => {
    expect(await programs.json('stake', 'add', '100')).toMatchObject({ stake: `${tokens('1100')}` })
    expect(await failing('stake', 'unbond', '200')).toContain('a hub needs 1000 PTT')
    expect(await failing('stake', 'withdraw')).toContain('No stake is unbonding')
    expect(await programs.json('stake', 'unbond', '100')).toMatchObject({ unbonding: `${tokens('100')}` })
    expect(await failing('stake', 'withdraw')).toMatch(/unbonding until 20/)
    expect(await programs.json('stake', 'cancel')).toMatchObject({
      stake: `${tokens('1100')}`,
      unbonding: '0',
    })

    expect(await failing('pool', 'withdraw')).toContain('Give it in tokens')
    expect(await failing('pool', 'withdraw', '60')).toContain('Withdraw at most')
    expect(await programs.json('pool', 'withdraw', '10')).toMatchObject({
      pendingWithdrawal: `${tokens('10')}`,
    })
    expect(await failing('pool', 'withdraw')).toMatch(/can be withdrawn from 20/)
    const before = await world.chain.token.balanceOf(programs.hub)
    const { withdrawalDelay } = await world.chain.channels.settings()
    await world.rpc('evm_increaseTime', Number(withdrawalDelay) + 1)
    await world.rpc('evm_mine')
    expect(await programs.json('pool', 'withdraw')).toMatchObject({ pendingWithdrawal: '0' })
    expect((await world.chain.token.balanceOf(programs.hub)) - before).toBe(tokens('10'))
    expect(await failing('pool', 'cancel')).toContain('nothing to cancel')
  })

  it('winds the hub down in order, and every token comes back', async () => {
    const { child } = await programs.start()
    // The guarantee given at first has ended by now, so pool and stake are asked for at once.
    const first = await programs.json('wind-down')
    expect(first).toMatchObject({ done: false, stake: '0', unbonding: `${tokens('1100')}`, openChannels: 1 })
    expect(first.transactions).toHaveLength(2)
    const again = await programs.run('wind-down', '--home', programs.home)
    expect(again.stdout).toMatch(/no new guarantees.*can be withdrawn from.*Run wind-down again/s)
    child.kill('SIGTERM')
    expect(await ended(child)).toBe(0)
    // It can be started again, so that its consumers close with it.
    await programs.start()
    // The pool comes first: its request would lapse while the stake is still unbonding.
    await world.rpc('evm_increaseTime', 3 * 86_400)
    await world.rpc('evm_mine')
    expect(await programs.json('wind-down')).toMatchObject({ done: false, pool: '0' })
    await world.rpc('evm_increaseTime', 5 * 86_400)
    await world.rpc('evm_mine')
    const last = await programs.json('wind-down')
    expect(last).toMatchObject({ done: true, pool: '0', stake: '0', unbonding: '0' })
    expect(await world.chain.token.balanceOf(programs.hub)).toBe(tokens('3000.04'))
  })
})
