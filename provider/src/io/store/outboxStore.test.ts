import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Hex, unixSeconds } from '@pontage/shared'
import type { OutboxEntry } from '@pontage/shared/node'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { openOutbox } from './outboxStore.js'
import { openDatabase } from './storeSchema.js'

let home: string
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'pontage-outbox-'))
})
afterEach(() => rm(home, { recursive: true }))

const intent = (n: number): Hex => `0x${n.toString(16).padStart(64, '0')}`
const entry = (n: number, state: OutboxEntry['state'], revision = 0): OutboxEntry => ({
  intent: intent(n),
  state,
  revision,
  call: { to: `0x${'0a'.repeat(20)}` as never, data: '0x1234', value: '0' },
  versions: [],
})

it('finds after a restart what is still to be sent, the oldest first, each intent once', async () => {
  const before = openDatabase(home)
  const outbox = openOutbox(before)
  for (const n of [2, 1, 3]) await outbox.add(entry(n, 'wanted'))
  expect(await outbox.put(entry(2, 'sent', 1))).toBe(true)
  expect(await outbox.add(entry(2, 'wanted'))).toEqual(entry(2, 'sent', 1))
  expect(await outbox.put(entry(2, 'mined', 1))).toBe(false)
  expect(await outbox.put(entry(1, 'done', 1))).toBe(true)
  before.close()

  const after = openDatabase(home)
  const again = openOutbox(after)
  expect(await again.open()).toEqual([entry(2, 'sent', 1), entry(3, 'wanted')])
  expect(await again.find(intent(1))).toEqual(entry(1, 'done', 1))
  expect(await again.put(entry(3, 'refused', 1))).toBe(true)
  expect(await again.add(entry(3, 'wanted'))).toEqual(entry(3, 'wanted'))

  // What is long done is forgotten, what may have to be sent is not.
  await again.add(entry(4, 'wanted'))
  expect(await again.put({ ...entry(4, 'done', 1), settledAt: unixSeconds(200) })).toBe(true)
  await again.forget(unixSeconds(200))
  const left = await Promise.all([1, 2, 3, 4].map(async (n) => (await again.find(intent(n)))?.state))
  expect(left).toEqual([undefined, 'sent', 'wanted', 'done'])
  after.close()
})
