import { larger, smaller } from '@pontage/shared'
import type { ColumnDataType, ColumnDefinitionBuilder, CreateTableBuilder, Dialect, RawBuilder } from 'kysely'
import { Kysely, sql } from 'kysely'
import { type Migration, Migrator } from 'kysely/migration'
import { sizeOf } from './rows.js'

/**
 * Brings the tables to the present version. Identifiers and amounts are big-endian bytes (addresses 20, all
 * others 32), so that their order is the order of the numbers; times are seconds.
 *
 * @param dialect - Of one connection that stays open: closing it is up to whoever opened it.
 */
export async function migrate(dialect: Dialect, words: Words): Promise<void> {
  const kysely = new Kysely<unknown>({ dialect })
  const { error } = await new Migrator({
    db: kysely,
    provider: { getMigrations: () => Promise.resolve(migrations(words)) },
    allowUnorderedMigrations: true,
  }).migrateToLatest()
  if (!error) return
  const { message } = error as Error
  throw new Error(
    isOfAnother.test(message)
      ? `another version of pontage-hub wrote the ledger, probably a newer one (${message})`
      : `the ledger cannot be upgraded to the current version (${message})`,
    { cause: error },
  )
}

/** What the migrator says of tables whose history is not ours. */
const isOfAnother = /^corrupted migrations/

/**
 * Grows with every change of the tables. Processes that differ in it must not work on one ledger at the same time: each
 * would take what the other writes for something else.
 */
export const ledgerVersion = (words: Words): number => Object.keys(migrations(words)).length

/** What the engines call the same thing. */
export interface Words {
  readonly blob: ColumnDataType | RawBuilder<unknown>
  readonly number: ColumnDataType
  readonly zero: RawBuilder<unknown>
  /** The same for a column that is added: SQLite takes no expression there. */
  readonly zeroAdded: RawBuilder<unknown>
  /** A key that grows with each row. */
  readonly counted: (column: ColumnDefinitionBuilder) => ColumnDefinitionBuilder
  /** What follows the columns of a table. */
  readonly table: RawBuilder<unknown>
}

export const sqliteWords: Words = {
  blob: 'blob',
  number: 'integer',
  zero: sql`(zeroblob(32))`,
  zeroAdded: sql.raw(`x'${'00'.repeat(32)}'`),
  counted: (column) => column.primaryKey(),
  table: sql`without rowid`,
}

export const postgresWords: Words = {
  blob: 'bytea',
  number: 'bigint',
  zero: sql`decode(repeat('00', 32), 'hex')`,
  zeroAdded: sql`decode(repeat('00', 32), 'hex')`,
  counted: (column) => column.generatedAlwaysAsIdentity().primaryKey(),
  // Rows change again and again: with room beside them, a change need not touch the indexes.
  table: sql`with (fillfactor = 70)`,
}

/** The columns of a table: `name blob key`, `name number`, `name zero` (an amount, zero at first) … */
type Columns = Readonly<
  Record<string, 'blob' | 'number' | 'text' | 'zero' | 'nullable' | 'count' | 'optional'>
>

