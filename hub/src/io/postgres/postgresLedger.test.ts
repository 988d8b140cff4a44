import { spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Address, address, type Hex, netOf, refuse, unixSeconds, wei } from '@pontage/shared'
import pg from 'pg'
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import { judgePromise } from '../../core/credit.js'
import { judgeReservation } from '../../core/reserve.js'
import { judgeSolvency } from '../../core/solvency.js'
import { startPostgres, type TestPostgres } from '../../postgres.fixture.js'
import { type Ledger, LedgerUnavailable } from '../ledger.js'
import { ledgerSuite } from '../ledger.suite.js'
import { ledgerLines, rowsFrom } from '../ledgerFile.js'
import { clearEach, growing, noting, openTab, short, workThrough } from '../plans.fixture.js'
import { openSqliteLedger } from '../sqlite/sqliteLedger.js'
import { type Ask, type Engine, plain, type Statement, statement } from '../store/engine.js'
import { createLedger } from '../store/ledger.js'
import { ledgerVersion, postgresWords } from '../store/schema.js'
import { createPool } from './connection.js'
import { Leadership } from './leadership.js'
import { openPostgresLedger, withoutPassword } from './postgresLedger.js'
import { PostgresStore } from './postgresStore.js'

let server: TestPostgres
let url: string
beforeAll(async () => {
  server = await startPostgres()
  url = await server.database()
})
afterAll(() => server?.stop())
beforeEach(() => empty(url))

async function empty(database: string): Promise<void> {
  const client = new pg.Client({ connectionString: database })
  await client.connect()
  await client.query('DROP SCHEMA public CASCADE; CREATE SCHEMA public')
  await client.end()
}

ledgerSuite('a ledger in a PostgreSQL database', () => openPostgresLedger(url))

it('reads no table to its end for a request or a block', async () => {
  await (await openPostgresLedger(url)).close()
  const noted = new Set<Statement>()
  const store = new PostgresStore(url)
  const engine: Engine = {
    isShared: true,
    ...{
      read: (asks) => store.read(asks),
      begin: (asks) => store.begin(asks),
      more: (asks) => store.more(asks),
    },
    ...{
      commit: (writes) => store.commit(writes),
      rollback: () => store.rollback(),
      origin: () => store.origin,
    },
    ...{ leads: async () => true, standDown: () => undefined, problem: async () => undefined },
    close: () => store.close(),
  }
  const ledger = createLedger(noting(engine, noted), 'The ledger')
  await workThrough(ledger)
  await ledger.close()
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  // As it plans for tables that are worth an index.
  await client.query('SET enable_seqscan = off; SET plan_cache_mode = force_generic_plan')
  const whole: string[] = []
  const look = (plan: Plan, text: string): void => {
    const relation = plan['Relation Name'] ?? ''
    const isFound = plan['Index Cond'] !== undefined || plan['Node Type'] === 'Bitmap Heap Scan'
    if (growing.has(relation) && plan['Node Type'] !== 'ModifyTable' && !isFound)
      if (!short.has(plan['Index Name'] ?? '')) whole.push(`${plan['Node Type']} ${relation}: ${text}`)
    for (const each of plan.Plans ?? []) look(each, text)
  }
  for (const [index, { postgres, kinds }] of [...noted].entries()) {
    await client.query(`PREPARE look${index} AS ${postgres}`)
    const given = kinds.length > 0 ? `(${kinds.map(() => "'{}'").join(', ')})` : ''
    const { rows } = await client.query(`EXPLAIN (FORMAT JSON) EXECUTE look${index}${given}`)
    look(rows[0]['QUERY PLAN'][0].Plan, postgres)
  }
  await client.end()
  expect(noted.size).toBeGreaterThan(30)
  expect(whole).toEqual([])
})

