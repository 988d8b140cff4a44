import { type ExecFileException, execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeEach, describe, expect, it } from 'vitest'

// The programs as built, with files as people write them.

const root = fileURLToPath(new URL('..', import.meta.url))
const folders: string[] = []
let home = ''
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'pontage-settings-'))
  folders.push(home)
})
afterAll(() => Promise.all(folders.map((folder) => rm(folder, { recursive: true }))))

const write = (...lines: string[]) => writeFile(join(home, 'config.yaml'), `${lines.join('\n')}\n`)

function run(program: string, args: string[], variables: Record<string, string> = {}, cwd = root) {
  const env = { PATH: process.env.PATH, HOME: home, ...variables }
  const file = join(root, 'node_modules', '.bin', program)
  return new Promise<{ code: number; stdout: string; stderr: string }>((resolve) =>
    execFile(
      file,
      [...args, '--home', home],
      { env, cwd },
      (error: ExecFileException | null, stdout, stderr) =>
        resolve({ code: error ? Number(error.code) : 0, stdout, stderr }),
    ),
  )
}

/** What `config` says of one setting. */
async function holding(program: string, setting: string, args: string[] = [], variables = {}) {
  const { stdout, stderr } = await run(program, ['config', '--json', ...args], variables)
  expect(stderr).toBe('')
  const { settings } = JSON.parse(stdout) as { settings: { setting: string }[] }
  return settings.filter((each) => each.setting === setting)
}

const programs = [
  ['pontage', 'PONTAGE_CONSUMER'],
  ['pontage-provider', 'PONTAGE_PROVIDER'],
  ['pontage-hub', 'PONTAGE_HUB'],
] as const

describe.each(programs)('%s', (program, prefix) => {
  it('refuses a misspelt setting of a file, names its line, and suggests the one meant', async () => {
    await write('# mine', 'confirmations: 3', 'max-gas-prize: 20')
    const { code, stderr, stdout } = await run(program, ['config'])
    expect(stderr).toBe(
      `${program}: ${home}/config.yaml, line 3: there is no setting "max-gas-prize". Did you mean max-gas-price? Correct the line, or delete it.\n`,
    )
    expect([code, stdout]).toEqual([1, ''])
  })

  it('refuses a misspelt variable, and one without the name of the program', async () => {
    const misspelt = await run(program, ['config'], { [`${prefix}_CONFIRMATION`]: '1' })
    expect(misspelt.stderr).toContain(`variable ${prefix}_CONFIRMATION names no setting`)
    expect(misspelt.stderr).toContain(`Did you mean ${prefix}_CONFIRMATIONS?`)
    const short = await run(program, ['config'], { PONTAGE_MAX_GAS_PRICE: '1' })
    expect(short.stderr).toContain(`Did you mean ${prefix}_MAX_GAS_PRICE?`)
    expect([misspelt.code, short.code]).toEqual([1, 1])
  })

  it('shows what holds and where it came from, and no secret of an address', async () => {
    await write(
      'confirmations: 3',
      'max-gas-price: 20',
      'rpc: https://user:password@rpc.example.org:8545/v3/verysecret?key=hidden',
    )
    const variables = { [`${prefix}_CONFIRMATIONS`]: '4', [`${prefix}_MAX_GAS_PRICE`]: '30' }
    const { stdout } = await run(program, ['config', '--confirmations', '5'], variables)
    expect(stdout).toMatch(/^confirmations +5 +--confirmations$/m)
    expect(stdout).toMatch(new RegExp(`^max-gas-price +30 +${prefix}_MAX_GAS_PRICE$`, 'm'))
    expect(stdout).toMatch(/^rpc +https:\/\/rpc\.example\.org:8545\/… +\/\S+\/config\.yaml, line 3$/m)
    expect(stdout).toMatch(/^deployment +- +default$/m)
  })
})