function migrations(words: Words): Record<string, Migration> {
  const create = async (db: Kysely<unknown>, name: string, keys: readonly string[], columns: Columns) => {
    const { blob, number } = words
    let table: CreateTableBuilder<string, never> = db.schema.createTable(name)
    for (const [column, kind] of Object.entries(columns)) {
      const type =
        kind === 'text' || kind === 'optional'
          ? 'text'
          : kind === 'number' || kind === 'count'
            ? number
            : blob
      table = table.addColumn(column, type as ColumnDataType, (made) => {
        if (kind === 'nullable' || kind === 'optional') return made
        if (kind === 'zero') return made.notNull().defaultTo(words.zero)
        return kind === 'count' ? made.notNull().defaultTo(0) : made.notNull()
      }) as never
    }
    await table
      .addPrimaryKeyConstraint(`${name}_key`, keys as never)
      .modifyEnd(words.table)
      .execute()
  }
  const index = (db: Kysely<unknown>, name: string, table: string, columns: readonly string[]) =>
    db.schema
      .createIndex(name)
      .on(table)
      .columns([...columns])
      .execute()

  return {
    '0001-accounts-of-the-hub': {
      async up(db: Kysely<unknown>): Promise<void> {
        await create(db, 'setting', ['name'], { name: 'text', value: 'text' })
        await create(db, 'chain', ['id'], {
          id: 'number',
          block_number: 'number',
          block_hash: 'text',
          block_at: 'number',
          pool: 'blob',
          pending_withdrawal: 'blob',
          fee_bps: 'number',
        })
        await create(db, 'channel', ['channel_id'], {
          channel_id: 'blob',
          consumer: 'blob',
          nonce: 'number',
          status: 'text',
          balance: 'blob',
          exit_at: 'number',
        })
        await create(db, 'tab', ['channel_id', 'provider'], {
          channel_id: 'blob',
          provider: 'blob',
          cleared: 'zero',
          held: 'zero',
          held_signature: 'nullable',
          ceiling: 'zero',
          expires_at: 'count',
          drawn: 'zero',
          protested: 'zero',
        })
        await index(db, 'tab_by_provider', 'tab', ['provider'])
        await create(db, 'guarantee', ['cause'], {
          cause: 'blob',
          channel_id: 'blob',
          provider: 'blob',
          ceiling: 'blob',
          expires_at: 'number',
          signature: 'blob',
        })
        await index(db, 'guarantee_by_tab', 'guarantee', ['channel_id', 'provider'])
        await create(db, 'account', ['provider'], {
          provider: 'blob',
          total: 'zero',
          signed_total: 'zero',
          signature: 'nullable',
          credited: 'zero',
          paid: 'zero',
        })
        await create(db, 'prefund', ['channel_id'], {
          channel_id: 'blob',
          consumer: 'blob',
          nonce: 'number',
          consumer_signature: 'blob',
          hub_signature: 'blob',
        })
        await create(db, 'closing', ['channel_id'], {
          channel_id: 'blob',
          turn_num: 'number',
          totals: 'text',
          releases: 'text',
          consumer_signature: 'blob',
          hub_signature: 'blob',
        })
        await create(db, 'relayed', ['digest'], {
          digest: 'blob',
          identity: 'blob',
          tx_hash: 'blob',
          sent_at: 'number',
        })
        await index(db, 'relayed_by_identity', 'relayed', ['identity', 'sent_at'])
      },
    },
    '0002-what-the-operator-decides': {
      async up(db: Kysely<unknown>): Promise<void> {
        await create(db, 'blocked', ['identity'], { identity: 'blob', since: 'number' })
        await create(db, 'note', ['name'], { name: 'text', text: 'text' })
      },
    },
    '0003-what-consumers-say': {
      async up(db: Kysely<unknown>): Promise<void> {
        await create(db, 'receipt', ['channel_id', 'provider'], {
          channel_id: 'blob',
          provider: 'blob',
          amount: 'blob',
          weight: 'blob',
          bytes: 'number',
          throughput_kbps: 'number',
          score: 'number',
          ended_at: 'number',
          signature: 'blob',
        })
        await create(db, 'quality', ['provider'], {
          provider: 'blob',
          sessions: 'number',
          paid: 'blob',
          throughput_sum: 'blob',
          rated_paid: 'blob',
          score_sum: 'blob',
        })
      },
    },
    '0004-what-is-owed-and-was-forgotten': {
      async up(db: Kysely<unknown>): Promise<void> {
        await create(db, 'publication', ['root', 'block_number'], {
          root: 'blob',
          block_number: 'number',
          hub: 'blob',
          sum: 'blob',
          pool: 'blob',
          signature: 'blob',
          published_at: 'number',
          leaves: 'text',
        })
        await db.schema
          .alterTable('account')
          .addColumn('unexplained', words.blob as ColumnDataType, (column) =>
            column.notNull().defaultTo(words.zeroAdded),
          )
          .execute()
      },
    },
    '0005-transactions-on-their-way': {
      async up(db: Kysely<unknown>): Promise<void> {
        await db.schema
          .createTable('outbox')
          .addColumn('number', words.number, (column) => words.counted(column))
          .addColumn('intent', words.blob as ColumnDataType, (column) => column.notNull().unique())
          .addColumn('state', 'text', (column) => column.notNull())
          .addColumn('revision', words.number, (column) => column.notNull())
          .addColumn('entry', 'text', (column) => column.notNull())
          .execute()
        await index(db, 'outbox_by_state', 'outbox', ['state', 'number'])
      },
    },
    '0006-sums-kept-by-differences': {
      async up(db: Kysely<unknown>): Promise<void> {
        await create(db, 'sums', ['id'], { id: 'number', owed: 'zero', undrawn: 'zero', urgent: 'count' })
        await sql`ALTER TABLE tab ADD COLUMN undrawn ${sql.raw(words.number as string)} NOT NULL DEFAULT 0`.execute(
          db,
        )
        await sql`UPDATE tab SET undrawn = 1 WHERE held > drawn
          AND channel_id IN (SELECT channel_id FROM channel WHERE status = 'open')`.execute(db)
        await sql`CREATE INDEX tab_undrawn ON tab (provider, expires_at) WHERE undrawn = 1`.execute(db)
        await index(db, 'guarantee_by_expiry', 'guarantee', ['expires_at'])
        await index(db, 'relayed_by_time', 'relayed', ['sent_at'])
        await addUp(db, words)
      },
    },
    '0007-relay-jobs-counted-by-all': {
      async up(db: Kysely<unknown>): Promise<void> {
        await create(db, 'relay_job', ['digest'], {
          digest: 'blob',
          identity: 'blob',
          origin: 'blob',
          asked_at: 'number',
        })
        await sql`INSERT INTO relay_job (digest, identity, origin, asked_at)
          SELECT digest, identity, ${words.zero}, sent_at FROM relayed`.execute(db)
        for (const name of ['relayed_by_identity', 'relayed_by_time'])
          await db.schema.dropIndex(name).execute()
      },
    },
    '0008-what-is-known-needs-no-reading': {
      async up(db: Kysely<unknown>): Promise<void> {
        const type = sql.raw(words.number as string)
        await sql`ALTER TABLE sums ADD COLUMN version ${type} NOT NULL DEFAULT 0`.execute(db)
      },
    },
    '0009-when-protests-end': {
      async up(db: Kysely<unknown>): Promise<void> {
        const type = sql.raw(words.number as string)
        await sql`ALTER TABLE tab ADD COLUMN protest_ends_at ${type} NOT NULL DEFAULT 0`.execute(db)
        // When one ends that was seen before is not known: what it endangers is drawn at once.
        await sql`UPDATE tab SET protest_ends_at = 1 WHERE protested <> ${words.zero}`.execute(db)
      },
    },
    '0010-pre-fund-states-are-not-kept': {
      async up(db: Kysely<unknown>): Promise<void> {
        // Nothing was read of them, and anybody could have one written.
        await db.schema.dropTable('prefund').execute()
      },
    },
    '0011-a-store-that-goes-back-is-noticed': {
      async up(db: Kysely<unknown>): Promise<void> {
        const type = sql.raw(words.number as string)
        await sql`ALTER TABLE sums ADD COLUMN writes ${type} NOT NULL DEFAULT 0`.execute(db)
      },
    },
    '0012-nothing-reads-all-rows': {
      async up(db: Kysely<unknown>): Promise<void> {
        const type = sql.raw(words.number as string)
        await sql`ALTER TABLE sums ADD COLUMN channels ${type} NOT NULL DEFAULT 0`.execute(db)
        for (const name of ['collateral', 'promised'])
          await db.schema
            .alterTable('sums')
            .addColumn(name, words.blob as ColumnDataType, (column) =>
              column.notNull().defaultTo(words.zeroAdded),
            )
            .execute()
        await sql`ALTER TABLE closing ADD COLUMN settled ${type} NOT NULL DEFAULT 0`.execute(db)
        await sql`UPDATE closing SET settled = 1
          WHERE channel_id IN (SELECT channel_id FROM channel WHERE status <> 'open')`.execute(db)
        await db.schema.dropIndex('tab_undrawn').execute()
        for (const [name, on, where] of [
          ['tab_undrawn', 'tab (provider, expires_at)', 'undrawn > 0'],
          ['tab_by_size', 'tab (undrawn)', 'undrawn > 0'],
          ['tab_protested', 'tab (channel_id)', 'protest_ends_at > 0'],
          ['channel_leaving', 'channel (channel_id)', "status = 'open' AND exit_at > 0"],
          ['closing_open', 'closing (channel_id)', 'settled = 0'],
        ] as const)
          await sql`CREATE INDEX ${sql.raw(name)} ON ${sql.raw(on)} WHERE ${sql.raw(where)}`.execute(db)
        await addUpDrawable(db)
      },
    },
    '0013-releases-are-asked-for-by-whoever-is-connected': {
      async up(db: Kysely<unknown>): Promise<void> {
        await create(db, 'release_request', ['channel_id', 'provider'], {
          channel_id: 'blob',
          provider: 'blob',
          consumer: 'blob',
          nonce: 'number',
          asked_at: 'number',
          answer: 'optional',
        })
        await index(db, 'release_request_by_time', 'release_request', ['asked_at'])
      },
    },
    '0014-tabs-on-which-nothing-came-are-not-kept': {
      async up(db: Kysely<unknown>): Promise<void> {
        await sql`CREATE INDEX tab_idle ON tab (expires_at) WHERE held_signature IS NULL`.execute(db)
      },
    },
    '0015-a-clear-touches-no-index': {
      async up(db: Kysely<unknown>): Promise<void> {
        // PostgreSQL rewrites all indexes of a row where a column changes that any of them so much as mentions.
        await db.schema.dropIndex('tab_idle').execute()
        const type = sql.raw(words.number as string)
        await sql`ALTER TABLE tab ADD COLUMN idle ${type} NOT NULL DEFAULT 0`.execute(db)
        await sql`UPDATE tab SET idle = 1 WHERE held_signature IS NULL`.execute(db)
        await sql`CREATE INDEX tab_idle ON tab (expires_at) WHERE idle = 1`.execute(db)
      },
    },
    '0016-an-operator-looks-at-some-of-them': {
      async up(db: Kysely<unknown>): Promise<void> {
        for (const column of ['balance', 'consumer'])
          await sql`CREATE INDEX ${sql.raw(`channel_by_${column}`)} ON channel (${sql.raw(column)})
            WHERE status = 'open'`.execute(db)
      },
    },
  }
}

