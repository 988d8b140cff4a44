import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { systemClock } from '@pontage/shared'
import { connectLink, createLog, type Identity, pinnedUrl } from '@pontage/shared/node'
import { afterAll, afterEach, beforeAll, expect, it, vi } from 'vitest'
import { type ProgramWorld, startProgramWorld } from './program.fixture.js'

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 })

let programs: ProgramWorld
let provider: Identity
beforeAll(async () => {
  programs = await startProgramWorld()
  provider = await programs.world.person('provider', {})
  await programs.world.fund(programs.hub, { tokens: '1000', coin: '1' })
})
afterEach(() => programs.stopAll())
afterAll(() => programs.close())

const dial = (url: string) =>
  connectLink({
    ...{ url, expectPeer: programs.hub, handlers: {}, log: createLog('test', 'error') },
    self: { identity: provider, typedData: programs.world.typedData, clock: systemClock },
  })

it('serves with a certificate of its own, whose fingerprint stands on chain, and nobody takes another for it', async () => {
  const { home, hub, world } = programs
  await programs.json('register', '--tls', '--url', 'wss://127.0.0.1:7700')
  const published = (await world.chain.registry.standingOf(hub)).url
  expect(published).toMatch(/^wss:\/\/127\.0\.0\.1:7700#sha256=[0-9a-f]{64}$/)
  expect((await stat(join(home, 'certificate.key'))).mode & 0o777).toBe(0o600)

  const { port, lines } = await programs.start('--tls')
  const certificate = `0x${published.slice(-64)}` as const
  expect(JSON.parse(lines.at(-1) ?? '')).toMatchObject({ message: 'listening', certificate })
  const dialled = await dial(published.replace(':7700', `:${port}`))
  if (!dialled.ok) throw new Error(JSON.stringify(dialled.refusal))
  expect(await dialled.link.request('describe', {})).toMatchObject({ ok: true, value: { certificate } })
  dialled.link.close()

  const other = pinnedUrl(`wss://127.0.0.1:${port}`, `0x${'ab'.repeat(32)}`)
  expect(await dial(other)).toMatchObject({ refusal: { code: 'wrong-certificate', seen: certificate } })
  expect(await dial(`wss://127.0.0.1:${port}#sha1=ab`)).toMatchObject({ refusal: { code: 'unreachable' } })
})

it('serves with a given certificate, and explains flags that contradict each other', async () => {
  const { home, run } = programs
  const given = [
    '--tls-certificate',
    join(home, 'certificate.pem'),
    '--tls-key',
    join(home, 'certificate.key'),
  ]
  const { port } = await programs.start(...given)
  const dialled = await dial(`wss://127.0.0.1:${port}`)
  expect(dialled.ok).toBe(true)
  if (dialled.ok) dialled.link.close()
  expect((await run('run', '--home', home, '--tls', ...given)).stderr).toContain('Use one of the two.')
  expect((await run('register', '--home', home, '--tls', '--url', 'ws://x:1')).stderr).toContain('Write wss.')
})
