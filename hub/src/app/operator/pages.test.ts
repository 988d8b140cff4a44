import { join } from 'node:path'
import { unixSeconds, weiPerHour, weiPerMegabyte } from '@pontage/shared'
import { createSender, type Identity, type Log } from '@pontage/shared/node'
import Database from 'better-sqlite3'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { fillPool, startTestHub } from '../hub.fixture.js'
import type { RunningHub } from '../hub.js'
import { dial, eventually, startTestChain, type TestChain, tokens } from '../world.fixture.js'

let world: TestChain
let hub: Identity
let provider: Identity
let running: RunningHub
const logged: { message: string; details?: object }[] = []
const note = (message: string, details?: object) =>
  void logged.push({ message, ...(details ? { details } : {}) })
const log: Log = { error: note, warn: note, info: note, debug: () => undefined }

const start = (name: string, drainSeconds = 0) =>
  startTestHub(world, hub, name, { log, settings: { gasWarnBelow: tokens('100'), drainSeconds } })

const get = async (path: string, of = running) => {
  const response = await fetch(`http://127.0.0.1:${of.port}${path}`)
  return { status: response.status, text: await response.text() }
}

beforeAll(async () => {
  world = await startTestChain()
  hub = await world.person('hub', { tokens: '5000', coin: '10' })
  provider = await world.person('provider', { tokens: '100', coin: '10' })
  await world.register(hub, 'hub', '1000')
  await fillPool(world, hub, '12.5')
  running = await start('pages.sqlite')
})
afterAll(async () => {
  await running.close()
  await world.close()
})

it('says that it works and is ready', async () => {
  expect(await get('/healthz')).toEqual({ status: 200, text: '{"healthy":true}\n' })
  expect(await get('/readyz')).toEqual({
    status: 200,
    text: `{"ready":true,"reasons":[],"hub":"${hub.address}"}\n`,
  })
})

it('is not ready while its ledger can be read but not written', async () => {
  const locked = new Database(join(world.folder, 'pages.sqlite'))
  locked.exec('BEGIN IMMEDIATE')
  await eventually(async () => (await get('/readyz')).status === 503)
  expect((await get('/readyz')).text).toContain('The ledger cannot be written: ')
  expect((await get('/healthz')).status).toBe(200)
  locked.exec('ROLLBACK')
  locked.close()
  await eventually(async () => (await get('/readyz')).status === 200)
})

it('tells those who watch over it how it is, however many others ask from their address', async () => {
  const busy = await startTestHub(world, hub, 'busy.sqlite', {
    log,
    limits: { requestsPerSecondPerAddress: 1 },
  })
  await eventually(async () => (await get('/nothing', busy)).status === 429)
  expect([(await get('/healthz', busy)).status, (await get('/readyz', busy)).status]).toEqual([200, 200])
  await busy.close()
})

it('counts requests by their outcome, and shows its pool and what it pays gas with', async () => {
  const link = await dial(world, provider, running.port)
  await link.request('describe', {})
  await link.request('prefund', {
    channel: { consumer: provider.address, hub: provider.address, nonce: 1 },
    signature: `0x${'00'.repeat(65)}`,
  })
  const { status, text } = await get('/metrics')
  expect(status).toBe(200)
  expect(text).toContain('pontage_hub_requests_total{type="describe",outcome="ok"} 1\n')
  expect(text).toContain('pontage_hub_requests_total{type="prefund",outcome="not-a-party"} 1\n')
  expect(text).toContain('pontage_hub_request_duration_seconds_count{type="describe"} 1\n')
  expect(text).toContain('pontage_hub_pool_tokens 12.5\n')
  expect(text).toContain('pontage_hub_fee_ratio 0.02\n')
  expect(text).toContain('pontage_hub_connections 1\n')
  expect(text).toMatch(/^pontage_hub_gas_coins 9\.99/m)
  expect(text).toMatch(/^process_resident_memory_bytes \d/m)
  link.close()
})

