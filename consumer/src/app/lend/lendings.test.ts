import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { address, bytes, systemClock, wei } from '@pontage/shared'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { dayOf, noLimits } from '../../core/limits.js'
import { createCalendar } from '../../io/calendar.js'
import { type Journal, openJournal } from '../../io/home/journal.js'
import { keepLending, newLending, readLendings } from '../../io/home/lendings.js'
import { createLendings } from './lendings.js'
import type { Lender } from './lendOut.js'

let home = ''
let journal: Journal
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'pontage-lend-'))
  journal = await openJournal(home)
})
afterEach(async () => {
  await journal.close()
  await rm(home, { recursive: true, force: true })
})

it('keeps a smaller budget from when it is said, though nothing can be lent any more today', async () => {
  const now = systemClock.now()
  const provider = address(`0x${'a1'.repeat(20)}`)
  const limits = { budget: ['10/day'], cap: [], maxPrice: [] }
  const kept = newLending({ name: 'phone', limits, provider, country: undefined }, now)
  await keepLending(home, { ...kept, configuration: '[Interface]' })
  await journal.record({
    ...{ kind: 'lent', lending: kept.id, day: dayOf(now) },
    ...{ spent: wei(5n), bytes: bytes(1n) },
  })
  const lender = {
    context: { home, chain: { tokenDecimals: 0 }, clock: systemClock, calendar: createCalendar(systemClock) },
    journal,
  }
  let waits = () => {}
  const waiting = new Promise<void>((resolve) => {
    waits = resolve
  })
  const lendings = createLendings(
    home,
    async () => ({ ...lender, general: noLimits }) as unknown as Lender,
    () => ({
      ...{ lent() {}, said() {}, report() {} },
      moved: (state) => (state === 'waiting' ? waits() : undefined),
    }),
  )
  const lent = lendings.lend({ name: 'phone', limits: { ...limits, budget: ['3/day'] } })
  lent.catch(() => undefined) // It does not stand today.
  await waiting
  await lendings.close()
  expect((await readLendings(home)).map(({ limits: { budget } }) => budget)).toEqual([['3/day']])
})
