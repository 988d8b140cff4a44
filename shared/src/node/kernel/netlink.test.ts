import { describe, expect, it } from 'vitest'
import { applyIp, linkExists, routeTo } from './netlink.js'

describe('applyIp', () => {
  it('refuses a word that would write a line of its own', async () => {
    await expect(applyIp([['link', 'show', 'lo\nlink delete lo']])).rejects.toThrow(TypeError)
    await expect(applyIp([['link', 'show', 'lo lo']])).rejects.toThrow(TypeError)
  })

  it('names what failed', async () => {
    await expect(applyIp([['link', 'show', 'dev', 'pontnone']])).rejects.toThrow(/does not exist/)
  })
})

describe('linkExists', () => {
  it('tells an interface from none', async () => {
    expect(await linkExists('lo')).toBe(true)
    expect(await linkExists('pontnone')).toBe(false)
  })
})

describe('routeTo', () => {
  it('finds the loopback', async () => {
    expect(await routeTo('127.0.0.1')).toEqual({
      ...{ device: 'lo', source: '127.0.0.1', gateway: undefined },
      mtu: 65_536,
    })
  })

  it('asks for an address', async () => {
    await expect(routeTo('example.org')).rejects.toThrow(TypeError)
  })
})
