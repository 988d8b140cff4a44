import type { Verdict } from '@pontage/shared'
import type { RelayJobOrder } from '../ledger.js'
import { plain, statement } from './engine.js'
import type { Order } from './order.js'

// A row that all processes of a hub share: whoever has it counts alone.
const lockCounting = plain(statement("SELECT name FROM setting WHERE name = 'hub' {lock}"))
const find = statement('SELECT digest FROM relay_job WHERE digest {among:bytes}')
const count = statement(`{with:bytes,bytes,number}
  SELECT count(CASE WHEN identity = ?1 THEN 1 END) AS of_identity, count(CASE WHEN origin = ?2 THEN 1 END) AS of_origin,
    count(*) AS in_all
  FROM relay_job WHERE asked_at > ?3`)
// Counted and not refused: until a block shows what one does, another that the chain would refuse after it passes an estimate.
const countUnderWay = statement(`{with:bytes,number}
  SELECT count(*) AS under_way FROM relay_job LEFT JOIN outbox ON outbox.intent = relay_job.digest
  WHERE relay_job.identity = ?1
    AND (outbox.state IN ('wanted', 'sent') OR (outbox.state IS NULL AND relay_job.asked_at > ?2))`)
/** Seconds from counting a job until it is in the outbox, at most; one that a crash kept out of it holds up no longer. */
const untilSentSeconds = 60
const forget = statement('{with:number} DELETE FROM relay_job WHERE asked_at <= ?1')
const insert = statement(
  'INSERT INTO relay_job (digest, identity, origin, asked_at) {rows:bytes,bytes,bytes,number}',
)

/** Counts a relay job before it is run, and forgets those that count no more. */
export const relayJobOrder = ({
  digest,
  identity,
  origin,
  at,
  since,
  decide,
}: RelayJobOrder): Order<Verdict> => ({
  alone: 'relay jobs',
  asks: [
    lockCounting,
    { statement: find, given: [[digest]] },
    { statement: count, given: [[identity, origin, since]] },
    { statement: countUnderWay, given: [[identity, at - untilSentSeconds]] },
  ],
  apply: (unit, [, found = [], counted = [], sending = []]) => {
    if (found.length > 0) return { ok: true }
    const [counts] = counted
    const [waiting] = sending
    const verdict = decide({
      ofIdentity: Number(counts?.of_identity ?? 0),
      ofOrigin: Number(counts?.of_origin ?? 0),
      inAll: Number(counts?.in_all ?? 0),
      underWay: Number(waiting?.under_way ?? 0),
    })
    if (!verdict.ok) return verdict
    unit.write(forget, [since])
    unit.write(insert, [digest, identity, origin, at])
    return verdict
  },
})
