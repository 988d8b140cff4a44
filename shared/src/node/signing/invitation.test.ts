import fc from 'fast-check'
import { expect, it } from 'vitest'
import { address, unixSeconds, weiPerHour, weiPerMegabyte } from '../../units.js'
import { exampleDeployment } from '../chain/deployment.fixture.js'
import { createIdentity, PrivateKey } from './identity.js'
import { readInvitation, writeInvitation } from './invitation.js'
import { createTypedData } from './typedData.js'

const typedData = createTypedData(exampleDeployment)
const provider = createIdentity(new PrivateKey(`0x${'21'.repeat(32)}`))
const invitation = typedData.signed(
  'Invitation',
  {
    provider: provider.address,
    consumer: address(`0x${'00'.repeat(20)}`),
    pricePerMegabyte: weiPerMegabyte(50n * 10n ** 12n),
    pricePerHour: weiPerHour(0n),
    country: 'DE',
    endpoint: '203.0.113.7:443',
    path: `/${'a'.repeat(22)}`,
    certificate: `0x${'c1'.repeat(32)}`,
    exitPolicy: 'deny tcp/25',
    hubs: [address(`0x${'b1'.repeat(20)}`)],
    issuedAt: unixSeconds(1_800_000_000),
    expiresAt: unixSeconds(1_802_000_000),
  },
  provider.privateKey,
)

it('comes back from its link as it was signed', () => {
  const link = writeInvitation(invitation)
  expect(link.length).toBeLessThan(800)
  const read = readInvitation(`  ${link}\n`)
  expect(read).toEqual(invitation)
  expect(typedData.check('Invitation', read, provider.address)).toEqual({ ok: true })
})

it('is refused with a sentence when anything of it is missing, and never throws otherwise', () => {
  const link = writeInvitation(invitation)
  fc.assert(
    fc.property(fc.nat(link.length - 1), fc.string({ maxLength: 40 }), (length, rest) => {
      let read: unknown
      try {
        read = readInvitation(link.slice(0, length) + rest)
      } catch (error) {
        expect((error as Error).message).toMatch(/^This is no whole invitation/)
        return
      }
      // Bits that base64url leaves over are nobody's.
      expect(read).toEqual(invitation)
    }),
  )
})

it('does not unpack what would fill the memory', () => {
  const huge = writeInvitation({ ...invitation, exitPolicy: 'x'.repeat(10_000_000) })
  expect(() => readInvitation(huge)).toThrow(/no whole invitation/)
})

it('is none where its texts would write on a terminal', () => {
  for (const text of ['\u001b[2A', 'a\nb', '\u202egp.exe'])
    for (const field of ['country', 'endpoint', 'exitPolicy'] as const)
      expect(() => readInvitation(writeInvitation({ ...invitation, [field]: text }))).toThrow(/no whole/)
})
