import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  type Address,
  bytes,
  channelIdOf,
  type Hex,
  unixSeconds,
  wei,
  weiPerHour,
  weiPerMegabyte,
} from '@pontage/shared'
import type { Link } from '@pontage/shared/node'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { AddressPool } from '../../core/addressPool.js'
import { noReading } from '../../core/meter.js'
import { OpenTerms } from '../../core/openTerms.js'
import { PromiseStore } from '../../io/store/promiseStore.js'
import { SessionStore } from '../../io/store/sessionStore.js'
import { type Db, openDatabase } from '../../io/store/storeSchema.js'
import type { Components } from '../components.js'
import { Sessions } from '../metering/sessions.js'
import { CreditLines } from '../promises/creditLines.js'
import type { AdmissionContext } from './admissionContext.js'
import { createConsumerRequests } from './consumerRequests.js'
import { createOpenSession } from './openSession.js'

// Chain and hub agree to everything, and take no time.
vi.mock('./checkOpening.js', () => ({
  judgeRequest: () => ({ ok: true }),
  checkOnChain: async () => ({ ok: true, stake: 10n ** 18n }),
  askHub: async () => ({ ok: true, guarantee: { ceiling: 10n ** 18n } }),
}))

const hub = `0x${'bb'.repeat(20)}` as Address
const consumer = `0x${'cc'.repeat(20)}` as Address
const price = { perMegabyte: weiPerMegabyte(20_000_000_000_000n), perHour: weiPerHour(0n) }
// It hangs up as soon as it hears that its session is over.
let hangUp = () => {}
let link: Link
const channelOf = (nonce: number) => ({ consumer, hub, nonce })
const idOf = (nonce: number) => channelIdOf({ chainId: 1 }, channelOf(nonce))

let home: string
let db: Db
let promises: PromiseStore
let history: SessionStore
let sessions: Sessions
let openTerms: OpenTerms
let components: Components
let context: AdmissionContext
let open: ReturnType<typeof createOpenSession>
/** What was done in the kernel, in this order. */
let calls: string[]

beforeEach(() => {
  const closed = new Promise<void>((resolve) => {
    hangUp = resolve
  })
  link = { peer: consumer, closed, notify: (type: string) => type === 'ended' && hangUp() } as unknown as Link
  home = mkdtempSync(join(tmpdir(), 'pontage-open-'))
  db = openDatabase(home)
  promises = new PromiseStore(db)
  history = new SessionStore(db)
  openTerms = new OpenTerms()
  const silent = () => {}
  components = {
    clock: { now: () => unixSeconds(1_000), elapsedMs: () => performance.now() },
    chain: { deployment: { chainId: 1 } },
    log: { error: silent, warn: silent, info: silent, debug: silent },
    promises,
    sessions: history,
  } as unknown as Components
  // A kernel that takes a moment, as the real one does, and in which each session used ten megabytes.
  const soon = async () => new Promise<void>((resolve) => setImmediate(resolve))
  const used = { ...noReading, downBytes: bytes(10_000_000n) }
  calls = []
  const noted = (name: string) => async () => {
    calls.push(name)
    await soon()
  }
  const machine = { bootId: 'boot', addPeer: noted('addPeer'), removePeer: noted('removePeer') }
  const firewall = {
    ...{ admit: noted('admit'), dismiss: noted('dismiss'), apply: soon },
    ...{ close: silent, isWhole: async () => true },
    read: async () => {
      await soon()
      return new Map(Array.from({ length: 20 }, (_, key) => [key, used]))
    },
  }
  sessions = new Sessions(components, machine as never, firewall as never, {
    ...{ ended: silent, left: silent },
    failed: (error) => {
      throw error
    },
  })
  context = {
    settings: { creditBytes: bytes(25_000_000n), graceSeconds: 30, maxSessions: 50 },
    ...{ sessions, openTerms, lines: new CreditLines(promises) },
    pool: new AddressPool({ subnet4: '10.86.0.0/24', subnet6: 'fd50::/64' }, 50),
    tunnelEnd: () => ({ paymentPort: 4_711 }),
    lendingSecret: new Uint8Array(32).fill(7),
  } as unknown as AdmissionContext
  open = createOpenSession(components, context)
})
afterEach(async () => {
  await sessions.stop()
  db.close()
  rmSync(home, { recursive: true })
})

function agree(nonce: number): void {
  promises.keepChannel(idOf(nonce), channelOf(nonce))
  openTerms.keep({
    ...{ provider: hub, consumer, channelId: idOf(nonce), creditBytes: bytes(2_000_000n) },
    ...{ pricePerMegabyte: price.perMegabyte, pricePerHour: price.perHour },
    ...{ issuedAt: unixSeconds(1_000), validUntil: unixSeconds(9_000), signature: '0x' },
  })
}
const ask = (nonce: number, key: number) => {
  const wireguardKey: Hex = `0x${key.toString(16).padStart(64, '0')}`
  return open({ channel: channelOf(nonce), wireguardKey, guaranteeRequest: {} } as never, link)
}