const amountOf = (bytes: Buffer): bigint => BigInt(`0x${bytes.toString('hex')}`)
const bytesOf = (value: bigint): Buffer => Buffer.from(value.toString(16).padStart(64, '0'), 'hex')

/** Sizes what waits to be drawn, and adds up open channels anew: an empty one holds nothing that can be drawn. */
async function addUpDrawable(db: Kysely<unknown>): Promise<void> {
  const open = await sql<{ id: Buffer; balance: Buffer; closing: number }>`
    SELECT channel_id AS id, balance, (SELECT count(*) FROM closing
      WHERE closing.channel_id = channel.channel_id) AS closing FROM channel WHERE status = 'open'`.execute(
    db,
  )
  const tabs = await sql<Record<'id' | 'provider' | 'held' | 'drawn', Buffer>>`
    SELECT channel_id AS id, provider, held, drawn FROM tab WHERE undrawn > 0`.execute(db)
  const waiting = new Map<string, bigint>()
  const balances = new Map(open.rows.map(({ id, balance }) => [id.toString('hex'), amountOf(balance)]))
  for (const { id, provider, held, drawn } of tabs.rows) {
    const key = id.toString('hex')
    const rest = amountOf(held) - amountOf(drawn)
    waiting.set(key, (waiting.get(key) ?? 0n) + rest)
    await sql`UPDATE tab SET undrawn = ${sizeOf(smaller(rest, balances.get(key) ?? 0n))}
      WHERE channel_id = ${id} AND provider = ${provider}`.execute(db)
  }
  const undrawn = open.rows
    .filter(({ closing }) => Number(closing) === 0)
    .reduce(
      (sum, { id, balance }) => sum + smaller(waiting.get(id.toString('hex')) ?? 0n, amountOf(balance)),
      0n,
    )
  const collateral = [...balances.values()].reduce((sum, balance) => sum + balance, 0n)
  const accounts = await sql<{ total: Buffer }>`SELECT total FROM account`.execute(db)
  const promised = accounts.rows.reduce((sum, { total }) => sum + amountOf(total), 0n)
  await sql`UPDATE sums SET channels = ${open.rows.length}, collateral = ${bytesOf(collateral)},
    promised = ${bytesOf(promised)}, undrawn = ${bytesOf(undrawn)}`.execute(db)
}

