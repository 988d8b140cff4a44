import { expect, it } from 'vitest'
import { plainSite } from './plainSite.js'

const seed = (byte: number) => Uint8Array.from({ length: 32 }, (_, index) => (byte * 31 + index * 7) % 256)

it('is the same for one seed, and another for most others', () => {
  const bodyOf = (byte: number) => plainSite(seed(byte)).get('/')?.body
  expect(bodyOf(1)).toBe(bodyOf(1))
  const bodies = new Set(Array.from({ length: 50 }, (_, byte) => bodyOf(byte)))
  expect(bodies.size).toBeGreaterThan(40)
})

it('names nothing of ours, and is whole HTML', () => {
  for (let byte = 0; byte < 256; byte++)
    for (const { body } of plainSite(seed(byte)).values())
      expect(body).not.toMatch(/pontage|vpn|wireguard|tunnel|provider|undefined/i)
  expect(plainSite(seed(3)).get('/')?.body).toMatch(/^<!DOCTYPE html>[\s\S]*<\/html>\n$/)
})
