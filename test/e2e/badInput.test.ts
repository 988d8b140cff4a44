import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
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
    expectSentence(said, /--colour is not known to/)
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

describe('whoever misspells a setting', () => {
  const home = () => join(host.home, 'settings-home')
  const configured = async (line: string, env: NodeJS.ProcessEnv = {}) => {
    mkdirSync(home(), { recursive: true })
    writeFileSync(join(home(), 'config.yaml'), `# mine\n${line}\n`)
    return refusal(host, [consumer, 'providers', '--home', home()], env)
  }

  it.each([
    [
      'a key',
      'max-prize: 0.02/GB',
      /config\.yaml, line 2: there is no setting "max-prize"\. Did you mean max-price\?/,
    ],
    ['a yes', 'allow-lan: jein', /config\.yaml, line 2: allow-lan is "jein": expected yes or no\./],
    ['a number', 'patience: long', /config\.yaml, line 2: patience is "long": expected a number\./],
    ['a value that is left out', 'max-price:', /line 2: max-price has no value\./],
    ['a list', 'patience: [1, 2]', /line 2: patience takes one value, but there is a list\./],
    ['a quote', 'hub: "0x', /config\.yaml, line 3: Missing closing/],
    ['the same twice', 'cap: 1GB\ncap: 2GB', /config\.yaml, line 3: Map keys must be unique\./],
    [
      'a limit',
      'confirmations: 1.5',
      /--confirmations is 1\.5.*confirmations is set in .*config\.yaml, line 2\./,
    ],
  ])('in a file is told the line: %s', async (_what, line, seen) => {
    const { code, said } = await configured(line)
    expect(code).toBe(1)
    expectSentence(said, seen)
  })

  it('in the environment is told the variable', async () => {
    for (const [variable, seen] of [
      [
        'PONTAGE_CONSUMER_MAX_PRIZE',
        /MAX_PRIZE names no setting\. Did you mean PONTAGE_CONSUMER_MAX_PRICE\?/,
      ],
      ['PONTAGE_MAX_PRICE', /PONTAGE_MAX_PRICE is not read\. Did you mean PONTAGE_CONSUMER_MAX_PRICE\?/],
    ] as const) {
      const { code, said } = await configured('', { [variable]: '0.02/GB' })
      expect(code).toBe(1)
      expectSentence(said, seen)
    }
  })

  it('on the command line is told the flag that was meant, or that it was given twice', async () => {
    const flags = ['--max-prize', '0.02/GB']
    const misspelt = await refusal(host, [consumer, 'connect', '--home', home(), ...flags])
    expectSentence(
      misspelt.said,
      /--max-prize is not known to "pontage connect"\. Did you mean --max-price\?/,
    )
    const twice = ['--country', 'DE', '--country', 'FR']
    const repeated = await refusal(host, [consumer, 'connect', '--home', home(), ...twice])
    expectSentence(repeated.said, /--country was given more than once: DE, FR\. Give it once\./)
    expect([misspelt.code, repeated.code]).toEqual([2, 2])
  })

  it('can still open the network again', async () => {
    await configured('max-prize: 0.02/GB')
    const { code, said } = await refusal(host, [consumer, 'disconnect', '--home', home()])
    expectSentence(said.split('\n')[0] ?? '', /Did you mean max-price\?.* It is passed over now\./)
    expect(code).toBe(0)
  })
})

