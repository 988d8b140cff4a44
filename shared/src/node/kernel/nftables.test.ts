import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setInterval } from 'node:timers/promises'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { applyRuleset, parseTable, replaceTable } from './nftables.js'
import {
  nftAddress,
  nftAddressWord,
  nftBytes,
  nftInterface,
  nftMark,
  nftName,
  nftPort,
  nftRange,
} from './nftablesValues.js'

describe('values in a ruleset', () => {
  it('pass when they are what they claim to be', () => {
    expect(nftName('peer_3')).toBe('peer_3')
    expect(nftInterface('pont4k1zq9')).toBe('"pont4k1zq9"')
    expect(nftAddress('2001:db8::1')).toBe('2001:db8::1')
    expect(nftAddressWord('198.51.100.1')).toBe('ip')
    expect(nftAddressWord('2001:db8::1')).toBe('ip6')
    expect(nftRange('fd00::/8')).toBe('fd00::/8')
    expect(nftPort(443)).toBe('443')
    expect(nftMark(0x706f)).toBe('28783')
    expect(nftBytes(10_000_000n)).toBe('10000000 bytes')
  })

  it('are refused when they could write a rule of their own', () => {
    const refused: (() => unknown)[] = [
      () => nftName('a; flush ruleset'),
      () => nftName('meter'),
      () => nftName('fwd'),
      () => nftName(''),
      () => nftInterface('eth0" accept'),
      () => nftInterface('a-name-too-long-'),
      () => nftAddress('example.org'),
      () => nftAddress('1.2.3.4 accept'),
      () => nftAddress('fe80::1%eth0'),
      () => nftRange('10.0.0.0/33'),
      () => nftRange('10.0.0.0'),
      () => nftRange('10.0.0.0/8/8'),
      () => nftPort(0),
      () => nftPort(65_536),
      () => nftMark(1.5),
      () => nftBytes(-1n),
    ]
    for (const attempt of refused) expect(attempt).toThrow(TypeError)
  })
})

describe('replaceTable', () => {
  it('holds whether the table existed or not', () => {
    expect(replaceTable('inet', 'guard', 'counter c {}')).toBe(
      'table inet guard\ndelete table inet guard\ntable inet guard {\ncounter c {}\n}\n',
    )
  })
})

describe('parseTable', () => {
  it('reads counters and quotas', () => {
    const table = parseTable(
      JSON.stringify({
        nftables: [
          { metainfo: { version: '1.0.6' } },
          { counter: { family: 'inet', name: 'down', table: 'guard', handle: 1, packets: 3, bytes: 4200 } },
          {
            quota: {
              family: 'inet',
              name: 'cap',
              table: 'guard',
              handle: 2,
              bytes: 50_000_000,
              used: 7,
              inv: true,
            },
          },
        ],
      }),
    )
    expect(table.counters.get('down')).toEqual({ packets: 3n, bytes: 4200n })
    expect(table.quotas.get('cap')).toEqual({ limitBytes: 50_000_000n, usedBytes: 7n })
    expect(table.objects).toHaveLength(2)
  })

  it('reads one table among others', () => {
    const counter = (table: string, family: string, bytes: number) => ({
      counter: { family, table, name: 'down', packets: 1, bytes },
    })
    const json = JSON.stringify({
      nftables: [
        { metainfo: { version: '1.0.6' } },
        { table: { family: 'inet', name: 'guard', handle: 1 } },
        ...[counter('guard', 'inet', 42), counter('guard', 'ip', 7), counter('other', 'inet', 8)],
      ],
    })
    const table = parseTable(json, { family: 'inet', table: 'guard' })
    expect(table.counters).toEqual(new Map([['down', { packets: 1n, bytes: 42n }]]))
    expect(table.objects).toHaveLength(2)
    expect(parseTable(json, { family: 'inet', table: 'none' }).objects).toEqual([])
  })

  it('fails loudly on other JSON', () => {
    expect(() => parseTable('{}')).toThrow(/list of objects/)
  })
})

describe('a ruleset', () => {
  it('has longer than other commands on a machine that is slow', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'pontage-nft-'))
    const [begun, goOn] = [join(folder, 'begun'), join(folder, 'go-on')]
    const slow = `#!/bin/sh\ntouch ${begun}; until [ -e ${goOn} ]; do sleep 0.1; done\n`
    writeFileSync(join(folder, 'nft'), slow, { mode: 0o755 })
    vi.stubEnv('PATH', `${folder}:${process.env.PATH}`)
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    onTestFinished(() => {
      vi.useRealTimers()
      vi.unstubAllEnvs()
      rmSync(folder, { recursive: true })
    })
    const applied = applyRuleset('table inet probe')
    for await (const _ of setInterval(20)) if (existsSync(begun)) break
    vi.advanceTimersByTime(60_000)
    writeFileSync(goOn, '')
    await applied
  })
})