it('tells its operator how it stands', async () => {
  const link = await dial(world, provider, running.port)
  const before = await running.view()
  // One that is no document of anybody: refused, and counted.
  await link.request('clear', { promises: [] })
  const { clears, chain, ...view } = await running.view()
  expect(view).toMatchObject({
    ...{ hub: hub.address, channels: 0, connections: 1, urgent: false, feeBps: 200 },
    ...{ pool: tokens('12.5'), spare: tokens('12.5'), owed: 0n, undrawn: 0n },
    ...{ relays: { sent: 0, refused: 0 }, transactions: [], publication: null },
  })
  expect(clears.answered + clears.refused).toBe(before.clears.answered + before.clears.refused + 1)
  expect(chain).toMatchObject({ unseenSeconds: 0, nodes: [{ inUse: true, trouble: null }] })
  expect(chain.head).toBeGreaterThan(0)
  link.close()
})

it('shows pages to everybody, which take nothing from elsewhere, and says whose they are', async () => {
  const files = new Map([['/', { type: 'text/html; charset=utf-8', content: Buffer.from('<p>✓') }]])
  const shown = await startTestHub(world, hub, 'shown.sqlite', {
    ...{ log, pages: files, limits: { requestsPerSecondPerAddress: 5 } },
  })
  const answered = await fetch(`http://127.0.0.1:${shown.port}/`)
  expect(answered.headers.get('content-security-policy')).toMatch(/^default-src 'none'; script-src 'self';/)
  expect(answered.headers.get('access-control-allow-origin')).toBe(null)
  expect(await answered.text()).toBe('<p>✓')
  expect(JSON.parse((await get('/about', shown)).text)).toMatchObject({
    ...{ hub: hub.address, chainId: 31_337, channels: world.deployment.channels, feeBps: 200 },
    token: { symbol: 'PTT', decimals: 18 },
  })
  await eventually(async () => (await get('/', shown)).status === 429)
  await shown.close()
})

it('counts a page by the work that it is, before any of it is done', async () => {
  const visited = await startTestHub(world, hub, 'visited.sqlite', {
    // Asking fifty times a second, as below, does not keep it in debt.
    ...{ log, limits: { requestsPerSecondPerAddress: 100 } },
  })
  const granted = async (path: string) => {
    const answers = await Promise.all(Array.from({ length: 30 }, () => get(path, visited)))
    await eventually(async () => (await get('/about', visited)).status === 200)
    return answers.filter(({ status }) => status !== 429).length
  }
  expect(await granted('/about')).toBe(30)
  expect(await granted('/proposals?limit=100')).toBeLessThan(25)
  expect(await granted(`/liabilities?root=0x${'00'.repeat(32)}&block=1`)).toBeLessThan(5)
  await visited.close()
})

it('answers what it does not have, and what is not asked by GET', async () => {
  const nothing = await get('/nothing?x=%00')
  expect([nothing.status, JSON.parse(nothing.text).error]).toEqual([
    404,
    expect.stringContaining('There is no such page'),
  ])
  const posted = await fetch(`http://127.0.0.1:${running.port}/healthz`, { method: 'POST' })
  expect([posted.status, posted.headers.get('allow')]).toEqual([405, 'GET, HEAD'])
  await posted.body?.cancel()
})

/** A provider's offer, published by itself. */
async function publish(who: Identity, country: string, price: bigint, issuedAt: number) {
  const { signature, ...proposal } = world.typedData.signed(
    'Proposal',
    {
      provider: who.address,
      service: 'wireguard',
      pricePerMegabyte: weiPerMegabyte(price),
      pricePerHour: weiPerHour(0n),
      country,
      endpoint: '203.0.113.1:7800',
      wireguardKey: `0x${'11'.repeat(32)}`,
      certificate: `0x${'22'.repeat(32)}`,
      exitPolicy: '',
      hubs: [hub.address],
      issuedAt: unixSeconds(issuedAt),
    },
    who.privateKey,
  )
  return createSender(world.chain, who).send(
    world.chain.marketplace.publish.populateTransaction({ ...proposal, hubs: [...proposal.hubs] }, signature),
  )
}