describe('whoever has the password in a file', () => {
  const home = () => join(host.home, 'password-home')
  const opened = (content: string | Buffer, mode = 0o600) => {
    const path = join(host.home, 'strange-password')
    rmSync(path, { force: true })
    writeFileSync(path, content, { mode })
    const flags = ['--rpc', market.testChain.rpcUrl, '--deployment', market.deploymentFile]
    const register = [hub, 'register', '--url', 'ws://203.0.113.9:7700', '--home', home()]
    return refusal(host, [...register, ...flags, '--password-file', path])
  }
  beforeAll(async () => {
    const { code } = await refusal(host, [hub, 'init', '--home', home(), ...chainFlags()])
    expect(code).toBe(0)
  })

  it.each([
    ['that is empty', '', /password file .*strange-password is empty\./],
    ['with a byte order mark', '\uFEFFright', /begins with a byte order mark/],
    ['in UTF-16', Buffer.from('\uFEFFright', 'utf16le'), /is not text in UTF-8\./],
    ['with several lines', 'right\nwrong\n', /has several lines\./],
  ])('%s is told so', async (_what, content, seen) => {
    const { code, said } = await opened(content)
    expect(code).toBe(1)
    expectSentence(said, seen)
  })

  it('with a line end of Windows needs to do nothing, and is told that others can read it', async () => {
    const { said } = await opened('right\r\n', 0o644)
    expect(said).toMatch(/^Other users can access the password file .*strange-password\. Run: chmod 600 /)
    expect(said).not.toMatch(/password does not open/)
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

  it('sees nothing of a node’s address that others must not see', async () => {
    const rpc = 'http://somebody:sesame@127.0.0.1:9/v3/0123456789abcdef'
    const { code, said } = await refusal(host, [...register(), ...chainFlags({ rpc })])
    expect(code).toBe(1)
    expectSentence(said, /The chain at http:\/\/127\.0\.0\.1:9\/… cannot be reached/)
    expect(said).not.toMatch(/somebody|sesame|0123456789abcdef/)
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

describe('a provider that is not set up', () => {
  const at = () => ['--home', join(host.home, 'provider-home'), ...chainFlags()]
  beforeAll(async () => {
    expect((await refusal(host, [provider, 'init', ...at()])).code).toBe(0)
  })

  it('learns at once all that serving needs', async () => {
    const { code, said } = await refusal(host, [provider, 'run', '--country', 'DE', ...at()])
    expect(code).toBe(1)
    expectSentence(
      said,
      /Missing are --hub ADDRESS \(.*\), --endpoint HOST:PORT \(.*\), --price 0\.05\/GB \(.*setup"/,
    )
  })

  it('has its own word for a country quoted', async () => {
    const flags = ['--country', 'Germany', '--hub', `0x${'22'.repeat(20)}`]
    const more = ['--endpoint', '203.0.113.9:7711', '--price', '0.05/GB']
    const { code, said } = await refusal(host, [provider, 'run', ...flags, ...more, ...at()])
    expect(code).toBe(1)
    expectSentence(said, /"Germany" is not a two-letter country code, such as DE\./)
  })

  it('learns that it has nothing to retire', async () => {
    const { code, said } = await refusal(host, [provider, 'retire', '--yes', ...at()])
    expect(code).toBe(1)
    expectSentence(said, /never registered on this chain: there is nothing to retire/)
  })
})

it('whoever has chosen no network is told so, and nothing of addresses that they never gave', async () => {
  for (const program of [hub, provider, consumer]) {
    const home = join(host.home, `no-network-${program.split('/').at(-1)}`)
    await refusal(host, [program, 'init', '--home', home, '--password-file', passwordFile('right')])
    const asked = program === consumer ? 'providers' : 'register'
    const flags = program === hub ? ['--url', 'ws://203.0.113.9:7700'] : []
    const { code, said } = await refusal(host, [program, asked, ...flags, '--home', home])
    expect(code).toBe(1)
    expectSentence(said, /No network is chosen/)
    expect(said).not.toMatch(/8545/)
  }
})

it('whoever leaves sudo out after commands with it is told whose the files are, and not that something runs', async () => {
  const asNobody = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups']
  await refusal(host, ['chmod', '0711', host.home, market.world.folder])
  for (const [program, files, asked] of [
    [provider, ['provider.sqlite', 'provider.lock'], ['status', 'earnings', 'down', 'doctor']],
    [hub, ['ledger.sqlite', 'hub.lock'], ['ledger export copy', 'channels', 'status']],
  ] as const) {
    const home = join(host.home, `sudo-${program.split('/').at(-1)}`)
    await refusal(host, [program, 'init', '--home', home, ...chainFlags()])
    await refusal(host, ['chown', '-R', '65534:65534', home, passwordFile('right')])
    // As commands with sudo leave them.
    for (const file of files) writeFileSync(join(home, file), '', { mode: 0o600 })
    for (const words of asked) {
      const { code, said } = await refusal(host, [...asNobody, program, ...words.split(' '), '--home', home])
      expect(code).toBe(1)
      expect(said).toMatch(/belongs to another user, such as root.* Use sudo/)
      expect(said).not.toMatch(/\n\s+at |is running on/)
    }
  }
})