it('rewrites no index of a tab that is cleared again', async () => {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  /** What the server counted, once it has counted this many. */
  const changes = async (atLeast: number): Promise<{ all: number; withoutIndex: number }> => {
    for (;;) {
      const { rows } = await client.query(
        "SELECT n_tup_upd::int AS all, n_tup_hot_upd::int AS hot FROM pg_stat_user_tables WHERE relname = 'tab'",
      )
      if (rows[0].all >= atLeast) return { all: rows[0].all, withoutIndex: rows[0].hot }
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  }
  try {
    const first = await openPostgresLedger(url)
    await openTab(first)
    await clearEach(first, [16n])
    await first.close()
    const before = await changes(1)
    const second = await openPostgresLedger(url)
    // Of as many digits as the first.
    await clearEach(second, [20n, 30n, 40n, 50n, 60n, 70n, 80n, 90n])
    await second.close()
    const after = await changes(before.all + 8)
    expect(after).toEqual({ all: before.all + 8, withoutIndex: before.withoutIndex + 8 })
  } finally {
    await client.end()
  }
})

interface Plan {
  readonly 'Node Type': string
  readonly 'Relation Name'?: string
  readonly 'Index Name'?: string
  readonly 'Index Cond'?: string
  readonly Plans?: readonly Plan[]
}

it('shows no password', () => {
  expect(withoutPassword('postgres://me:secret@db.example.org/ledger')).toBe(
    'postgres://me@db.example.org/ledger',
  )
  expect(withoutPassword('postgres://me@/ledger?host=/run')).toBe('postgres://me@/ledger?host=/run')
})

const hub = address(`0x${'0a'.repeat(20)}`)
const consumer = address(`0x${'0c'.repeat(20)}`)
const provider = (n: number) => address(`0x${String(n).padStart(40, '0')}`)
const channelId = (n: number): Hex => `0x${String(n).padStart(64, '0')}`
const deployment = {
  chainId: 31_337,
  token: hub,
  registry: hub,
  channels: hub,
  marketplace: hub,
  fromBlock: 0,
}
const balance = wei(1_000n)
const channels = 4

/** Everything that the processes of one hub hand out. */
interface Given {
  readonly guaranteed: Map<Hex, bigint>
  readonly totals: { provider: Address; total: bigint }[]
}

/** One process at work: guarantees and credits on all channels, several at a time. */
async function work(ledger: Ledger, process: number, rounds: number, given: Given): Promise<void> {
  const one = async (round: number) => {
    const channel = channelId(1 + (round % channels))
    const to = provider(1 + ((round + process) % 3))
    const granted = await ledger.grant({
      cause: channelId(10_000 * process + round),
      channelId: channel,
      provider: to,
      decide: (line) => judgeReservation(line, to, wei(BigInt(100 + round))),
      sign: () => ({
        channelId: channel,
        provider: to,
        ceiling: wei(BigInt(100 + round)),
        expiresAt: unixSeconds(5_000),
        signature: '0x01',
      }),
    })
    if (granted.ok) {
      const key: Hex = `${channel}${to.slice(2)}`
      const { ceiling } = granted.guarantee
      if (ceiling > (given.guaranteed.get(key) ?? 0n)) given.guaranteed.set(key, ceiling)
    }
    const credited = await ledger.credit({
      provider: to,
      promises: [{ channelId: channel, amount: wei(BigInt(1 + round)), signature: '0x02' }],
      decide: (line, { amount }, feeBps) => judgePromise(line, to, { amount, signer: consumer }, feeBps),
      solvent: judgeSolvency,
      sign: (total) => `0x${total.toString(16).padStart(64, '0')}`,
      renew: () => undefined,
      renewBefore: () => 0,
    })
    if (credited.ok) given.totals.push({ provider: to, total: credited.credited.total })
  }
  for (let round = 0; round < rounds; round += 5)
    await Promise.all([0, 1, 2, 3, 4].map((more) => one(round + more)))
}

it('relays no more than one hub may, however many processes are asked at once', async () => {
  const ledgers = await Promise.all([1, 2, 3].map(() => openPostgresLedger(url)))
  try {
    await ledgers[0]?.bind(hub, deployment)
    const most = 10
    const verdicts = await Promise.all(
      Array.from({ length: 30 }, (_each, n) =>
        ledgers[n % 3]?.countRelayJob({
          digest: channelId(n),
          identity: provider(n),
          origin: channelId(1),
          at: 1_000,
          since: 0,
          decide: ({ ofOrigin }) =>
            ofOrigin < most ? { ok: true } : refuse({ code: 'relay-limit', perDay: most }),
        }),
      ),
    )
    expect(verdicts.filter((verdict) => verdict?.ok)).toHaveLength(most)
  } finally {
    await Promise.all(ledgers.map((each) => each.close()))
  }
})

it('gives collateral and promises once, however many processes work on it', async () => {
  const ledgers = await Promise.all([1, 2, 3].map(() => openPostgresLedger(url)))
  const [first] = ledgers
  if (!first) throw new Error('No ledger.')
  try {
    const update = (number: number) => ({
      cursor: { number, hash: `${number}`, at: 1_000 },
      hub: { balance: wei(10n ** 6n), pendingWithdrawal: wei(0n), feeBps: 200 },
      channels: Array.from({ length: channels }, (_each, n) => ({
        channelId: channelId(n + 1),
        consumer,
        nonce: n,
        status: 'open' as const,
        balance,
        exitAt: 0,
      })),
      tabs: [],
      accounts: [],
    })
    await Promise.all(ledgers.map((each) => each.applyChain(update(1))))
    const given: Given = { guaranteed: new Map(), totals: [] }
    await Promise.all([
      ...ledgers.map((each, process) => work(each, process, 60, given)),
      ...ledgers.map((each, process) => each.applyChain(update(2 + process))),
    ])
    for (let n = 1; n <= channels; n++) {
      const stands = [...given.guaranteed].filter(([key]) => key.startsWith(channelId(n)))
      expect(stands.reduce((sum, [, ceiling]) => sum + ceiling, 0n)).toBeLessThanOrEqual(balance)
    }
    // What each provider holds last is what its tabs add up to: no total forgot another.
    const lines = await first.openChannels()
    for (const { provider: to, total } of await first.accounts()) {
      const tabs = lines.flatMap((line) => line.tabs).filter((tab) => tab.provider === to)
      const net = tabs.reduce((sum, { cleared }) => sum + netOf(cleared, 200), 0n)
      expect(total).toBe(net)
      const highest = given.totals.filter((each) => each.provider === to).map((each) => each.total)
      expect(highest.reduce((a, b) => (a > b ? a : b), 0n)).toBe(total)
    }
    expect(await first.cursor()).toMatchObject({ number: 4 })
    expect(await first.problem()).toBe(undefined)
  } finally {
    await Promise.all(ledgers.map((each) => each.close()))
  }
})

it('refuses while the database is gone, and works again when it is back', async () => {
  const ledger = await openPostgresLedger(url)
  try {
    await ledger.block({ identity: consumer, since: 1 })
    await server.crash()
    await expect(ledger.block({ identity: hub, since: 2 })).rejects.toThrow(LedgerUnavailable)
    await expect(ledger.blocked()).rejects.toThrow(LedgerUnavailable)
    expect(await ledger.leads()).toBe(false)
    await server.restart()
    expect(await ledger.blocked()).toEqual([{ identity: consumer, since: 1 }])
    await ledger.block({ identity: hub, since: 3 })
    expect((await ledger.blocked()).map(({ since }) => since)).toEqual([1, 3])
    expect(await ledger.leads()).toBe(true)
  } finally {
    await ledger.close()
  }
})

it('outlives a database that goes in the middle of a transaction, and while a connection is made ready', async () => {
  await (await openPostgresLedger(url)).close()
  const store = new PostgresStore(url)
  const client = await createPool(url).connect()
  try {
    await store.begin([])
    await server.crash()
    await expect(store.commit([])).rejects.toThrow(LedgerUnavailable)
    await store.rollback()
  } finally {
    await server.restart()
  }
  client.release(true)
  await store.begin([])
  await store.commit([])
  await store.close()
})

it('uses a connection no more on which a statement was not answered', async () => {
  await (await openPostgresLedger(url)).close()
  const holder = new pg.Client({ connectionString: url })
  await holder.connect()
  const store = new PostgresStore(`${url}&query_timeout=500`)
  const [whose, waiting] = ['SELECT pg_backend_pid() AS pid', 'SELECT name FROM setting {lock}'].map((text) =>
    plain(statement(text)),
  ) as [Ask, Ask]
  try {
    await holder.query('BEGIN; LOCK TABLE setting')
    const [[first] = []] = await store.begin([whose])
    await expect(store.more([waiting])).rejects.toThrow(LedgerUnavailable)
    await holder.query('ROLLBACK')
    await store.rollback()
    const [[second] = []] = await store.begin([whose])
    expect(second?.pid).not.toBe(first?.pid)
    await store.rollback()
    // Where nothing went wrong, it is the same.
    expect(await store.begin([whose])).toEqual([[second]])
    await store.rollback()
  } finally {
    await store.close()
    await holder.end()
  }
})

it('answers for no commit that was to be on a stand-by’s disk, too, once somebody cancelled the wait for it', async () => {
  const own = await startPostgres()
  const ledger = await openPostgresLedger(await own.database())
  const admin = new pg.Client({ connectionString: own.url() })
  await admin.connect()
  try {
    await own.waitForStandby()
    const blocking = ledger.block({ identity: consumer, since: 1 }).then(
      () => 'answered',
      (error) => error,
    )
    const cancelWait = "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE wait_event = 'SyncRep'"
    while ((await admin.query(cancelWait)).rowCount === 0)
      await new Promise((resolve) => setTimeout(resolve, 20))
    const outcome = await blocking
    expect(outcome).toBeInstanceOf(LedgerUnavailable)
    expect((outcome as Error).message).toMatch(/canceling wait for synchronous replication/)
  } finally {
    await admin.end()
    await own.crash()
    await ledger.close()
    await own.stop()
  }
})

it('counts a database that its administrator took away as an outage, and goes on when it is back', async () => {
  const ledger = await openPostgresLedger(url)
  const admin = new pg.Client({ connectionString: url.replace(/test_\w+/, 'postgres') })
  const name = /test_\w+/.exec(url)?.[0]
  await admin.connect()
  const takeAway = async (how: string, back: string) => {
    await admin.query(how)
    await admin.query(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname IN ('${name}', '${name}_away')`,
    )
    await expect(ledger.block({ identity: consumer, since: 1 })).rejects.toThrow(LedgerUnavailable)
    await expect(ledger.blocked()).rejects.toThrow(LedgerUnavailable)
    await admin.query(back)
    expect(await ledger.blocked()).toEqual([])
  }
  try {
    await ledger.bind(hub, deployment)
    const refusing = `ALTER DATABASE ${name} ALLOW_CONNECTIONS`
    await takeAway(`${refusing} false`, `${refusing} true`)
    await admin.query(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '${name}'`)
    await takeAway(
      `ALTER DATABASE ${name} RENAME TO ${name}_away`,
      `ALTER DATABASE ${name}_away RENAME TO ${name}`,
    )
  } finally {
    await admin.end()
    await ledger.close()
  }
})

it('lets an upgrade take as long as the tables are large, and says of one that fails only what failed', async () => {
  const own = await server.database()
  const admin = new pg.Client({ connectionString: own })
  await admin.connect()
  try {
    await admin.query(`
      CREATE SCHEMA watch; CREATE TABLE watch.seen (patience interval);
      CREATE FUNCTION watch.look() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN
        INSERT INTO watch.seen VALUES (current_setting('statement_timeout')::interval);
        IF EXISTS (SELECT 1 FROM watch.seen HAVING count(*) = 20) THEN RAISE 'no space left on device'; END IF;
      END $$;
      CREATE EVENT TRIGGER look ON ddl_command_start EXECUTE FUNCTION watch.look()`)
    const failed = await openPostgresLedger(own).catch((error: Error) => error.message)
    expect(failed).toMatch(/cannot be upgraded to the current version \(no space left on device\)\. Check/)
    await admin.query('ALTER EVENT TRIGGER look DISABLE; TRUNCATE watch.seen')
    await admin.query(`CREATE OR REPLACE FUNCTION watch.look() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN
      INSERT INTO watch.seen VALUES (current_setting('statement_timeout')::interval); END $$`)
    await admin.query('ALTER EVENT TRIGGER look ENABLE')
    await (await openPostgresLedger(own)).close()
    const { rows } = await admin.query("SELECT min(patience) >= interval '1 hour' AS long FROM watch.seen")
    expect(rows).toEqual([{ long: true }])
  } finally {
    await admin.end()
  }
})

it('leaves no connection for the server to end where another version keeps it from leading', async () => {
  const other = new pg.Client({ connectionString: url })
  await other.connect()
  const leadership = new Leadership(url)
  const number = async (query: string) => (await other.query(query)).rows[0].n
  const ended = () =>
    number('SELECT sessions_fatal::int AS n FROM pg_stat_database WHERE datname = current_database()')
  const standing = () =>
    number(
      "SELECT count(*)::int AS n FROM pg_stat_activity WHERE application_name = 'pontage-hub' AND datname = current_database()",
    )
  try {
    await other.query(`SELECT pg_advisory_lock_shared(${0x706f6e74}, 9999)`)
    const before = await ended()
    expect(await leadership.leads()).toBe(false)
    while ((await standing()) > 0) await new Promise((resolve) => setTimeout(resolve, 50))
    expect(await ended()).toBe(before)
  } finally {
    await leadership.close()
    await other.end()
  }
})

it('has the server notice within seconds that the machine of a hub is gone', async () => {
  const listening = await startPostgres({ listen_addresses: '127.9.8.7' })
  const database = /test_\w+/.exec(await listening.database())?.[0]
  const pool = createPool(`postgres://pontage@127.9.8.7/${database}`)
  try {
    const { rows } = await pool.query(
      "SELECT current_setting('tcp_keepalives_idle')::int + current_setting('tcp_keepalives_interval')::int * current_setting('tcp_keepalives_count')::int AS seconds",
    )
    expect(rows[0].seconds).toBe(5)
  } finally {
    await pool.end()
    await listening.stop()
  }
})

it('takes in everything that another engine wrote out, and nothing that was changed on the way', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'pontage-export-'))
  const file = await openSqliteLedger(join(folder, 'ledger.sqlite'))
  const database = await openPostgresLedger(url)
  try {
    await file.bind(hub, deployment)
    await file.applyChain({
      cursor: { number: 7, hash: '0x07', at: 1_000 },
      hub: { balance: wei(10n ** 25n), pendingWithdrawal: wei(0n), feeBps: 200 },
      channels: Array.from({ length: channels }, (_each, n) => ({
        channelId: channelId(n + 1),
        consumer,
        nonce: n,
        status: 'open',
        balance: wei(10n ** 25n),
        exitAt: 0,
      })),
      tabs: [],
      accounts: [],
    })
    await work(file, 1, 10, { guaranteed: new Map(), totals: [] })
    await file.block({ identity: consumer, since: 3 })
    await file.writeNote('leaving', 'a "quoted" \\ note\n{1,2}')
    const lines = [...ledgerLines(await file.dump())]
    await database.restore(rowsFrom(lines.join('')))
    // An engine has its own order of rows.
    expect([...(await database.dump())].map((row) => JSON.stringify(row)).sort()).toEqual(
      [...(await file.dump())].map((row) => JSON.stringify(row)).sort(),
    )
    expect(await database.problem()).toBe(undefined)
    expect(await database.tally()).toEqual(await file.tally())
    expect(await database.note('leaving')).toBe(await file.note('leaving'))
    await expect(database.restore([])).rejects.toThrow(/is not empty/)
    expect(() => rowsFrom(lines.toSpliced(3, 1).join(''))).toThrow(/were changed or are incomplete/)
    expect(() => rowsFrom(lines.join('').slice(0, -9))).toThrow(/file is incomplete/)
    expect(() => rowsFrom(`{}\n{}\n`)).toThrow(/line 1: it does not begin/)
  } finally {
    await Promise.all([file.close(), database.close()])
    await rm(folder, { recursive: true })
  }
})

