import { chmodSync } from 'node:fs'
import { connect } from 'node:net'
import { dirname } from 'node:path'
import { runCommand } from '@pontage/shared/node'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  createMarket,
  eventually,
  logged,
  type Market,
  openHub,
  openProvider,
  type Person,
  type Program,
  programPath,
  seatConsumer,
} from '../world/index.js'

// Members of a group connect and disconnect through a service that has root's rights; nobody else does.

/** The number of a group that every system has, called users. */
const group = '100'
const socket = '/run/pontage/control.sock'
let market: Market
let owner: Person
let service: Program
let provider: Person
let hub: Person

const startService = async () => {
  service = owner.start(['run', '--cap', '100MB', '--control-group', group])
  await service.line(/"listening"/)
}

/** Words that run a command as a user without rights, in these groups. */
const as = (groups: string) => [
  ...['setpriv', '--reuid', '4321', '--regid', '4321'],
  ...(groups === '' ? ['--clear-groups'] : ['--groups', groups]),
  ...['--bounding-set', '-all', '--inh-caps', '-all', '--', programPath('pontage')],
]
const member = async (...words: readonly string[]) =>
  owner.host.start([...as(group), ...words], { env: { HOME: '/tmp' } }).succeeded({ timeoutMs: 90_000 })
/** What a command that fails says. */
const refused = async (groups: string, ...words: readonly string[]) => {
  const program = owner.host.start([...as(groups), ...words], { env: { HOME: '/tmp' } })
  expect((await program.ended).code).toBe(1)
  return program.output()
}

/** What comes back for raw text at the socket. */
const rawAnswer = (text: string): Promise<string> =>
  new Promise((resolve) => {
    let answer = ''
    const client = connect(socket, () => client.write(text))
    client.on('data', (chunk) => {
      answer += chunk
    })
    client.on('error', () => undefined)
    client.on('close', () => resolve(answer))
  })

const page = async () =>
  (await owner.host.run(['curl', '-sS', '--max-time', '10', market.internet.addressUrl])).stdout.trim()
/** Whoever is seen by the internet, through a tunnel that still works; nobody, where nothing leaves. */
const outside = () => page().catch(() => 'nobody')
const state = async () => JSON.parse(await member('status', '--json')).state

beforeAll(async () => {
  market = await createMarket()
  hub = await openHub(market, 'hub', { pool: '100', drawAbove: '1000' })
  const offer = { price: '0.05/GB', country: 'DE', hubs: [hub.address], beneficiary: market.deployer }
  provider = await openProvider(market, 'provider', offer)
  owner = await seatConsumer(market, 'owner', '10')
  await owner.run('channel', 'open', '--hub', hub.address, '--amount', '5')
  await owner.host.run(['mkdir', '-p', '/run/pontage'])
  await startService()
}, 240_000)
afterAll(async () => {
  await market?.destroy()
}, 60_000)

