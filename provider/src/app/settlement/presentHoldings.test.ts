import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { address, type Hex, type Params, type Refusal, refuse, unixSeconds, wei } from '@pontage/shared'
import type { Link } from '@pontage/shared/node'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { PromiseStore } from '../../io/store/promiseStore.js'
import { type Db, openDatabase } from '../../io/store/storeSchema.js'
import { presentHoldings } from './presentHoldings.js'

const hub = address(`0x${'bb'.repeat(20)}`)
const consumer = address(`0x${'cc'.repeat(20)}`)
const identity = { address: address(`0x${'aa'.repeat(20)}`) }
const idOf = (nonce: number): Hex => `0x${nonce.toString(16).padStart(64, '0')}`
const signature: Hex = `0x${'11'.repeat(65)}`

let home: string
let db: Db
let promises: PromiseStore
let warned: string[]

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'pontage-holdings-'))
  db = openDatabase(home)
  promises = new PromiseStore(db)
  warned = []
})
afterEach(() => {
  db.close()
  rmSync(home, { recursive: true })
})

/** Has the provider hold guarantees of so many channels; the first of them ended long ago, the second was given up. */
function holdGuarantees(count: number): void {
  for (let nonce = 0; nonce < count; nonce++) {
    promises.keepChannel(idOf(nonce), { consumer, hub, nonce })
    const expiresAt = unixSeconds(nonce === 0 ? 1 : 9_000_000_000)
    const guarantee = { channelId: idOf(nonce), provider: identity.address, ceiling: wei(5n), expiresAt }
    promises.keepGuarantee({ ...guarantee, signature }, unixSeconds(1_000 + nonce))
  }
  promises.keepRelease({ channelId: idOf(1), amount: wei(0n), upTo: unixSeconds(9_000_000_000) })
}

const refused = (peerCode: string): Refusal => ({ code: 'peer-refused', peerCode, message: 'No.' })

/** Shows the holdings to a hub that rebuilds its ledger, and first answers with these. */
async function present(...answers: readonly (Refusal | undefined)[]) {
  const shown: Params<'recall'>[] = []
  const waiting = [...answers]
  let forgot = 0
  const link = {
    request: async (_type: 'recall', params: Params<'recall'>) => {
      shown.push(params)
      const refusal = waiting.shift()
      return refusal
        ? refuse(refusal)
        : { ok: true as const, value: { raised: wei(0n), recalled: 0, isRecovering: true } }
    },
  } as unknown as Link
  const silent = () => {}
  const log = { error: silent, info: silent, debug: silent, warn: (said: string) => void warned.push(said) }
  const events = { forgot: () => forgot++ }
  await presentHoldings({ identity, promises, log } as never, hub, link, events)
  return {
    forgot,
    shown,
    channels: shown.map(({ guarantees }) => guarantees.map(({ channelId }) => channelId)),
  }
}

describe('what a provider shows a hub that may have forgotten', () => {
  it('is every guarantee, also one that ended or was given up: a promise rests on it that the hub may have forgotten', async () => {
    holdGuarantees(221)
    const { channels, forgot } = await present()
    expect(channels.map(({ length }) => length)).toEqual([20, 200, 1])
    expect(new Set(channels.flat()).size).toBe(221)
    expect(channels.at(-1)).toEqual([idOf(0)])
    expect(forgot).toBe(1)
  })

  it('is what it cleared and nobody drew, with its stamp, first where that was last', async () => {
    holdGuarantees(30)
    const kept = [2, 3, 4].map((nonce) => ({ channelId: idOf(nonce), amount: wei(5n), signature }))
    promises.keepPromises(kept.map((each) => ({ ...each, at: unixSeconds(900) })))
    const stamps = [idOf(77), idOf(78), undefined]
    const cleared = kept.map((each, index) => ({ ...each, amount: wei(3n), stamp: stamps[index] }))
    promises.keepClear(hub, { total: wei(9n), signature }, cleared, unixSeconds(5_000))
    promises.noteDrawn([{ channelId: idOf(3), amount: wei(3n) }])
    const { shown } = await present()
    expect(shown.map((each) => each.cleared)).toEqual([
      [{ channelId: idOf(2), amount: 3n, signature, stamp: idOf(77) }],
      [],
    ])
    expect(shown[0]?.guarantees.slice(0, 2).map(({ channelId }) => channelId)).toEqual([idOf(2), idOf(3)])
  })

  it.each([
    refused('chain-unseen'),
    refused('ledger-unavailable'),
    refused('unknown-channel'),
    refused('peer-gone'),
    { code: 'peer-silent', type: 'recall', timeoutMs: 10_000 } as const,
    { code: 'peer-gone', type: 'recall' } as const,
  ])('does not count as shown while the hub cannot take it ($code $peerCode)', async (refusal) => {
    holdGuarantees(21)
    await expect(present(refusal)).rejects.toThrow(/could not be shown/)
    await expect(present(undefined, refusal)).rejects.toThrow(/could not be shown/)
  })

  it('is shown more slowly to a hub that is asked too fast, and from where it was', async () => {
    holdGuarantees(30)
    const { channels } = await present(undefined, refused('too-many-requests'))
    expect(channels.map(({ length }) => length)).toEqual([20, 10, 10])
  })

  it('is said to be refused where showing it again would change nothing', async () => {
    holdGuarantees(1)
    const { channels } = await present(refused('wrong-signer'))
    expect(channels).toHaveLength(1)
    expect(warned).toEqual(['holdings not accepted'])
  })
})
