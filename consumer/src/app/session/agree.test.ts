import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  address,
  bytes,
  type Deployment,
  type Hex,
  type RequestType,
  systemClock,
  unixSeconds,
  wei,
  weiPerHour,
  weiPerMegabyte,
} from '@pontage/shared'
import {
  createIdentity,
  createLog,
  createTypedData,
  generateWireguardKeys,
  type Link,
  PrivateKey,
} from '@pontage/shared/node'
import { afterEach, beforeEach, expect, it } from 'vitest'
import type { Offer } from '../../core/choose.js'
import { monthOf } from '../../core/limits.js'
import { createCalendar } from '../../io/calendar.js'
import { type Journal, openJournal } from '../../io/home/journal.js'
import type { Context } from '../context.js'
import { type Agreement, agree } from './agree.js'
import { recordUsage } from './usage.js'

const at = (byte: string) => address(`0x${byte.repeat(20)}`)
const deployment: Deployment = {
  ...{ chainId: 31_337, token: at('01'), registry: at('02'), channels: at('03'), marketplace: at('04') },
  fromBlock: 0,
}
const channelId: Hex = `0x${'c1'.repeat(32)}`
const [self, provider, hub] = ['11', '22', '33'].map((byte) =>
  createIdentity(new PrivateKey(byte.repeat(32))),
) as [ReturnType<typeof createIdentity>, ReturnType<typeof createIdentity>, ReturnType<typeof createIdentity>]
const typedData = createTypedData(deployment)
const price = { perMegabyte: weiPerMegabyte(10n), perHour: weiPerHour(0n) }

let home = ''
let journal: Journal
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'pontage-agree-'))
  journal = await openJournal(home)
})
afterEach(async () => {
  await journal.close()
  await rm(home, { recursive: true, force: true })
})

/** A provider that names each session as it is told to. */
function linkNaming(session: string): Link {
  const now = systemClock.now()
  const answers: Partial<Record<RequestType, object>> = {
    terms: {
      terms: typedData.signed(
        'SessionTerms',
        {
          ...{ provider: provider.address, consumer: self.address, channelId },
          ...{ pricePerMegabyte: price.perMegabyte, pricePerHour: price.perHour },
          ...{ creditBytes: bytes(2_000_000n), issuedAt: now, validUntil: unixSeconds(now + 60) },
        },
        provider.privateKey,
      ),
      lastPromise: null,
      ceiling: wei(1_000n),
    },
    open: {
      session,
      guarantee: typedData.signed(
        'Guarantee',
        {
          ...{ channelId, provider: provider.address },
          ...{ ceiling: wei(1_000n), expiresAt: unixSeconds(now + 3_600) },
        },
        hub.privateKey,
      ),
      tunnel: {
        ...{ publicKey: `0x${'0a'.repeat(32)}`, presharedKey: `0x${'0b'.repeat(32)}`, port: 7_801 },
        ...{ address4: '10.86.0.2', address6: 'fd50::2', gateway4: '10.86.0.1', gateway6: 'fd50::1' },
        ...{ dns: ['10.86.0.1'], mtu: 1_420, paymentPort: 7_802 },
      },
    },
  }
  return {
    request: async (type: RequestType) => ({ ok: true, value: answers[type] }),
  } as unknown as Link
}

const agreed = (session: string) =>
  agree(
    { home, identity: self, typedData, clock: systemClock, log: createLog('test', 'error') } as Context,
    journal,
    linkNaming(session),
    {
      offer: { proposal: { provider: provider.address }, price } as Offer,
      channel: { channelId, hub: hub.address, nonce: 1, free: wei(1_000n) },
      ...{ left: { cap: undefined, budget: undefined }, maxPrice: {}, networks: [] },
      keys: generateWireguardKeys(),
    },
  )

it('counts what flows in each session against the month, whatever names a provider gives them', async () => {
  const flow = async (agreement: Agreement) =>
    recordUsage({ calendar: createCalendar(systemClock) }, journal, agreement.countedAs, bytes(5_000_000n))
  const atOnce = await Promise.all([agreed('same'), agreed('same')])
  for (const agreement of atOnce) await flow(agreement)
  await flow(await agreed('same'))
  expect(journal.trail().usage.usedIn(monthOf(systemClock.now()))).toBe(15_000_000n)
})