it('notices that an old copy of the data was put back, decides nothing on it, and notes that it must recover', async () => {
  const own = await startPostgres()
  const ledger = await openPostgresLedger(await own.database())
  try {
    await ledger.bind(hub, deployment)
    await ledger.applyChain({
      cursor: { number: 1, hash: '0x01', at: 1_000 },
      hub: { balance: wei(100n), pendingWithdrawal: wei(0n), feeBps: 200 },
      channels: [
        { channelId: channelId(1), consumer, nonce: 0, status: 'open', balance: wei(100n), exitAt: 0 },
      ],
      tabs: [],
      accounts: [],
    })
    const grant = (to: number) =>
      ledger.grant({
        cause: channelId(to),
        channelId: channelId(1),
        provider: provider(to),
        decide: (line) => judgeReservation(line, provider(to), wei(90n)),
        sign: () => ({
          ...{
            channelId: channelId(1),
            provider: provider(to),
            ceiling: wei(90n),
            expiresAt: unixSeconds(5_000),
          },
          signature: '0x01',
        }),
      })
    let setbacks = 0
    ledger.onSetback(() => setbacks++)
    await own.end()
    await own.keepCopy()
    await own.restart()
    expect(await grant(1)).toMatchObject({ ok: true })
    await own.crash()
    await own.putBack()
    await own.restart()
    // As many writes as were lost, by a process that never saw them: the numbers alone would fit again.
    const other = await openPostgresLedger(own.url())
    await other.raiseTotal({ provider: provider(7), total: wei(1n) })
    await other.close()
    await expect(grant(2)).rejects.toThrow(LedgerUnavailable)
    expect(setbacks).toBe(1)
    expect(await ledger.note('recovering')).toBe('"went-back"')
  } finally {
    await ledger.close()
    await own.stop()
  }
})

