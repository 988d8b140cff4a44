import type Database from 'better-sqlite3'
import { Kysely, Migrator, SqliteDialect, sql } from 'kysely'

/**
 * Brings the tables to the present version. Identifiers and amounts are big-endian bytes (addresses 20, all
 * others 32), so that their order is the order of the numbers; times are seconds.
 */
export async function migrate(database: Database.Database): Promise<void> {
  const kysely = new Kysely<unknown>({ dialect: new SqliteDialect({ database }) })
  const { error } = await new Migrator({
    db: kysely,
    provider: { getMigrations: () => Promise.resolve(migrations) },
  }).migrateToLatest()
  // The connection is the ledger's: `kysely.destroy()` would close it.
  if (error) throw new Error('The ledger cannot be brought to its present version.', { cause: error })
}

const withoutRowid = sql`without rowid`
const zero = sql`(zeroblob(32))`
/** The same as a literal, which a column added later needs. */
const noAmount = sql.raw(`x'${'00'.repeat(32)}'`)

const migrations = {
  '0001-accounts-of-the-hub': {
    async up(db: Kysely<unknown>): Promise<void> {
      await db.schema
        .createTable('setting')
        .addColumn('name', 'text', (column) => column.primaryKey())
        .addColumn('value', 'text', (column) => column.notNull())
        .modifyEnd(withoutRowid)
        .execute()
      await db.schema
        .createTable('chain')
        .addColumn('id', 'integer', (column) => column.primaryKey())
        .addColumn('block_number', 'integer', (column) => column.notNull())
        .addColumn('block_hash', 'text', (column) => column.notNull())
        .addColumn('block_at', 'integer', (column) => column.notNull())
        .addColumn('pool', 'blob', (column) => column.notNull())
        .addColumn('pending_withdrawal', 'blob', (column) => column.notNull())
        .addColumn('fee_bps', 'integer', (column) => column.notNull())
        .execute()
      await db.schema
        .createTable('channel')
        .addColumn('channel_id', 'blob', (column) => column.primaryKey())
        .addColumn('consumer', 'blob', (column) => column.notNull())
        .addColumn('nonce', 'integer', (column) => column.notNull())
        .addColumn('status', 'text', (column) => column.notNull())
        .addColumn('balance', 'blob', (column) => column.notNull())
        .addColumn('exit_at', 'integer', (column) => column.notNull())
        .modifyEnd(withoutRowid)
        .execute()
      await db.schema
        .createTable('tab')
        .addColumn('channel_id', 'blob', (column) => column.notNull())
        .addColumn('provider', 'blob', (column) => column.notNull())
        .addColumn('cleared', 'blob', (column) => column.notNull().defaultTo(zero))
        .addColumn('held', 'blob', (column) => column.notNull().defaultTo(zero))
        .addColumn('held_signature', 'blob')
        .addColumn('ceiling', 'blob', (column) => column.notNull().defaultTo(zero))
        .addColumn('expires_at', 'integer', (column) => column.notNull().defaultTo(0))
        .addColumn('drawn', 'blob', (column) => column.notNull().defaultTo(zero))
        .addColumn('protested', 'blob', (column) => column.notNull().defaultTo(zero))
        .addPrimaryKeyConstraint('tab_key', ['channel_id', 'provider'] as never)
        .modifyEnd(withoutRowid)
        .execute()
      await db.schema.createIndex('tab_by_provider').on('tab').column('provider').execute()
      await db.schema
        .createTable('guarantee')
        .addColumn('cause', 'blob', (column) => column.primaryKey())
        .addColumn('channel_id', 'blob', (column) => column.notNull())
        .addColumn('provider', 'blob', (column) => column.notNull())
        .addColumn('ceiling', 'blob', (column) => column.notNull())
        .addColumn('expires_at', 'integer', (column) => column.notNull())
        .addColumn('signature', 'blob', (column) => column.notNull())
        .modifyEnd(withoutRowid)
        .execute()
      await db.schema
        .createIndex('guarantee_by_tab')
        .on('guarantee')
        .columns(['channel_id', 'provider'])
        .execute()
      await db.schema
        .createTable('account')
        .addColumn('provider', 'blob', (column) => column.primaryKey())
        .addColumn('total', 'blob', (column) => column.notNull().defaultTo(zero))
        .addColumn('signed_total', 'blob', (column) => column.notNull().defaultTo(zero))
        .addColumn('signature', 'blob')
        .addColumn('credited', 'blob', (column) => column.notNull().defaultTo(zero))
        .addColumn('paid', 'blob', (column) => column.notNull().defaultTo(zero))
        .modifyEnd(withoutRowid)
        .execute()
      await db.schema
        .createTable('prefund')
        .addColumn('channel_id', 'blob', (column) => column.primaryKey())
        .addColumn('consumer', 'blob', (column) => column.notNull())
        .addColumn('nonce', 'integer', (column) => column.notNull())
        .addColumn('consumer_signature', 'blob', (column) => column.notNull())
        .addColumn('hub_signature', 'blob', (column) => column.notNull())
        .modifyEnd(withoutRowid)
        .execute()
      await db.schema
        .createTable('closing')
        .addColumn('channel_id', 'blob', (column) => column.primaryKey())
        .addColumn('turn_num', 'integer', (column) => column.notNull())
        .addColumn('totals', 'text', (column) => column.notNull())
        .addColumn('releases', 'text', (column) => column.notNull())
        .addColumn('consumer_signature', 'blob', (column) => column.notNull())
        .addColumn('hub_signature', 'blob', (column) => column.notNull())
        .modifyEnd(withoutRowid)
        .execute()
      await db.schema
        .createTable('relayed')
        .addColumn('digest', 'blob', (column) => column.primaryKey())
        .addColumn('identity', 'blob', (column) => column.notNull())
        .addColumn('tx_hash', 'blob', (column) => column.notNull())
        .addColumn('sent_at', 'integer', (column) => column.notNull())
        .modifyEnd(withoutRowid)
        .execute()
      await db.schema
        .createIndex('relayed_by_identity')
        .on('relayed')
        .columns(['identity', 'sent_at'])
        .execute()
    },
  },
  '0002-what-the-operator-decides': {
    async up(db: Kysely<unknown>): Promise<void> {
      await db.schema
        .createTable('blocked')
        .addColumn('identity', 'blob', (column) => column.primaryKey())
        .addColumn('since', 'integer', (column) => column.notNull())
        .modifyEnd(withoutRowid)
        .execute()
      await db.schema
        .createTable('note')
        .addColumn('name', 'text', (column) => column.primaryKey())
        .addColumn('text', 'text', (column) => column.notNull())
        .modifyEnd(withoutRowid)
        .execute()
    },
  },
  '0003-what-consumers-say': {
    async up(db: Kysely<unknown>): Promise<void> {
      await db.schema
        .createTable('receipt')
        .addColumn('channel_id', 'blob', (column) => column.notNull())
        .addColumn('provider', 'blob', (column) => column.notNull())
        .addColumn('amount', 'blob', (column) => column.notNull())
        .addColumn('weight', 'blob', (column) => column.notNull())
        .addColumn('bytes', 'integer', (column) => column.notNull())
        .addColumn('throughput_kbps', 'integer', (column) => column.notNull())
        .addColumn('score', 'integer', (column) => column.notNull())
        .addColumn('ended_at', 'integer', (column) => column.notNull())
        .addColumn('signature', 'blob', (column) => column.notNull())
        .addPrimaryKeyConstraint('receipt_key', ['channel_id', 'provider'] as never)
        .modifyEnd(withoutRowid)
        .execute()
      await db.schema
        .createTable('quality')
        .addColumn('provider', 'blob', (column) => column.primaryKey())
        .addColumn('sessions', 'integer', (column) => column.notNull())
        .addColumn('paid', 'blob', (column) => column.notNull())
        .addColumn('throughput_sum', 'blob', (column) => column.notNull())
        .addColumn('rated_paid', 'blob', (column) => column.notNull())
        .addColumn('score_sum', 'blob', (column) => column.notNull())
        .modifyEnd(withoutRowid)
        .execute()
    },
  },
  '0004-what-is-owed-and-was-forgotten': {
    async up(db: Kysely<unknown>): Promise<void> {
      await db.schema
        .createTable('publication')
        .addColumn('root', 'blob', (column) => column.notNull())
        .addColumn('block_number', 'integer', (column) => column.notNull())
        .addColumn('hub', 'blob', (column) => column.notNull())
        .addColumn('sum', 'blob', (column) => column.notNull())
        .addColumn('pool', 'blob', (column) => column.notNull())
        .addColumn('signature', 'blob', (column) => column.notNull())
        .addColumn('published_at', 'integer', (column) => column.notNull())
        .addColumn('leaves', 'text', (column) => column.notNull())
        .addPrimaryKeyConstraint('publication_key', ['root', 'block_number'] as never)
        .modifyEnd(withoutRowid)
        .execute()
      await db.schema
        .alterTable('account')
        .addColumn('unexplained', 'blob', (column) => column.notNull().defaultTo(noAmount))
        .execute()
    },
  },
  '0005-transactions-on-their-way': {
    async up(db: Kysely<unknown>): Promise<void> {
      await db.schema
        .createTable('outbox')
        .addColumn('number', 'integer', (column) => column.primaryKey())
        .addColumn('intent', 'blob', (column) => column.notNull().unique())
        .addColumn('state', 'text', (column) => column.notNull())
        .addColumn('revision', 'integer', (column) => column.notNull())
        .addColumn('entry', 'text', (column) => column.notNull())
        .execute()
      await db.schema.createIndex('outbox_by_state').on('outbox').columns(['state', 'number']).execute()
    },
  },
}
