import * as library from '@noble/post-quantum/ml-kem.js'
import { describe, expect, it } from 'vitest'
import { wireguardKeyToHex } from '../kernel/wireguardKeys.js'
import { libraryKem, loadMlKem, type MlKem, nativeKem } from './mlKem.js'
import { createKemKeys, createTunnelKey } from './tunnelKey.js'

const ofLibrary = libraryKem(library)
const native = nativeKem()
const kems: [string, MlKem][] = [
  ['library', ofLibrary],
  ...(native ? [['Node', native] as [string, MlKem]] : []),
]

describe('the pre-shared key of a tunnel', () => {
  for (const [consumer, consumersKem] of kems)
    for (const [provider, providersKem] of kems)
      it(`is the same at both ends, made by ${consumer} and ${provider}`, async () => {
        const keys = await createKemKeys(consumersKem)
        const made = await createTunnelKey(keys.encapsulationKey, providersKem)
        expect(made?.sent.ciphertext).toMatch(/^0x[0-9a-f]{2176}$/)
        const key = keys.keyOf(made?.sent ?? { presharedKey: '0x' })
        expect(key).toBe(wireguardKeyToHex(made?.key ?? ''))
        expect(key).not.toBe(made?.sent.presharedKey)
      })

  it('is another one when anything was changed on the way', async () => {
    const keys = await createKemKeys()
    const { key, sent } = (await createTunnelKey(keys.encapsulationKey)) ?? expect.fail()
    const flip = (hex: `0x${string}`) =>
      `${hex.slice(0, -1)}${hex.endsWith('0') ? '1' : '0'}` as `0x${string}`
    expect(keys.keyOf({ ...sent, ciphertext: flip(sent.ciphertext ?? '0x') })).not.toBe(
      wireguardKeyToHex(key),
    )
    expect(keys.keyOf({ ...sent, presharedKey: flip(sent.presharedKey) })).not.toBe(wireguardKeyToHex(key))
    expect(keys.keyOf({ presharedKey: sent.presharedKey })).not.toBe(wireguardKeyToHex(key))
  })

  it('is the same each time where both ends make it of the same seed, whichever of the two is asked anew', async () => {
    const seeds = [new Uint8Array(64).fill(1), new Uint8Array(64).fill(2)]
    const made = async () => {
      const keys = await createKemKeys(undefined, seeds[0])
      const { key, sent } =
        (await createTunnelKey(keys.encapsulationKey, undefined, seeds[1])) ?? expect.fail()
      expect(keys.keyOf(sent)).toBe(wireguardKeyToHex(key))
      expect(sent.ciphertext).toBeDefined()
      return { key, ...sent }
    }
    expect(await made()).toEqual(await made())
    const other = await createTunnelKey((await createKemKeys()).encapsulationKey, undefined, seeds[1])
    expect(other?.key).not.toBe((await made()).key)
  })

  it('is the random half alone with an end that knows of none', async () => {
    const { key, sent } = (await createTunnelKey(undefined)) ?? expect.fail()
    expect(sent.ciphertext).toBeUndefined()
    expect((await createKemKeys()).keyOf(sent)).toBe(wireguardKeyToHex(key))
  })

  it.each(kems)('is not made for what is no key (%s)', async (_, kem) => {
    const outside = `0x${'ff'.repeat(1_184)}` as const
    expect(await createTunnelKey(outside, kem)).toBeUndefined()
  })
})

describe('ML-KEM-768', () => {
  it('comes from Node where Node has it', async () => {
    const kem = await loadMlKem()
    const { encapsulationKey, decapsulate } = kem.createKeys()
    const { ciphertext, secret } = kem.encapsulate(encapsulationKey)
    expect([encapsulationKey.length, ciphertext.length, secret.length]).toEqual([1_184, 1_088, 32])
    expect(Buffer.from(decapsulate(ciphertext))).toEqual(Buffer.from(secret))
    const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
    if (major > 24 || (major === 24 && minor >= 7)) expect(native).toBeDefined()
  })
})
