import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { address } from '@pontage/shared'
import { UserError } from '@pontage/shared/node'
import { afterEach, beforeEach, expect, it } from 'vitest'
import {
  type ConnectionRecord,
  readConnection,
  thisNamespace,
  thisProcess,
  writeConnection,
} from '../home/connectionFile.js'
import { restoreMachine } from './restore.js'
import { readSrcValidMark } from './reversePath.js'

// Programs of the system's names write down how they were called: what is undone is this machine's own network.

const path = process.env.PATH
let folder = ''
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pontage-undo-'))
})
afterEach(async () => {
  process.env.PATH = path
  await rm(folder, { recursive: true, force: true })
})

async function standIn(name: string, code: number): Promise<void> {
  const file = join(folder, name)
  await writeFile(
    file,
    [
      '#!/bin/sh',
      `echo "${name} $*" >>"${folder}/calls"`,
      `cat >>"${folder}/calls"`,
      `[ ${code} = 0 ] || { echo "not permitted" >&2; exit ${code}; }`,
      // A table that is listed has nothing in it.
      `case "$*" in "-j list table "*) echo '{"nftables":[]}' ;; esac`,
      '',
    ].join('\n'),
  )
  await chmod(file, 0o755)
  process.env.PATH = `${folder}:${path}`
}

const record = (): ConnectionRecord => ({
  ...{ state: 'connected', process: thisProcess(), namespace: thisNamespace(), session: '0f' },
  ...{ provider: address(`0x${'a1'.repeat(20)}`), channelId: `0x${'c1'.repeat(32)}` },
  ...{ interface: 'pontundo', table: 51_820, endpoint: { address: '203.0.113.1', tcpPort: 7_800 } },
  ...{ gateway4: '10.86.0.1', gateway6: 'fd50::1', ipv6: true, srcValidMark: readSrcValidMark() },
  ...{ allowLan: false, dns: { way: 'resolvectl' } },
})

it('tries every step of undoing, opens the network whatever failed, and says what is left', async () => {
  await standIn('ip', 1)
  await standIn('resolvectl', 0)
  await standIn('nft', 0)
  await writeConnection(folder, record())
  const failed = await restoreMachine(folder, record()).catch((error: unknown) => error)
  expect(failed).toBeInstanceOf(UserError)
  expect((failed as Error).message).toMatch(
    /^Not everything could be undone\. The network is open; left are: routes \(.*\), by hand: ip rule .*; the tunnel .*unlock --yes"\.$/s,
  )
  const calls = await readFile(join(folder, 'calls'), 'utf8')
  expect(calls).toContain('resolvectl revert pontundo')
  expect(calls).toContain('delete table inet pontage_consumer')
  expect(await readConnection(folder)).toBeDefined()
})

it('forgets the connection once everything is undone', async () => {
  for (const name of ['ip', 'resolvectl', 'nft']) await standIn(name, 0)
  await writeConnection(folder, record())
  await restoreMachine(folder, record())
  expect(await readConnection(folder)).toBeUndefined()
  expect(await readFile(join(folder, 'calls'), 'utf8')).toContain('delete table inet pontage_bypass')
})

it('opens the network where only the record of it cannot be removed, and says so', async () => {
  for (const name of ['ip', 'resolvectl', 'nft']) await standIn(name, 0)
  // Whoever is root can remove any file, but of a disk that is read-only.
  await mkdir(join(folder, 'connection.json'))
  await expect(restoreMachine(folder, record())).rejects.toThrow(
    /^Not everything could be undone\. The network is open; left are: the record of it \(.*\), by hand: rm .*connection\.json\. Mend that and run/,
  )
})
