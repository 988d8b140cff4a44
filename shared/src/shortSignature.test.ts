import { Signature, Wallet } from 'ethers'
import { expect, it } from 'vitest'
import { shortSignature } from './shortSignature.js'
import type { Hex } from './units.js'

it('is the short form that ethers makes, for either parity', () => {
  const wallet = new Wallet(`0x${'5a'.repeat(32)}`)
  const parities = new Set<number>()
  for (let index = 1; index <= 40; index++) {
    const digest = `0x${index.toString(16).padStart(64, '0')}`
    const { serialized, r, yParityAndS: vs, yParity } = wallet.signingKey.sign(digest)
    expect(shortSignature(serialized as Hex)).toEqual({ r, vs })
    expect(Signature.from(serialized).v).toBe(27 + yParity)
    parities.add(yParity)
  }
  expect(parities.size).toBe(2)
})