describe('pontage', () => {
  const [program] = programs[0]

  it('leaves the variables of the other programs, and of others, alone', async () => {
    const others = Object.fromEntries(
      programs.filter(([name]) => name !== program).map(([, other]) => [`${other}_XYZ`, '1']),
    )
    expect((await run(program, ['config'], { ...others, PONTAGE_NODE: '24', XYZ: '1' })).stderr).toBe('')
  })

  it.each([
    ['a number', 'confirmations: three', 'line 1: confirmations is "three": expected a number.'],
    [
      'one of a few words',
      'log-level: loud',
      'line 1: log-level is "loud": expected one of error, warn, info, debug.',
    ],
    ['a value', 'confirmations:', 'line 1: confirmations has no value. Give it one, or delete the line.'],
    ['one value', 'confirmations: [1, 2]', 'line 1: confirmations takes one value, but there is a list.'],
    ['one of each', 'confirmations: 1\nconfirmations: 2', 'line 2: Map keys must be unique.'],
    ['settings', '- confirmations', 'line 1: expected lines of the form "setting: value".'],
    ['text', 'rpc: {a: 1}', 'line 1: rpc is neither a value nor a list of values.'],
    ['no home', 'home: /elsewhere', 'line 1: home says where this file lies, so it cannot stand in it.'],
  ])('refuses what is not %s, and says where it stands', async (_name, text, words) => {
    await write(text)
    const { code, stderr } = await run(program, ['config'])
    expect(stderr).toContain(`${program}: ${home}/config.yaml, ${words}`)
    expect([code, stderr.split('\n').length]).toEqual([1, 2])
  })

  it('refuses a flag given twice that takes one value', async () => {
    const { code, stderr } = await run(program, ['config', '--deployment', 'a', '--deployment', 'b'])
    expect(stderr).toContain('--deployment was given more than once: a, b. Give it once.')
    expect(code).toBe(2)
  })

  it('suggests the flag that was meant', async () => {
    const { code, stderr } = await run(program, ['config', '--confirmation', '3'])
    expect(stderr).toContain('Did you mean --confirmations?')
    expect(code).toBe(2)
  })
})

it('takes the value of one flag for no other flag', async () => {
  await write('hub: "0x00000000000000000000000000000000000000aa"')
  const { stderr } = await run('pontage-provider', ['earnings', '--by', 'hub'])
  expect(stderr).not.toContain('is not known')
})

describe('yes and no', () => {
  it.each(['yes', 'on', '1', 'True', 'off', 'no'])('%s is read as it is meant', async (text) => {
    const value = `${!['off', 'no'].includes(text)}`
    await write(`allow-lan: ${text}`, 'yes: false')
    const variables = { PONTAGE_CONSUMER_YES: text }
    const { stdout } = await run('pontage', ['config'], variables)
    expect(stdout).toMatch(new RegExp(`^allow-lan +${value} .*line 1$`, 'm'))
    expect(stdout).toMatch(new RegExp(`^yes +${value} +PONTAGE_CONSUMER_YES$`, 'm'))
    expect(await holding('pontage', 'yes', [`--yes=${text}`])).toMatchObject([{ value, from: 'flag' }])
  })

  it('are told from anything else', async () => {
    const words = 'allow-lan is "maybe": expected yes or no.'
    const flag = await run('pontage', ['config', '--allow-lan=maybe'])
    expect(flag.stderr).toContain(`--${words}`)
    const variable = await run('pontage', ['config'], { PONTAGE_CONSUMER_ALLOW_LAN: 'maybe' })
    expect(variable.stderr).toContain(`PONTAGE_CONSUMER_ALLOW_LAN: ${words}`)
    await write('allow-lan: maybe')
    expect((await run('pontage', ['config'])).stderr).toContain(`line 1: ${words}`)
  })
})

it('reads addresses and amounts as they are written', async () => {
  const address = '0x00000000000000000000000000000000000000aa'
  await write(`hub: ${address}`, `allow:`, `  - ${address}`, 'min-stake: 0.10', 'exposure: 010')
  const variables = { PONTAGE_PROVIDER_DENY: `${address},${address}` }
  const { stdout } = await run('pontage-provider', ['config'], variables)
  for (const [setting, value] of [
    ['hub', address],
    ['allow', address],
    ['deny', `${address}, ${address}`],
    ['min-stake', '0.10'],
    ['exposure', '010'],
  ])
    expect(stdout).toMatch(new RegExp(`^${setting} +${value} +\\S`, 'm'))
})