describe('a member of the group', () => {
  it('connects, sees where it stands and disconnects, without root’s rights', async () => {
    expect(await state()).toBe('disconnected')
    expect(await member('connect', 'DE')).toMatch(/^Connected to 0x\w+ through pont\w+, by the service\.$/m)
    expect(await page()).toContain(provider.host.address)
    expect(await state()).toBe('connected')
    expect(await refused(group, 'connect')).toMatch(/There is a connection already/)
    expect(await member('disconnect')).toMatch(/network is back to normal/)
    expect(await page()).toContain(owner.host.address)
    expect(await state()).toBe('disconnected')
  })

  it('is told what to do instead of a tunnel for one program, by whoever it may be', async () => {
    const exec = ['exec', '--', 'curl', '-sS', market.internet.addressUrl]
    const asRoot = () => owner.host.start([programPath('pontage'), ...exec], { env: { HOME: '/tmp' } })
    expect(await refused(group, ...exec)).toMatch(
      /paid from a key of your own, and there is none in \/tmp\/.pontage\/consumer: "pontage setup" makes one\. Or .*"pontage connect"/,
    )
    expect(await refused('', ...exec)).toMatch(/paid from a key of your own/)
    await member('connect')
    const asItIs = /has this whole machine in the tunnel.*start this one as it is/
    expect(await refused(group, ...exec)).toMatch(asItIs)
    const root = asRoot()
    expect((await root.ended).code).toBe(1)
    expect(root.output()).toMatch(asItIs)
    expect(await page()).toContain(provider.host.address)
    await member('disconnect')
  })

  it('with a key of its own has a tunnel for one program, through the tunnel of the service', async () => {
    // As most systems have it.
    const open =
      'mknod /run/open-tun c 10 200 && chmod 666 /run/open-tun && mount --bind /run/open-tun /dev/net/tun'
    await runCommand(['sh', '-c', open])
    const payer = await seatConsumer(market, 'payer', '10')
    await payer.run('channel', 'open', '--hub', hub.address, '--amount', '5')
    chmodSync(market.world.folder, 0o711)
    await runCommand(['chown', '-R', '4321:4321', payer.host.home])
    await member('connect')
    const program = owner.host.start(
      [...as(group), 'exec', '--json', '--', 'curl', '-sS', market.internet.addressUrl],
      {
        env: { HOME: payer.host.home },
      },
    )
    expect((await program.ended).code, program.output()).toBe(0)
    expect(program.lines('stdout')).toEqual([provider.host.address])
    const ended = await logged(program, 'ended')
    expect(BigInt(String(ended.spent))).toBeGreaterThan(0n)
    await member('disconnect')
  })

  it('decides nothing that only root may, nor what is settled already', async () => {
    expect(await refused(group, 'connect', '--allow-lan')).toMatch(/The service decides --allow-lan/)
    expect(await refused(group, 'connect', '--cap', '1GB')).toMatch(/has settled "cap"/)
    for (const wish of ['"interface":"eth0"', '"home":"/root"', '"provider":7', '"country":["DE",7]'])
      expect(JSON.parse(await rawAnswer(`{"type":"connect",${wish}}\n`)).ok).toBe(false)
    expect(await page()).toContain(owner.host.address)
  })

  it('lends a tunnel beside the connection, within what is settled, and again when the service was restarted', async () => {
    const words = ['lend', '--budget', '1/day', '--json']
    const { configuration } = JSON.parse(await member(...words))
    expect(configuration).toContain('PrivateKey = ')
    const lent = async () => JSON.parse(await member('lend', 'list', '--json')).lendings[0]
    expect(await lent()).toMatchObject({ name: 'phone', state: 'lent', budget: ['1/day'] })
    expect(await refused(group, ...words)).toMatch(/is lent already/)
    const wish = '{"type":"lend","name":"x","limits":{"budget":[7],"cap":[],"maxPrice":[]}}'
    expect(JSON.parse(await rawAnswer(`${wish}\n`)).message).toMatch(/short text/)
    await service.stop('SIGKILL')
    await startService()
    await eventually('it is lent again', async () => (await lent())?.state === 'lent')
    // A program of the member's own that was killed left this.
    const left = '/tmp/.pontage/consumer/lend.sock'
    await owner.host.run(['bash', '-c', `mkdir -p ${dirname(left)} && touch ${left} && chmod 666 ${left}`])
    try {
      expect(await member('lend', 'stop', 'phone')).toMatch(/is lent no more/)
    } finally {
      await owner.host.run(['rm', left])
    }
    expect(await lent()).toBeUndefined()
  })

  it('is not told that the service does not run where a program of its own that was killed left its socket', async () => {
    const home = '/tmp/pontage-lender'
    const left = `${home}/.pontage/consumer/lend.sock`
    await owner.host.run([
      'bash',
      '-c',
      `mkdir -p ${dirname(left)} && touch ${left} && chown -R 4321 ${home}`,
    ])
    try {
      const program = owner.host.start([...as(group), 'lend', '--budget', '1/day'], { env: { HOME: home } })
      expect((await program.ended).code).toBe(1)
      expect(program.output()).toMatch(/There is no readable keystore/)
    } finally {
      await owner.host.run(['rm', '-r', home])
    }
  })

  it('who is killed while connecting leaves a connection that the next one ends', async () => {
    const program = owner.host.start([...as(group), 'connect'], { env: { HOME: '/tmp' } })
    await eventually('the service connects', async () => (await state()) !== 'disconnected')
    await program.stop('SIGKILL')
    await eventually('it is connected', async () => (await state()) === 'connected')
    await member('disconnect')
    expect(await page()).toContain(owner.host.address)
  })
})

it('somebody else is refused, with a sentence', async () => {
  for (const command of ['connect', 'status', 'disconnect'])
    expect(await refused('', command)).toMatch(/You are not allowed to use \/run\/pontage\/control\.sock/)
})

it('survives junk, a line without end, and more connections than it takes', async () => {
  expect(JSON.parse(await rawAnswer('\u0000\u0001junk\n')).message).toMatch(/one JSON object on one line/)
  expect(await rawAnswer('x'.repeat(100_000))).toBe('')
  const idle = Array.from({ length: 64 }, () => connect(socket))
  await Promise.all(idle.map((each) => new Promise((resolve) => each.on('connect', resolve))))
  expect(JSON.parse(await rawAnswer('{"type":"status"}\n')).message).toMatch(/Too many/)
  for (const each of idle) each.destroy()
  await eventually('it answers again', async () =>
    (await rawAnswer('{"type":"status"}\n')).includes('"ok":true'),
  )
})

it('that is killed leaves the kill switch on, and the next one opens the network when a member says so', async () => {
  await member('connect')
  await service.stop('SIGKILL')
  expect(await outside()).not.toContain(owner.host.address)
  await startService()
  expect(await state()).toBe('crashed')
  expect(await refused(group, 'exec', '--', 'true')).toMatch(
    /nothing leaves this machine\. "pontage disconnect"/,
  )
  expect(await outside()).not.toContain(owner.host.address)
  expect(await member('disconnect')).toMatch(/network is back to normal/)
  expect(await page()).toContain(owner.host.address)
  await member('connect')
  expect(await page()).toContain(provider.host.address)
  await service.stop('SIGTERM', 30_000)
  expect(await page()).toContain(owner.host.address)
})