it('lists the offers on chain, each with what it takes to check it there', async () => {
  await world.register(provider, 'provider', '50')
  const other = await world.person('other', { tokens: '100', coin: '1' })
  await world.register(other, 'provider', '60')
  const now = (await world.chain.head()).at
  const sent = await publish(provider, 'DE', 500n, now)
  await publish(other, 'FR', 400n, now)
  await publish(other, 'FR', 300n, now + 1)
  const read = async (query = '') => JSON.parse((await get(`/proposals${query}`)).text)
  await eventually(async () => (await read()).proposals?.[0]?.proposal.pricePerMegabyte === '300')
  const page = await read()
  expect(page).toMatchObject({ chainId: 31_337, marketplace: world.deployment.marketplace })
  expect(page.proposals.map((each: { proposal: { country: string } }) => each.proposal.country)).toEqual([
    'FR',
    'DE',
  ])

  const german = await read('?country=de')
  expect(german.proposals).toHaveLength(1)
  const [{ proposal, published, standing }] = german.proposals
  expect(german.proposals[0].quality).toEqual({ sessions: 0, paid: '0', throughputKbps: null, score: null })
  expect(standing).toMatchObject({ stake: `${tokens('50')}`, faults: 0, debt: '0', active: true })
  expect(published.transaction).toBe(sent.transaction)
  // As a client checks it: the event stands where the entry says, and says the same.
  const receipt = await world.chain.rpc.getTransactionReceipt(published.transaction)
  const entry = receipt?.logs.find(({ index }) => index === published.logIndex)
  if (!entry) throw new Error('There is no such event.')
  expect([receipt?.blockNumber, receipt?.blockHash]).toEqual([published.blockNumber, published.blockHash])
  const event = world.chain.marketplace.interface.parseLog(entry)
  expect(event?.args.signature).toBe(proposal.signature)
  expect(
    world.typedData.check(
      'Proposal',
      { ...proposal, pricePerMegabyte: 500n, pricePerHour: 0n },
      provider.address,
    ).ok,
  ).toBe(true)

  // The websocket says the same, page by page.
  const link = await dial(world, provider, running.port)
  const first = await link.request('proposals', { limit: 1 })
  if (!first.ok) throw new Error(first.refusal.code)
  expect(first.value.proposals[0]?.proposal).toMatchObject({ country: 'FR', pricePerMegabyte: 300n })
  const second = await link.request('proposals', { limit: 1, cursor: first.value.next })
  expect(second).toMatchObject({ ok: true, value: { proposals: [{ proposal: { country: 'DE' } }] } })
  expect(second.ok && second.value.next).toBe(undefined)
  expect(await link.request('proposals', { maxPrice: weiPerMegabyte(299n) })).toMatchObject({
    value: { proposals: [] },
  })
  link.close()

  await createSender(world.chain, other).send(world.chain.marketplace.withdrawOffer.populateTransaction())
  await eventually(async () => (await read()).proposals.length === 1)
  expect(await read('?country=XX')).toMatchObject({ proposals: [] })
  const wrong = await get('/proposals?country=Germany')
  expect([wrong.status, JSON.parse(wrong.text).error]).toEqual([
    400,
    expect.stringContaining('expected two letters such as DE'),
  ])
})

it('forgets offers that the chain takes back', async () => {
  const before = await world.rpc('evm_snapshot')
  const count = async () => JSON.parse((await get('/proposals')).text).proposals.length
  const had = await count()
  const third = await world.person('third', { tokens: '100', coin: '1' })
  await world.register(third, 'provider', '50')
  await publish(third, 'NL', 100n, (await world.chain.head()).at)
  await eventually(async () => (await count()) === had + 1)
  await world.rpc('evm_revert', before)
  await world.rpc('anvil_mine', '0x20')
  await eventually(async () => (await count()) === had)
})

it('warns once when little is left to pay gas with', async () => {
  await eventually(async () => logged.some(({ message }) => message === 'gas coin low'))
  const warnings = logged.filter(({ message }) => message === 'gas coin low')
  expect(warnings).toHaveLength(1)
  expect(warnings[0]?.details).toMatchObject({ warnBelow: '100' })
})

it('serves on while it drains, and says that it is not ready', async () => {
  const other = await start('draining.sqlite', 5)
  const closing = other.close()
  const { status, text } = await get('/readyz', other)
  expect([status, JSON.parse(text)]).toEqual([
    503,
    { ready: false, reasons: ['The hub is shutting down.'], hub: hub.address },
  ])
  expect((await get('/healthz', other)).status).toBe(200)
  const link = await dial(world, provider, other.port)
  expect(await link.request('describe', {})).toMatchObject({ ok: true })
  await closing
  expect(await link.closed).toBeTypeOf('string')
})