it('refuses a database on which another version works, and lets none start on its own', async () => {
  const version = ledgerVersion(postgresWords)
  const other = new pg.Client({ connectionString: url })
  await other.connect()
  try {
    await other.query(`SELECT pg_advisory_lock_shared(${0x706f6e74}, ${version + 1})`)
    await expect(openPostgresLedger(url)).rejects.toThrow(/Another version of pontage-hub works on this/)
    await other.query('SELECT pg_advisory_unlock_all()')
    const ledger = await openPostgresLedger(url)
    await ledger.bind(hub, deployment)
    const { rows } = await other.query(
      `SELECT objid::int AS version FROM pg_locks WHERE locktype = 'advisory' AND classid = ${0x706f6e74}`,
    )
    expect(new Set(rows.map((row) => row.version))).toEqual(new Set([version]))
    await ledger.close()
  } finally {
    await other.end()
  }
})

it('notices a process of a version that did not say so yet, while it runs', async () => {
  const old = new pg.Client({ connectionString: url, application_name: 'pontage-hub' })
  await old.connect()
  try {
    await expect(openPostgresLedger(url)).rejects.toThrow(/Another version of pontage-hub works on this/)
  } finally {
    await old.end()
  }
  const ledger = await openPostgresLedger(url)
  expect(await ledger.leads()).toBe(true)
  // The lock of whoever leads says its version, too.
  const other = await openPostgresLedger(url)
  await Promise.all([other.bind(hub, deployment), ledger.bind(hub, deployment)])
  await Promise.all([ledger.close(), other.close()])
})

