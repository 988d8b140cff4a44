import { chmodSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { requireOwn, UserError } from '@pontage/shared/node'
import Database from 'better-sqlite3'

export type Db = Database.Database

/** One step for each version; a step that was released is never changed. */
const migrations = [
  `
  CREATE TABLE channel (
    id BLOB PRIMARY KEY, consumer BLOB NOT NULL, hub BLOB NOT NULL, nonce INTEGER NOT NULL,
    released_amount BLOB, released_up_to INTEGER
  ) WITHOUT ROWID;
  CREATE INDEX channel_by_hub ON channel (hub);
  CREATE TABLE promise (
    channel BLOB PRIMARY KEY REFERENCES channel, amount BLOB NOT NULL, signature BLOB NOT NULL,
    cleared BLOB NOT NULL, drawn BLOB NOT NULL, updated_at INTEGER NOT NULL
  ) WITHOUT ROWID;
  CREATE TABLE guarantee (
    channel BLOB PRIMARY KEY REFERENCES channel, ceiling BLOB NOT NULL, expires_at INTEGER NOT NULL,
    signature BLOB NOT NULL, received_at INTEGER NOT NULL
  ) WITHOUT ROWID;
  CREATE TABLE hub_promise (
    hub BLOB PRIMARY KEY, total BLOB NOT NULL, signature BLOB NOT NULL, received_at INTEGER NOT NULL
  ) WITHOUT ROWID;
  CREATE TABLE session (
    id TEXT PRIMARY KEY, key INTEGER NOT NULL, channel BLOB NOT NULL REFERENCES channel, consumer BLOB NOT NULL,
    hub BLOB NOT NULL, started_at INTEGER NOT NULL, base BLOB NOT NULL, paid BLOB NOT NULL,
    down INTEGER NOT NULL, up INTEGER NOT NULL, promises INTEGER NOT NULL, ended_at INTEGER, ending TEXT
  ) WITHOUT ROWID;
  CREATE INDEX session_open ON session (ended_at) WHERE ended_at IS NULL;
  CREATE TABLE settlement (
    number INTEGER PRIMARY KEY, kind TEXT NOT NULL, hub BLOB NOT NULL, amount BLOB NOT NULL, total BLOB NOT NULL,
    gas_used INTEGER NOT NULL, "transaction" BLOB NOT NULL, block INTEGER NOT NULL, at INTEGER NOT NULL
  );
  `,
  `
  CREATE TABLE outbox (
    number INTEGER PRIMARY KEY, intent BLOB NOT NULL UNIQUE, state TEXT NOT NULL, revision INTEGER NOT NULL,
    entry TEXT NOT NULL
  );
  CREATE INDEX outbox_by_state ON outbox (state, number);
  `,
  // What it takes to raise the tunnel of a running session again; it goes when the session ends.
  `
  CREATE TABLE tunnel (
    session TEXT PRIMARY KEY REFERENCES session, boot TEXT NOT NULL, payment_port INTEGER NOT NULL,
    address4 TEXT NOT NULL, address6 TEXT NOT NULL, wireguard_key TEXT NOT NULL, preshared_key TEXT NOT NULL,
    price_per_megabyte BLOB NOT NULL, price_per_hour BLOB NOT NULL, credit INTEGER NOT NULL, grace INTEGER NOT NULL,
    carried_down INTEGER NOT NULL, carried_up INTEGER NOT NULL, carried_packets INTEGER NOT NULL,
    forwarded_ms INTEGER NOT NULL, gap INTEGER NOT NULL, raised INTEGER NOT NULL
  ) WITHOUT ROWID;
  `,
  `
  CREATE TABLE distrusted_hub (hub BLOB PRIMARY KEY, reason TEXT NOT NULL, at INTEGER NOT NULL) WITHOUT ROWID;
  `,
  // What a transaction did for us is written once, however often it is seen on chain.
  `
  ALTER TABLE settlement ADD COLUMN gas_price BLOB;
  CREATE UNIQUE INDEX settlement_once ON settlement ("transaction", kind, hub);
  `,
  // Headers are taken off in each direction by itself; what was counted before stands for downloads.
  `
  ALTER TABLE tunnel ADD COLUMN carried_up_packets INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE tunnel ADD COLUMN credit_at_most INTEGER NOT NULL DEFAULT 2000000;
  ALTER TABLE tunnel ADD COLUMN credit_per_second INTEGER NOT NULL DEFAULT 10000000;
  `,
  // Credit belongs to an identity: what its sessions left unpaid outlives them. "promised" is the channel's total when
  // the last of them ended, and null while one runs.
  `
  CREATE TABLE unpaid (channel BLOB PRIMARY KEY REFERENCES channel, amount BLOB NOT NULL, promised BLOB) WITHOUT ROWID;
  CREATE INDEX channel_by_consumer ON channel (consumer);
  `,
  `
  ALTER TABLE session RENAME COLUMN paid TO promised;
  `,
  // Sessions in which nothing was promised are kept for a while: anybody with a stake can begin them.
  `
  CREATE INDEX session_unpaid ON session (ended_at) WHERE promised = base AND ended_at IS NOT NULL;
  `,
  // How far payments were looked for, so that a long way is gone once.
  `
  CREATE TABLE followed (id INTEGER PRIMARY KEY CHECK (id = 1), block INTEGER NOT NULL);
  `,
  // Of the path only a hash: whoever reads the store is invited by nothing in it. No consumer: whoever has the link.
  `
  CREATE TABLE invitation (
    id TEXT PRIMARY KEY, path BLOB NOT NULL UNIQUE, consumer BLOB, uses INTEGER, made_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL, revoked_at INTEGER
  ) WITHOUT ROWID;
  CREATE TABLE invitation_use (
    invitation TEXT NOT NULL REFERENCES invitation, consumer BLOB NOT NULL, at INTEGER NOT NULL,
    PRIMARY KEY (invitation, consumer)
  ) WITHOUT ROWID;
  `,
  // A lent session is kept while its payer is there, and forwards no more than that one pays for; null: no limit.
  `
  ALTER TABLE tunnel ADD COLUMN lent INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE tunnel ADD COLUMN lent_limit INTEGER;
  `,
  // The promise that a hub cleared last, with its stamp: a larger one may have come since. Null where the hub gives none.
  `
  ALTER TABLE promise ADD COLUMN cleared_signature BLOB;
  ALTER TABLE promise ADD COLUMN stamp BLOB;
  ALTER TABLE promise ADD COLUMN cleared_at INTEGER;
  `,
  // The latest sessions and the last key are found among those of years.
  `
  CREATE INDEX session_by_start ON session (started_at);
  CREATE INDEX session_by_key ON session (key);
  `,
]

/**
 * Opens the store of a home folder; what it has answered "stored" for survives a power cut.
 *
 * @throws UserError when the folder cannot be written, or a newer program wrote the store.
 */
export function openDatabase(home: string): Db {
  mkdirSync(home, { recursive: true, mode: 0o700 })
  const path = join(home, 'provider.sqlite')
  requireOwn(path)
  const db = new Database(path)
  chmodSync(path, 0o600)
  db.pragma('journal_mode = WAL')
  db.pragma('synchronous = FULL')
  db.pragma('wal_autocheckpoint = 4000')
  db.pragma('busy_timeout = 5000')
  db.defaultSafeIntegers(false)
  const version = db.pragma('user_version', { simple: true }) as number
  if (version > migrations.length) {
    db.close()
    throw new UserError(
      `${path} was written by a newer version of this program (${version}, this one knows ${migrations.length}). Update the program.`,
    )
  }
  for (const [index, migration] of migrations.entries()) {
    if (index < version) continue
    db.transaction(() => {
      db.exec(migration)
      db.pragma(`user_version = ${index + 1}`)
    })()
  }
  compileOnce(db)
  return db
}

/** From here on each statement is compiled once: that takes longer than to run most of them. */
function compileOnce(db: Db): void {
  const compile = db.prepare.bind(db)
  const compiled = new Map<string, ReturnType<typeof compile>>()
  db.prepare = ((text: string) => {
    const known = compiled.get(text) ?? compile(text)
    compiled.set(text, known)
    return known
  }) as typeof db.prepare
}
