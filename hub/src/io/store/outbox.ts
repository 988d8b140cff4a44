import { decodeEntry, encodeEntry, type Outbox, type OutboxEntry } from '@pontage/shared/node'
import { type Engine, inBothWords, plain, type Row, statement } from './engine.js'
import type { Order } from './order.js'

const find = statement('SELECT state, revision, entry FROM outbox WHERE intent {among:bytes}')
const findLocked = statement('SELECT state, revision, entry FROM outbox WHERE intent {among:bytes} {lock}')
const remove = statement('DELETE FROM outbox WHERE intent {among:bytes}')
const insert = statement('INSERT INTO outbox (intent, state, revision, entry) {rows:bytes,text,number,text}')
const replace = statement(`{with:text,number,text,bytes}
  UPDATE outbox SET state = ?1, revision = ?2, entry = ?3 WHERE intent = ?4`)
const readOpen = plain(
  statement("SELECT entry FROM outbox WHERE state IN ('wanted', 'sent', 'mined') ORDER BY number"),
)

const settledBefore = (time: string) =>
  `DELETE FROM outbox WHERE state IN ('done', 'refused') AND coalesce(${time}, 0) <`
const forget = inBothWords(
  ['number'],
  `${settledBefore("json_extract(entry, '$.settledAt')")} ?`,
  `${settledBefore("(entry::json ->> 'settledAt')::bigint")} ($1::bigint[])[1]`,
)

/** Keeps what the chain writer has to send, and what became of it. */
export function createOutbox(
  engine: Engine,
  submit: <Result>(order: Order<Result>) => Promise<Result>,
): Outbox {
  return {
    add: (entry) => submit(addOrder(entry)),
    async find(intent) {
      const [[row] = []] = await engine.read([{ statement: find, given: [[intent]] }])
      return row && entryFrom(row)
    },
    put: (entry) => submit(putOrder(entry)),
    forget: (before) => submit({ apply: (unit) => unit.write(forget, [before]) }),
    open: async () => ((await engine.read([readOpen]))[0] ?? []).map(entryFrom),
  }
}

const addOrder = (entry: OutboxEntry): Order<OutboxEntry> => ({
  alone: `outbox ${entry.intent}`,
  asks: [{ statement: findLocked, given: [[entry.intent]] }],
  apply: (unit, [found = []]) => {
    const [known] = found
    if (known && known.state !== 'refused') return entryFrom(known)
    if (known) unit.write(remove, [entry.intent])
    unit.write(insert, [entry.intent, entry.state, entry.revision, encodeEntry(entry)])
    return entry
  },
})

const putOrder = (entry: OutboxEntry): Order<boolean> => ({
  alone: `outbox ${entry.intent}`,
  asks: [{ statement: findLocked, given: [[entry.intent]] }],
  apply: (unit, [found = []]) => {
    const [known] = found
    if (Number(known?.revision) !== entry.revision - 1) return false
    unit.write(replace, [entry.state, entry.revision, encodeEntry(entry), entry.intent])
    return true
  },
})

const entryFrom = (row: Row): OutboxEntry => decodeEntry(String(row.entry))