it('begins to recover where another server has the data, as after a fail-over', async () => {
  const first = await openPostgresLedger(url)
  await first.bind(hub, deployment)
  await first.close()
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  const { rows } = await client.query("SELECT value FROM setting WHERE name = 'origin'")
  expect(rows[0].value).toMatch(/^\d+ 00000001$/)
  // What the data would say on a stand-by that took over: its server has gone on to another timeline.
  await client.query(
    "UPDATE setting SET value = replace(value, '00000001', '00000000') WHERE name = 'origin'",
  )
  await client.end()
  const second = await openPostgresLedger(url)
  try {
    await second.bind(hub, deployment)
    expect(await second.note('recovering')).toBe('"went-back"')
  } finally {
    await second.close()
  }
})

it('lets one process lead, and another as soon as that one is gone', async () => {
  const [one, other] = [await openPostgresLedger(url), await openPostgresLedger(url)]
  try {
    expect(await one.leads()).toBe(true)
    expect([await other.leads(), await one.leads()]).toEqual([false, true])
    await one.close()
    while (!(await other.leads())) await new Promise((resolve) => setTimeout(resolve, 20))
  } finally {
    await other.close()
  }
})

it('lets another lead when the one that leads hangs, and that one find out when it goes on', async () => {
  const built = fileURLToPath(new URL('../../../dist/io/postgres/leadership.js', import.meta.url))
  const program = `
    const { Leadership } = await import(${JSON.stringify(built)})
    const mine = new Leadership(${JSON.stringify(url)})
    setInterval(async () => console.log(await mine.leads()), 100)`
  const hanging = spawn(process.execPath, ['--input-type=module', '-e', program])
  let said = ''
  hanging.stdout.on('data', (text) => {
    said = `${text}`.trim().split('\n').at(-1) ?? ''
  })
  const other = await openPostgresLedger(url)
  const until = async (holds: () => Promise<boolean> | boolean) => {
    while (!(await holds())) await new Promise((resolve) => setTimeout(resolve, 50))
  }
  try {
    await until(() => said === 'true')
    expect(await other.leads()).toBe(false)
    hanging.kill('SIGSTOP')
    await until(() => other.leads())
    hanging.kill('SIGCONT')
    await until(() => said === 'false')
    expect(await other.leads()).toBe(true)
  } finally {
    hanging.kill('SIGKILL')
    await other.close()
  }
})

it('leaves the lead to another process while it cannot reach the chain', async () => {
  const [one, other] = [await openPostgresLedger(url), await openPostgresLedger(url)]
  try {
    expect(await one.leads()).toBe(true)
    one.standDown()
    expect(await one.leads()).toBe(false)
    while (!(await other.leads())) await new Promise((resolve) => setTimeout(resolve, 20))
  } finally {
    await Promise.all([one.close(), other.close()])
  }
})

it('names what is wrong with the address of a database', async () => {
  await expect(openPostgresLedger(url.replace(/test_\w+/, 'nowhere'))).rejects.toThrow(
    /nowhere.* cannot be opened: .*Check --database/,
  )
})

it('refuses a server that loses what it commits', async () => {
  const careless = await startPostgres({ fsync: 'off' })
  try {
    await expect(openPostgresLedger(await careless.database())).rejects.toThrow(/fsync = off.*Set fsync = on/)
  } finally {
    await careless.stop()
  }
})