it('gives one identity its first credit once, however many channels it opens sessions on at the same moment', async () => {
  for (const nonce of [1, 2, 3, 4]) agree(nonce)
  const answers = await Promise.all([1, 2, 3, 4].map((nonce) => ask(nonce, nonce)))
  expect(answers.filter(({ ok }) => ok)).toHaveLength(1)
  expect(sessions.creditOf(consumer).now).toBe(2_000_000n)
})

it('opens one session on a channel, however many ask for it at the same moment', async () => {
  agree(1)
  const answers = await Promise.all([1, 2, 3, 4, 5, 6].map((key) => ask(1, key)))
  expect(answers.filter(({ ok }) => ok)).toHaveLength(1)
  expect(sessions.count).toBe(1)
})

it('counts credit that grew in one session against the next', async () => {
  agree(1)
  await ask(1, 1)
  // Forty megabytes are paid: a quarter of that is credit, in this session and in no other.
  const paid = wei(40n * price.perMegabyte)
  promises.keepPromises([
    { channelId: idOf(1), amount: paid, signature: '0x', at: unixSeconds(1_000) },
  ] as never)
  sessions.promised(idOf(1), paid)
  expect(sessions.creditOf(consumer).now).toBe(12_000_000n)
  agree(2)
  expect(await ask(2, 2)).toMatchObject({ refusal: { code: 'no-terms' } })
})

it('leaves no moment between a session and what it owes in which its credit is free', async () => {
  agree(1)
  await ask(1, 1)
  agree(2)
  const [running] = sessions.all()
  const ending = sessions.end(running?.record.id ?? '', { code: 'requested' })
  const answers = []
  for (let n = 0; n < 8; n++) {
    answers.push(await ask(2, 2))
    if (answers.at(-1)?.ok) break
    agree(2)
  }
  await ending
  hangUp()
  expect(answers.filter(({ ok }) => ok)).toEqual([])
})

it('gives a lent tunnel the same addresses and the same key again, and says that it is lent', async () => {
  const wireguardKey: Hex = `0x${'5'.padStart(64, '0')}`
  const lend = async (nonce: number, lend: object) => {
    agree(nonce)
    const params = { channel: channelOf(nonce), wireguardKey, guaranteeRequest: {}, lend }
    const answer = await open(params as never, link)
    if (!answer.ok) throw new Error(answer.refusal.code)
    const { session, lent, tunnel } = answer.value
    return { session, lent, tunnel }
  }
  // Whoever was here before: the place is not the first.
  context.pool.take()
  const first = await lend(1, { limit: bytes(9n) })
  expect(first.lent).toBe(true)
  expect(sessions.find(first.session)?.session.lent).toEqual({ limit: 9n })
  const paid = wei(40n * price.perMegabyte)
  promises.keepPromises([
    { channelId: idOf(1), amount: paid, signature: '0x', at: unixSeconds(1_000) },
  ] as never)
  sessions.promised(idOf(1), paid)
  await sessions.end(first.session, { code: 'requested' })
  context.pool.free(first.tunnel)
  const { address4, address6, presharedKey } = first.tunnel
  const again = await lend(1, { address4, address6 })
  expect(again.tunnel).toMatchObject({ address4, address6, presharedKey })
  expect(again.session).not.toBe(first.session)
})

it('takes any number of bytes as the limit of a lent tunnel', async () => {
  agree(1)
  const wireguardKey: Hex = `0x${'6'.padStart(64, '0')}`
  const lend = { limit: bytes(10n ** 20n - 1n) }
  const params = { channel: channelOf(1), wireguardKey, guaranteeRequest: {}, lend }
  expect((await open(params as never, link)).ok).toBe(true)
  expect(sessions.count).toBe(1)
  expect(history.open()).toHaveLength(1)
})

it('leaves no way open for a session that cannot be written down', async () => {
  agree(1)
  vi.spyOn(history, 'begin').mockImplementationOnce(() => {
    throw new Error('the disk is full')
  })
  await expect(ask(1, 1)).rejects.toThrow('the disk is full')
  expect(calls).toEqual(['admit', 'addPeer', 'removePeer', 'dismiss'])
  expect(sessions.count).toBe(0)
  agree(1)
  expect((await ask(1, 1)).ok).toBe(true)
})

it('charges what it takes on to the hub by what that costs there', () => {
  const none = () => undefined
  const { costOf } = createConsumerRequests(components, {
    ...context,
    ...{ state: () => 'open', frame: none, fitPath: async () => undefined },
    carriers: { carry: async () => ({ ok: true, value: {} }), take: none },
  })
  expect([costOf?.('open', {}), costOf?.('raise', {}), costOf?.('attach', {})]).toEqual([10, 10, 1])
})
