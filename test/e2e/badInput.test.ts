import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createMarket, type Host, type Market, programPath, seat } from '../world/index.js'

/** What a person gets who types something wrong: one sentence on standard error, and an exit code. */
async function refusal(host: Host, command: readonly string[], env: NodeJS.ProcessEnv = {}) {
  const program = host.start(command, { env })
  const { code } = await program.ended
  return { code, said: program.lines('stderr').join('\n'), printed: program.lines('stdout') }
}

let market: Market
let host: Host
const hub = programPath('pontage-hub')
const provider = programPath('pontage-provider')
const consumer = programPath('pontage')

beforeAll(async () => {
  market = await createMarket()
  host = await market.world.addHost('someone')
})
afterAll(() => market.destroy())

/** Flags that are right, but for what is given otherwise. */
const chainFlags = (wrong: { rpc?: string; deployment?: string; password?: string } = {}) => [
  ...[
    '--rpc',
    wrong.rpc ?? market.testChain.rpcUrl,
    '--deployment',
    wrong.deployment ?? market.deploymentFile,
  ],
  ...['--password-file', passwordFile(wrong.password ?? 'right')],
]
const passwordFile = (password: string): string => {
  const path = join(host.home, `password-${password}`)
  writeFileSync(path, password, { mode: 0o600 })
  return path
}

/** One sentence or two, nothing that only a programmer reads. */
function expectSentence(said: string, seen: RegExp): void {
  expect(said).toMatch(seen)
  expect(said).not.toMatch(/\n\s+at /)
  expect(said).toMatch(/[.]$/)
}

describe('whoever mistypes', () => {
  it.each([hub, provider, consumer])('an unknown flag is told so: %s', async (program) => {
    const { code, said, printed } = await refusal(host, [program, 'init', '--colour', 'red'])
    expect(code).toBe(2)
    expectSentence(said, /unknown argument.*colour/i)
    expect(printed).toEqual([])
  })

  it.each([hub, provider, consumer])('an unknown command is told so: %s', async (program) => {
    const { code, said } = await refusal(host, [program, 'fly'])
    expect(code).toBe(2)
    expectSentence(said, /fly|did you mean/i)
  })

  it.each([hub, provider, consumer])('no command at all is told what there is: %s', async (program) => {
    const { code, said } = await refusal(host, [program])
    expect(code).toBe(2)
    expectSentence(said, /command/i)
  })

  it('an amount without a unit is told what is expected', async () => {
    await seat(market, host, 'pontage').catch(() => undefined)
    const { code, said } = await refusal(host, [consumer, 'connect', '--cap', '500'])
    expect(code).not.toBe(0)
    expectSentence(said, /500.*MB/)
  })
})

describe('whoever points at the wrong chain', () => {
  const home = () => join(host.home, 'hub-home')
  const register = () => [hub, 'register', '--url', 'ws://203.0.113.9:7700', '--home', home()]
  beforeAll(async () => {
    const { code, said } = await refusal(host, [hub, 'init', '--home', home(), ...chainFlags()])
    expect(said).toBe('')
    expect(code).toBe(0)
  })

  it('learns that nobody answers there', async () => {
    const command = [...register(), ...chainFlags({ rpc: 'http://127.0.0.1:9' })]
    const { code, said } = await refusal(host, command)
    expect(code).toBe(1)
    expectSentence(said, /http:\/\/127\.0\.0\.1:9.*cannot be reached/)
  })

  it('learns which chain was expected and which answered', async () => {
    const file = join(host.home, 'other.json')
    writeFileSync(file, JSON.stringify({ ...market.deployment, chainId: 99 }))
    const { code, said } = await refusal(host, [...register(), ...chainFlags({ deployment: file })])
    expect(code).toBe(1)
    expectSentence(said, /chain 31337.*chain 99/)
  })

  it('learns that there are no such contracts', async () => {
    const file = join(host.home, 'empty.json')
    const nobody = `0x${'11'.repeat(20)}`
    writeFileSync(file, JSON.stringify({ ...market.deployment, channels: nobody }))
    const { code, said } = await refusal(host, [...register(), ...chainFlags({ deployment: file })])
    expect(code).toBe(1)
    expectSentence(said, new RegExp(`no channels contract at ${nobody}`))
  })

  it('learns that the password is wrong', async () => {
    const { code, said } = await refusal(host, [...register(), ...chainFlags({ password: 'wrong' })])
    expect(code).toBe(1)
    expectSentence(said, /password/i)
  })

  it('does not overwrite a keystore', async () => {
    const { code, said } = await refusal(host, [hub, 'init', '--home', home(), ...chainFlags()])
    expect(code).toBe(1)
    expectSentence(said, /already a keystore at .*keystore\.json/)
  })

  it('learns that an unregistered hub cannot run', async () => {
    const { code, said } = await refusal(host, [hub, 'run', '--home', home(), ...chainFlags()])
    expect(code).toBe(1)
    expectSentence(said, /not registered as a hub.*register first/)
  })
})

describe('a consumer', () => {
  it('learns that a hub is none', async () => {
    const home = join(host.home, 'consumer-home')
    await refusal(host, [consumer, 'init', '--home', home, ...chainFlags()])
    const nobody = `0x${'22'.repeat(20)}`
    const { code, said } = await refusal(host, [
      ...[consumer, 'channel', 'open', '--home', home, ...chainFlags()],
      ...['--hub', nobody, '--amount', '5'],
    ])
    expect(code).toBe(1)
    expectSentence(said, new RegExp(nobody))
  })

  it('learns that connecting needs root', async () => {
    const home = join(host.home, 'no-root')
    const asNobody = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups']
    await refusal(host, ['chmod', '0711', host.home, market.world.folder])
    await refusal(host, [consumer, 'init', '--home', home, ...chainFlags()])
    await refusal(host, ['chown', '-R', '65534:65534', home, passwordFile('right')])
    const { code, said } = await refusal(host, [
      ...asNobody,
      consumer,
      'connect',
      '--home',
      home,
      ...chainFlags(),
    ])
    expect(code).toBe(1)
    expectSentence(said, /root/)
  })
})