/** Adds up what older versions did not keep. */
async function addUp(db: Kysely<unknown>, words: Words): Promise<void> {
  type Amounts = Record<'a' | 'b' | 'c', Buffer>
  const accounts = await sql<Amounts>`SELECT total AS a, credited AS b, paid AS c FROM account`.execute(db)
  const owed = accounts.rows.reduce((sum, { a, b, c }) => {
    const due = amountOf(a) - larger(amountOf(b), amountOf(c))
    return due > 0n ? sum + due : sum
  }, 0n)
  const tabs = await sql<Amounts>`SELECT held AS a, drawn AS b, drawn AS c FROM tab WHERE undrawn = 1
    AND channel_id NOT IN (SELECT channel_id FROM closing)`.execute(db)
  const undrawn = tabs.rows.reduce((sum, { a, b }) => sum + amountOf(a) - amountOf(b), 0n)
  const leaving = await sql<{ count: number }>`SELECT count(*) AS count FROM channel WHERE status = 'open'
    AND (exit_at > 0 OR channel_id IN (SELECT channel_id FROM tab WHERE protested <> ${words.zero}))`.execute(
    db,
  )
  await sql`INSERT INTO sums (id, owed, undrawn, urgent)
    VALUES (1, ${bytesOf(owed)}, ${bytesOf(undrawn)}, ${Number(leaving.rows[0]?.count ?? 0)})`.execute(db)
}
