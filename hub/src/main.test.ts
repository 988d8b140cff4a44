import { spawn } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { type Address, channelIdOf, type Hex, netOf } from '@pontage/shared'
import { createSender, type Identity } from '@pontage/shared/node'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import { dial, promiseOf, requestOf, type TestChain, tokens } from './app/world.fixture.js'
import { ended, type ProgramWorld, program, startProgramWorld } from './program.fixture.js'

let programs: ProgramWorld
let world: TestChain
let home: string
let common: string[]
let hub: { address: Address }
let consumer: Identity
let provider: Identity

const pontageHub = (...args: string[]) => programs.run(...args)
const start = (...flags: string[]) => programs.start(...flags)

beforeAll(async () => {
  programs = await startProgramWorld()
  world = programs.world
  home = programs.home
  hub = { address: programs.hub }
  common = ['--home', home, '--poll-ms', '50']
  consumer = await world.person('consumer', { tokens: '100', coin: '1' })
  provider = await world.person('provider', { tokens: '100', coin: '1' })
  await world.fund(hub.address, { tokens: '2000', coin: '1' })
  await world.register(consumer, 'consumer', '1')
  await world.register(provider, 'provider', '50')
})
afterEach(() => programs.stopAll())
afterAll(() => programs.close())

describe('pontage-hub', () => {
  it('does not run before it is registered', async () => {
    const { code, stderr } = await pontageHub('run', ...common)
    expect([code, stderr]).toEqual([1, expect.stringContaining('Run pontage-hub register first.')])
  })

  it('registers, fills its pool and shows both', async () => {
    const registered = await pontageHub('register', '--home', home, '--url', 'ws://127.0.0.1:7700', '--json')
    expect(registered.stderr).toBe('')
    expect(JSON.parse(registered.stdout)).toMatchObject({ stake: `${tokens('1000')}` })
    expect((await pontageHub('pool', 'fund', '50.5', '--home', home)).code).toBe(0)
    const { stdout } = await pontageHub('status', '--json', '--home', home)
    expect(JSON.parse(stdout)).toMatchObject({
      hub: hub.address,
      registered: true,
      active: true,
      pool: `${tokens('50.5')}`,
    })
  })

  it.each([
    [
      'an unknown flag',
      ['pool', '--hoem', 'x'],
      2,
      '--hoem is not known to "pontage-hub pool". Did you mean --home?',
    ],
    ['an unknown command', ['rnu'], 2, '"rnu" is no command of pontage-hub. Did you mean "pontage-hub run"?'],
    ['no command', [], 2, 'Give a command: "pontage-hub setup" sets everything up.'],
    ['a flag without its value', ['run', '--port'], 2, '--port needs a value. See pontage-hub --help.'],
    [
      'a port that is none',
      ['run', '--port', '70000'],
      1,
      '--port is 70000: expected a whole number from 0 to 65535',
    ],
    ['an unreachable chain', ['pool', '--rpc', 'http://127.0.0.1:1024'], 1, 'cannot be reached'],
    [
      'several chains, all unreachable',
      ['pool', '--rpc', 'http://127.0.0.1:1024,http://127.0.0.1:1025', '--rpc', 'http://127.0.0.1:1026'],
      1,
      'The chain at http://127.0.0.1:1024, http://127.0.0.1:1025, http://127.0.0.1:1026 cannot be reached',
    ],
    ['an amount that is none', ['pool', 'fund', 'lots'], 1, '"lots" is not an amount of tokens'],
    [
      'more tokens than there are',
      ['pool', 'fund', '99999'],
      1,
      'Send it tokens, or choose a smaller amount',
    ],
    ['a url that is none', ['register', '--url', 'http://x'], 1, 'expected ws://HOST:PORT'],
    ['a key made before', ['init'], 1, 'There is already a keystore at'],
  ])('explains %s in one sentence', async (_name, args, code, words) => {
    const outcome = await pontageHub(...args, ...(args.length > 0 ? ['--home', home] : []))
    expect(outcome.stderr).toContain(words)
    expect(outcome.stderr).toMatch(/^pontage-hub: [^\n]+\n$/)
    expect(outcome).toMatchObject({ code, stdout: '' })
  })

  it('explains a wrong password, a wrong chain, a port that is taken and a home in use', async () => {
    await writeFile(join(world.folder, 'wrong'), 'wrong\n')
    const wrongPassword = await pontageHub('run', ...common, '--password-file', join(world.folder, 'wrong'))
    expect(wrongPassword.stderr).toContain('The password does not open the keystore')

    const elsewhere = join(world.folder, 'elsewhere.json')
    await writeFile(elsewhere, JSON.stringify({ ...world.deployment, chainId: 1 }))
    const wrongChain = await pontageHub('run', ...common, '--deployment', elsewhere)
    expect(wrongChain.stderr).toContain('is on chain 31337, but the deployment is on chain 1')

    const taken = createServer()
    await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve))
    const { port } = taken.address() as { port: number }
    const portTaken = await pontageHub('run', ...common, '--host', '127.0.0.1', '--port', `${port}`)
    expect(portTaken.stderr).toContain('another program has it')
    await new Promise((resolve) => taken.close(resolve))

    await start()
    const homeInUse = await pontageHub('run', ...common, '--port', '0')
    expect(homeInUse.stderr).toContain('Another pontage-hub is running on')
    for (const { code } of [wrongPassword, wrongChain, portTaken, homeInUse]) expect(code).toBe(1)
  })

  it.each(['SIGTERM', 'SIGHUP'] as const)('ends with 0 when told to stop by %s', async (signal) => {
    const { child, lines } = await start()
    child.kill(signal)
    expect(await ended(child)).toBe(0)
    expect(lines.map((line) => JSON.parse(line).message)).toEqual(['listening', 'stopping', 'stopped'])
  })

  it('ends in order when nobody reads its log any more', async () => {
    const child = spawn(program, ['run', '--home', home, '--host', '127.0.0.1', '--port', '0'])
    child.stderr.destroy()
    expect(await ended(child)).toBe(0)
  })

  it('answers frames that are none with a reason, and serves on', async () => {
    const { port } = await start()
    const refusalOf = (frame: string | Buffer): Promise<string> =>
      new Promise((resolve, reject) => {
        const socket = new WebSocket(`ws://127.0.0.1:${port}`)
        const heard: string[] = []
        socket.on('message', (data) => heard.push(data.toString()))
        socket.on('open', () => socket.send(frame))
        socket.on('close', (code) => resolve(`${heard.at(-1)} ${code}`))
        socket.on('error', reject)
      })
    expect(await refusalOf('{"type"')).toMatch(/not-json.*1008/)
    expect(await refusalOf('{"type":"clear"}')).toMatch(/hello-expected.*1008/)
    expect(await refusalOf(Buffer.alloc(10))).toMatch(/hello-expected.*1008/)
    expect(await refusalOf('x'.repeat(300_000))).toMatch(/1009$/)
    const old = {
      type: 'hello',
      challenge: `0x${'0'.repeat(64)}`,
      identity: consumer.address,
      wireVersion: 999,
      issuedAt: 1,
      signature: `0x${'0'.repeat(130)}`,
    }
    expect(await refusalOf(JSON.stringify(old))).toMatch(/wrong-version.*Update the older program/)
    const link = await dial(world, provider, port)
    expect(await link.request('describe', {})).toMatchObject({ ok: true })
    link.close()
  })

  it('loses nothing it answered when it is killed at any moment', async () => {
    const sender = createSender(world.chain, consumer)
    const { token, channels } = world.chain
    await sender.send(token.approve.populateTransaction(world.deployment.channels, tokens('20')))
    await sender.send(channels.open.populateTransaction(hub.address, 1, tokens('20')))
    const channel = { consumer: consumer.address, hub: hub.address, nonce: 1 }
    const channelId: Hex = channelIdOf({ chainId: 31_337 }, channel)
    let answered = 0n
    let promised = 0n
    for (let round = 0; round < 6; round++) {
      const { child, port } = await start('--draw-above', '2')
      const link = await dial(world, provider, port)
      const request = requestOf(world, consumer, channelId, provider.address, tokens('20') - BigInt(round))
      const granted = await link.request('guarantee', { channel, request })
      expect(granted).toMatchObject({ ok: true })
      const again = await link.request('clear', { promises: [] })
      if (!again.ok) throw new Error(JSON.stringify(again))
      expect(again.value.total).toBeGreaterThanOrEqual(answered)
      // What was sent last may or may not have arrived; nothing else can be the total.
      expect(again.value.total).toBeLessThanOrEqual(netOf(promised as never, 200))
      const killAt = 3 + ((round * 7) % 11)
      for (let step = 0; ; step++) {
        promised += tokens('0.05')
        const clearing = link.request('clear', {
          promises: [promiseOf(world, consumer, channelId, provider.address, promised)],
        })
        if (step === killAt) {
          child.kill('SIGKILL')
          await ended(child)
        }
        const answer = await clearing
        if (answer.ok) {
          expect(answer.value.refused).toEqual([])
          expect(answer.value.total).toBe(netOf(promised as never, 200))
          answered = answer.value.total
        } else break
      }
    }
    const { port } = await start('--draw-above', '2')
    const link = await dial(world, provider, port)
    const last = await link.request('clear', {
      promises: [promiseOf(world, consumer, channelId, provider.address, promised)],
    })
    expect(last).toMatchObject({ ok: true, value: { total: netOf(promised as never, 200) } })
    link.close()
  })
})
