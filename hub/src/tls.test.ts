import { copyFile, mkdir, stat } from 'node:fs/promises'
import { type AddressInfo, connect } from 'node:net'
import { join } from 'node:path'
import { createServer as createTlsServer } from 'node:tls'
import { systemClock } from '@pontage/shared'
import { connectLink, createLog, type Identity, ownCertificate, pinnedUrl } from '@pontage/shared/node'
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import { eventually } from './app/world.fixture.js'
import { startPostgres } from './postgres.fixture.js'
import { type ProgramWorld, startProgramWorld } from './program.fixture.js'

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

  // Registering was told how it serves: nothing has to be said twice.
  const { port, lines } = await programs.start()
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

it('does not serve without the certificate that its address on chain names', async () => {
  const { home, run } = programs
  const { code, stderr } = await run('run', '--home', home, '--no-tls', '--port', '0')
  expect(code).toBe(1)
  expect(stderr).toContain('names a certificate, but this hub would serve without one')
})

/** A certificate and its key in a folder of the world's, as others make them. */
async function newCertificate(name: string) {
  const folder = join(programs.world.folder, name)
  await mkdir(folder, { recursive: true })
  const made = await ownCertificate(folder)
  return { ...made, files: [join(folder, 'certificate.pem'), join(folder, 'certificate.key')] as const }
}

interface Finding {
  readonly check: string
  readonly ok: boolean
  readonly says: string
}
const finding = async (check: string, ...flags: string[]): Promise<Finding | undefined> => {
  const { stdout } = await programs.run('doctor', '--json', '--home', programs.home, ...flags)
  return (JSON.parse(stdout).checks as Finding[]).find((each) => each.check === check)
}

it('publishes a given certificate, and takes up a renewed one without a restart', async () => {
  const { world, hub } = programs
  const [first, second] = [await newCertificate('first'), await newCertificate('second')]
  const [certificate, key] = [join(world.folder, 'served.pem'), join(world.folder, 'served.key')]
  const put = async ([from, keyFrom]: readonly [string, string]) => {
    await copyFile(keyFrom, key)
    await copyFile(from, certificate)
  }
  await put(first.files)
  const given = ['--tls-certificate', certificate, '--tls-key', key]
  await programs.json(
    ...['register', '--stake', '0', '--tls-certificate', certificate, '--url', 'wss://127.0.0.1:7700'],
  )
  const published = (await world.chain.registry.standingOf(hub)).url
  expect(published).toBe(pinnedUrl('wss://127.0.0.1:7700', first.fingerprint))

  const { port, lines } = await programs.start(...given)
  const standing = await dial(pinnedUrl(`wss://127.0.0.1:${port}`, first.fingerprint))
  if (!standing.ok) throw new Error(JSON.stringify(standing.refusal))
  await put(second.files)
  await eventually(async () => {
    const next = await dial(pinnedUrl(`wss://127.0.0.1:${port}`, second.fingerprint))
    if (next.ok) next.link.close()
    return next.ok
  })
  expect(await standing.link.request('describe', {})).toMatchObject({
    ok: true,
    value: { certificate: second.fingerprint },
  })
  standing.link.close()
  expect(lines.some((line) => line.includes('"certificate renewed"'))).toBe(true)
  await eventually(async () => lines.some((line) => line.includes('"certificate is not the published one"')))
  // The doctor compares what is to be presented with what the address on chain names.
  const says = await finding('published', ...given, '--host', '127.0.0.1', '--port', `${port}`)
  expect(says).toMatchObject({
    ok: false,
    says: expect.stringContaining(`the hub presents ${second.fingerprint}`),
  })
})

it('works behind a proxy that adds TLS, whose certificate it is told', async () => {
  const proxied = await newCertificate('proxy')
  let hubPort = 0
  const proxy = createTlsServer({ cert: proxied.certificate, key: proxied.key }, (near) => {
    const far = connect(hubPort, '127.0.0.1')
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      one.on('error', () => other.destroy())
      one.pipe(other)
    }
  })
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve))
  const url = pinnedUrl(`wss://127.0.0.1:${(proxy.address() as AddressInfo).port}`, proxied.fingerprint)
  try {
    await programs.json('register', '--stake', '0', '--no-tls', '--url', url.replace(/#.*/, ''))
    ;({ port: hubPort } = await programs.start())
    expect(await dial(url)).toMatchObject({ ok: false })
    await programs.stopAll()
    ;({ port: hubPort } = await programs.start('--proxy-certificate', proxied.files[0]))
    const dialled = await dial(url)
    if (!dialled.ok) throw new Error(JSON.stringify(dialled.refusal))
    expect(await dialled.link.request('describe', {})).toMatchObject({
      ok: true,
      value: { certificate: proxied.fingerprint },
    })
    dialled.link.close()
    const published = [
      '--stake',
      '0',
      '--proxy-certificate',
      proxied.files[0],
      '--url',
      url.replace(/#.*/, ''),
    ]
    await programs.json('register', ...published)
    expect(await finding('published', '--proxy-certificate', proxied.files[0])).toMatchObject({
      ok: true,
      says: expect.stringContaining('presents it'),
    })
    // Another certificate in front is noticed from the outside.
    proxy.setSecureContext({
      ...(await newCertificate('other')),
      cert: (await newCertificate('other')).certificate,
    })
    expect(await finding('published', '--proxy-certificate', proxied.files[0])).toMatchObject({ ok: false })
  } finally {
    proxy.close()
  }
})

it('is found by the doctor on its own port where the ledger is a database, and another program is not taken for it', async () => {
  const server = await startPostgres()
  try {
    const database = ['--database', await server.database()]
    const { port } = await programs.start(...database)
    const at = ['--host', '127.0.0.1', '--port', `${port}`, ...database]
    expect(await finding('port', ...at)).toEqual({
      ...{ check: 'port', ok: true },
      says: `the hub answers on 127.0.0.1:${port} and is ready`,
    })
    await programs.stopAll()
    expect(await finding('port', ...at)).toMatchObject({ ok: true, says: expect.stringContaining('is free') })
    const other = createTlsServer(() => undefined)
    await new Promise<void>((resolve) => other.listen(port, '127.0.0.1', resolve))
    expect(await finding('port', ...at)).toMatchObject({
      ok: false,
      says: expect.stringContaining('another program has it'),
    })
    other.close()
  } finally {
    await programs.stopAll()
    await server.stop()
  }
})
