import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { address } from '@pontage/shared'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  type ConnectionRecord,
  forgetConnection,
  isFromEarlierBoot,
  isRunning,
  readConnection,
  thisNamespace,
  thisProcess,
  writeConnection,
} from './connectionFile.js'

let home = ''
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'pontage-connection-'))
})
afterEach(() => rm(home, { recursive: true, force: true }))

const record = (): ConnectionRecord => ({
  state: 'connected',
  process: thisProcess(),
  namespace: thisNamespace(),
  provider: address(`0x${'a1'.repeat(20)}`),
  channelId: `0x${'c1'.repeat(32)}`,
  session: '0f',
  interface: 'pont4k1zq9',
  table: 51_820,
  endpoint: { address: '203.0.113.1', tcpPort: 7_800 },
  gateway4: '10.86.0.1',
  gateway6: 'fd50::1',
  ipv6: true,
  srcValidMark: '0',
  allowLan: false,
})

describe('the record of a connection', () => {
  it('is there until it is forgotten', async () => {
    expect(await readConnection(home)).toBeUndefined()
    const written = record()
    await writeConnection(home, written)
    expect(await readConnection(home)).toEqual(written)
    await forgetConnection(home)
    expect(await readConnection(home)).toBeUndefined()
  })

  it('knows its process from a later one of the same number', () => {
    const own = record()
    expect(isRunning(own)).toBe(true)
    expect(isRunning({ ...own, process: { ...own.process, startedAt: '1' } })).toBe(false)
    const earlier = { ...own, process: { ...own.process, boot: 'another' } }
    expect(isRunning(earlier)).toBe(false)
    expect(isFromEarlierBoot(earlier)).toBe(true)
  })

  it('does not take a dead process for a running one', async () => {
    const child = spawn('true')
    const { pid } = child
    await once(child, 'exit')
    expect(isRunning({ ...record(), process: { ...thisProcess(), pid: pid ?? 0 } })).toBe(false)
  })

  it('says what to do when it is damaged', async () => {
    await writeFile(join(home, 'connection.json'), '{"state":')
    await expect(readConnection(home)).rejects.toThrow(/nft delete table/)
    await writeFile(join(home, 'connection.json'), '{"state":"connected"}')
    await expect(readConnection(home)).rejects.toThrow(/nft delete table/)
  })
})
