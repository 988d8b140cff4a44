import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Address, type Hex, refuse, systemClock, unixSeconds } from '@pontage/shared'
import type { Handlers, Link } from '@pontage/shared/node'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { InvitationStore } from '../../io/store/invitationStore.js'
import type { SessionStore } from '../../io/store/sessionStore.js'
import { type Db, openDatabase } from '../../io/store/storeSchema.js'
import { type FrontDoor, openFrontDoor } from './frontDoor.js'

const path = `/${'p'.repeat(22)}`
const now = unixSeconds(1_000)
const linkOf = (digits: string) => ({ peer: `0x${digits.repeat(20)}` as Address }) as Link
const [anna, ben] = [linkOf('a1'), linkOf('b1')]
let home = ''
let db: Db
let invitations: InvitationStore
let door: FrontDoor
/** Who has a session. */
let served: Set<Address>
/** How the next request to open one ends. */
let outcome: () => Promise<boolean>

beforeEach(async () => {
  home = mkdtempSync(join(tmpdir(), 'pontage-door-'))
  db = openDatabase(home)
  invitations = new InvitationStore(db)
  served = new Set()
  invitations.add({ id: 'i', consumer: undefined, uses: 1, madeAt: now, expiresAt: unixSeconds(2_000) }, path)
  const sessions = { runsFor: (consumer: Address) => served.has(consumer) } as SessionStore
  const clock = { ...systemClock, now: () => now }
  const key = `0x${'7a'.repeat(32)}` as Hex
  door = await openFrontDoor(
    { invitations, sessions, clock },
    { front: undefined, unlisted: true },
    key,
    'secret',
  )
})
afterEach(() => {
  db.close()
  rmSync(home, { recursive: true })
})

const handlers = {
  requests: {
    terms: () => refuse({ code: 'provider-stopping' }),
    open: async () => ((await outcome()) ? { ok: true, value: {} } : refuse({ code: 'provider-stopping' })),
  },
} as unknown as Handlers
const open = async (link: Link) => {
  const answer = await door.handlersAt(path, handlers).requests?.open?.({} as never, link)
  return answer?.ok ? 'ok' : answer?.refusal.code
}

it('counts an identity once it is served, and not for asking in vain', async () => {
  outcome = async () => false
  expect(await open(ben)).toBe('provider-stopping')
  outcome = async () => true
  expect(await open(anna)).toBe('ok')
  expect(await open(anna)).toBe('ok')
  expect(await open(ben)).toBe('not-invited')
})

it('lets nobody in beside one whose other request still is under way, or ended nobody knows how', async () => {
  let finish = (_: boolean) => {}
  outcome = () =>
    new Promise((resolve) => {
      finish = resolve
    })
  const first = open(anna)
  outcome = async () => false
  expect(await open(anna)).toBe('provider-stopping')
  expect(await open(ben)).toBe('not-invited')
  finish(true)
  expect(await first).toBe('ok')
  expect(await open(ben)).toBe('not-invited')
  outcome = () => Promise.reject(new Error('lost'))
  await expect(open(anna)).rejects.toThrow('lost')
  expect(await open(ben)).toBe('not-invited')
})

it('is open to who has a session when the invitation is revoked, until that ends, and begins no other', async () => {
  outcome = async () => true
  expect(await open(anna)).toBe('ok')
  served.add(anna.peer)
  invitations.revoke('i', now)
  expect(door.admits(path)).toBe(true)
  expect(await open(anna)).toBe('not-invited')
  served.delete(anna.peer)
  expect(door.admits(path)).toBe(false)
})