describe('a network', () => {
  const address = (digit: string) => `0x${digit.repeat(40)}`
  const contracts = {
    ...{ chainId: 31337, token: address('1'), registry: address('2'), channels: address('3') },
    ...{ marketplace: address('4'), fromBlock: 1 },
  }
  const describeNetwork = async (
    text = JSON.stringify({ ...contracts, rpc: ['http://127.0.0.1:1'], hubs: [address('5')] }),
  ) => {
    const path = join(home, 'mine.json')
    await writeFile(path, text)
    return path
  }

  it('gives its node, contracts and hubs where no others are given, and says so', async () => {
    const network = await describeNetwork()
    await write(`network: ${network}`, 'confirmations: 1')
    const of = async (setting: string, ...args: string[]) =>
      (await holding('pontage-provider', setting, args))[0]
    expect(await of('rpc')).toMatchObject({ value: 'http://127.0.0.1:1', from: 'network', place: network })
    expect(await of('deployment')).toMatchObject({ value: network, from: 'network' })
    expect(await of('hub')).toMatchObject({ value: address('5'), from: 'network' })
    expect(await of('rpc', '--rpc', 'http://127.0.0.1:2')).toMatchObject({ from: 'flag' })
    expect(await holding('pontage', 'rpc', ['--network', network])).toMatchObject([{ from: 'network' }])
  })

  it('is written down by init with its whole path, as are other files, and nothing of what it says', async () => {
    await describeNetwork()
    await writeFile(join(home, 'word'), 'secret', { mode: 0o600 })
    const words = ['init', '--network', './mine.json', '--password-file', 'word', '--json']
    const { code, stderr } = await run('pontage-provider', words, {}, home)
    expect([code, stderr]).toEqual([0, ''])
    const text = await readFile(join(home, 'config.yaml'), 'utf8')
    expect(text.split('\n').filter((line) => /^[a-z]/.test(line))).toEqual([
      `network: "${home}/mine.json"`,
      `password-file: "${home}/word"`,
    ])
    expect(text).toContain('# rpc: ["http://127.0.0.1:1"]')
  })

  it('that is not known, or damaged, is refused, and keeps nobody from undoing', async () => {
    const { code, stderr } = await run('pontage', ['account', '--network', 'nowhere'])
    expect(stderr).toMatch(
      /^pontage: There is no network "nowhere"\. .*Give --network (its|one of these names, or a) file, such as \.\/nowhere\.json\.\n$/,
    )
    expect(code).toBe(1)
    const damaged = await describeNetwork(JSON.stringify({ ...contracts, token: undefined }))
    const refused = await run('pontage', ['account', '--network', damaged])
    expect(refused.stderr).toContain(
      `${damaged} does not describe a network ("token"): expected JSON with chainId`,
    )
    expect((await run('pontage', ['status', '--network', 'nowhere'])).stdout).toContain('Not connected')
  })
})

it('holds all limits of a consumer together, and shows each', async () => {
  await write('max-price: 0.02/GB', 'budget: [1, 5/month]')
  const prices = await holding('pontage', 'max-price', ['--max-price', '1/GB'], {
    PONTAGE_CONSUMER_MAX_PRICE: '0.05/h',
  })
  expect(prices).toMatchObject([{ value: '1/GB' }, { value: '0.05/h' }, { value: '0.02/GB' }])
  expect(await holding('pontage', 'budget')).toMatchObject([{ value: '1, 5/month' }])
})

it('names the place of a value that a command refuses later', async () => {
  await write('rpc: http://127.0.0.1:1', 'confirmations: 1.5')
  const { stderr } = await run('pontage-hub', ['register', '--url', 'ws://127.0.0.1:1'])
  expect(stderr).toContain(`--confirmations is 1.5: expected a whole number of at least 0.`)
  expect(stderr).toContain(`confirmations is set in ${home}/config.yaml, line 2.`)
})

it('does not keep a misspelt setting in the way of undoing, and of help', async () => {
  await write('max-prize: 0.02/GB', 'allow-lan: perhaps')
  const status = await run('pontage', ['status'])
  expect(status.stderr).toContain(
    'Did you mean max-price? Correct the line, or delete it. It is passed over now.',
  )
  expect(status.stderr).toContain('allow-lan is "perhaps": expected yes or no. It is passed over now.')
  expect(status.stdout).toContain('Not connected')
  expect(await run('pontage', ['connect', '--help'])).toMatchObject({ code: 0, stderr: '' })
  expect((await run('pontage', ['connect'])).stderr).toContain('Did you mean max-price?')
})
