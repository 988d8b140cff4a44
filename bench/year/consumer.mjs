import { createHash } from 'node:crypto'
import { appendFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { encodeMessage } from '../../shared/dist/index.js'
import { channelAt } from './crowd.mjs'
import { day, size, yearBegan } from './size.mjs'

// A year of a consumer, as lines of its journal.

const anySignature = (index) => channelAt(`receipt ${index}`)

/** @param channelId - The channel it has on chain: what was promised on others is on channels that are over. */
export function fillConsumer(home, providers, channelId) {
  const lines = [...entries(providers, channelId)].map((entry) => {
    const json = encodeMessage(entry)
    return `${createHash('sha256').update(json).digest('hex').slice(0, 16)} ${json}\n`
  })
  appendFileSync(join(home, 'journal.jsonl'), lines.join(''))
  const aliases = Object.fromEntries(providers.slice(0, 100).map((each, index) => [`known-${index}`, each]))
  const list = providers.map((provider) => ({ provider, country: 'DE' }))
  writeFileSync(join(home, 'names.json'), `${JSON.stringify({ list, aliases })}\n`)
}

function* entries(providers, channelId) {
  for (let index = 0; index < size.sessions; index++) {
    const provider = providers[index % providers.length]
    const endedAt = yearBegan + Math.floor((index * size.days * day) / size.sessions)
    const month = new Date(endedAt * 1_000).toISOString().slice(0, 7)
    const of = { provider, channelId: index % 4 === 0 ? channelId : channelAt(`over ${index % 40}`) }
    yield { kind: 'total', ...of, amount: 1_000n, at: endedAt }
    yield { kind: 'usage', session: anySignature(index).slice(2, 18), month, bytes: 25_000_000n }
    yield { kind: 'receipt', receipt: receiptOf(of, endedAt, anySignature(index)) }
    yield { kind: 'delivered', signature: anySignature(index) }
  }
  for (let lending = 0; lending < size.lendings; lending++)
    for (let since = 0; since < size.days; since++) {
      const on = new Date((yearBegan + since * day) * 1_000).toISOString().slice(0, 10)
      yield { kind: 'lent', lending: `lending${lending}`, day: on, spent: 1_000n, bytes: 1_000_000n }
    }
}

const receiptOf = (of, endedAt, signature) => ({
  ...{ ...of, amount: 1_000n, bytes: 25_000_000, throughputKbps: 80_000, score: 4, endedAt, signature },
  ...{
    downBytes: 20_000_000,
    upBytes: 5_000_000,
    promises: 25,
    seconds: 1_800,
    spent: 1_000n,
    reason: 'user',
  },
})
