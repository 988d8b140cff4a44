import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { fileURLToPath } from 'node:url'
import { makePrograms } from '../../packaging/programs.mjs'
import { askControl } from '../../shared/dist/node/index.js'
import {
  captureLeak,
  createMarket,
  eventually,
  logged,
  makeNoise,
  openHub,
  openProvider,
  runIntoCap,
  seatConsumer,
  sequence,
} from '../../test/dist/world/index.js'
import { gatewayMbit } from './gateway.mjs'
import { idleMemory } from './idleMemory.mjs'
import { median } from './median.mjs'
import { postQuantumMs } from './postQuantum.mjs'
import { rootlessMbit } from './rootless.mjs'
import { starts } from './starts.mjs'

// How long a consumer waits, with the programs as they are installed, how exactly a cap holds, and what leaks, measured in a world of its own:
//   npm run -s bench -w consumer [-- --json] [-- --runs N] [-- --connects N]

const flags = process.argv.slice(2)
const isJson = flags.includes('--json')
const runs = flags.includes('--runs') ? Number(flags[flags.indexOf('--runs') + 1]) : 20
const connects = flags.includes('--connects') ? Number(flags[flags.indexOf('--connects') + 1]) : 20

/** A group that every system has. */
const group = 'users'

/** @param {string} line */
const say = (line) => (isJson ? process.stderr : process.stdout).write(`${line}\n`)

const programs = await mkdtemp(join(tmpdir(), 'pontage-bench-'))
// Run by a plain user, too.
await chmod(programs, 0o755)
await makePrograms(programs)
// The world's people use these from now on.
process.env.PONTAGE_PROGRAMS = join(programs, 'bin')
const market = await createMarket()
try {
  const hub = await openHub(market, 'hub', { pool: '100', drawAbove: '1000' })
  const offer = { price: '0.05/GB', country: 'DE', hubs: [hub.address], beneficiary: market.deployer }
  const provider = await openProvider(market, 'provider', offer)
  const consumer = await seatConsumer(market, 'consumer', '10')
  await consumer.run('channel', 'open', '--hub', hub.address, '--amount', '5')

  const { host } = market.testChain
  const line = host.start([
    process.execPath,
    fileURLToPath(new URL('delayedRpc.mjs', import.meta.url)),
    '8546',
    '80',
  ])
  await line.line(/listening/)
  const far = ['--rpc', `http://${host.at(8546)}`]
  const times = { local: [], rpc80: [], service: [] }
  const steps = []
  for (let turn = 0; turn < connects; turn++) {
    const near = await firstByte(consumer)
    times.local.push(near.took)
    steps.push(near.stepsMs)
    times.rpc80.push((await firstByte(consumer, far)).took)
  }
  const service = consumer.start(['run', '--control-group', group])
  await logged(service, 'listening')
  const memoryMegabytes = idleMemory(programs)
  for (let turn = 0; turn < connects; turn++) times.service.push(await firstByteThroughService(consumer))
  await service.stop('SIGTERM', 30_000)
  const connectMs = Object.fromEntries(Object.entries(times).map(([way, each]) => [way, median(each)]))
  const stepsMs = Object.fromEntries(
    Object.keys(steps[0] ?? {}).map((step) => [step, median(steps.map((each) => each[step]))]),
  )
  say(
    `from connect to the first byte (medians of ${connects}): ${connectMs.local} ms; ${connectMs.rpc80} ms where the node is 80 ms away; ${connectMs.service} ms through the service`,
  )
  say(
    `of the former: ${Object.entries(stepsMs)
      .map(([step, ms]) => `${step} ${ms} ms`)
      .join(', ')}`,
  )

  say(
    `memory while nothing goes on: ${Object.entries(memoryMegabytes)
      .map(
        ([role, { residentMegabytes, ownMegabytes }]) =>
          `${role} ${residentMegabytes} MB, ${ownMegabytes} of it its own`,
      )
      .join('; ')}`,
  )

  const { completionMs, startMs } = starts(programs, connects)
  say(`from TAB to the answer: ${completionMs} ms; start of any command: ${startMs} ms, as installed`)

  const kemMs = postQuantumMs(connects)
  say(
    `of connecting, the post-quantum half of the key: ${kemMs.own} ms with what Node has, ${kemMs.library} ms with the library`,
  )

  const seed = 20_261_123
  const random = sequence(seed)
  const cap = { runs: 0, maxOverBytes: 0, maxUnderBytes: 0 }
  for (; cap.runs < runs; cap.runs++) {
    const bytes = 1_000_000 + Math.floor(random.next().value * 5_000_000)
    const { delivered, counted } = await runIntoCap(market, consumer, provider.host.address, bytes)
    cap.maxOverBytes = Math.max(cap.maxOverBytes, delivered - bytes, counted - bytes)
    cap.maxUnderBytes = Math.max(cap.maxUnderBytes, bytes - counted)
  }
  say(
    `cap (seed ${seed}): ${runs} runs, over by at most ${cap.maxOverBytes} bytes, under by at most ${cap.maxUnderBytes}`,
  )

  const leakedPackets = await leakOfBadDay(consumer, provider)
  say(`packets leaked while wireguard-go and the program are killed: ${leakedPackets}`)

  const closeToTokensMs = await closing(consumer)
  say(`from close to the tokens back: ${closeToTokensMs} ms (blocks each second)`)
  const fast = await openProvider(market, 'fast', {
    ...{ ...offer, price: '0.01/GB', country: 'SE' },
    flags: ['--speed', '1Gbit', '--ceiling', '150GB'],
  })
  const execMbit = await rootlessMbit(market, hub, fast)
  say(
    `a program of exec: ${execMbit.withoutRoot} Mbit/s without root, ${execMbit.withoutRootMoreRoom ?? '–'} Mbit/s where sockets have room, ${execMbit.withRoot} Mbit/s with root, in the same run`,
  )
  const gateway = await gatewayMbit(market, hub, fast)
  say(
    `behind a gateway: ${gateway.behind} Mbit/s; the gateway itself: ${gateway.itself} Mbit/s, in the same run`,
  )
  if (isJson)
    process.stdout.write(
      `${JSON.stringify({ connectMs, stepsMs, memoryMegabytes, completionMs, startMs, postQuantumMs: kemMs, closeToTokensMs, cap, leakedPackets, execMbit, gatewayMbit: gateway })}\n`,
    )
} finally {
  await market.destroy()
  await rm(programs, { recursive: true })
}

/** From typing connect to the first byte of an answer of the internet. */
async function firstByte(consumer, args = []) {
  const began = performance.now()
  const program = consumer.start(['connect', '--json', ...args])
  const { stepsMs } = await logged(program, 'connected', {}, 90_000)
  await consumer.host.run(['curl', '-s', '-m', '20', market.internet.addressUrl])
  const took = performance.now() - began
  await program.stop('SIGINT', 30_000)
  return { took, stepsMs }
}

/** As `firstByte`, asked of a service that runs, as a program does that talks to its socket. */
async function firstByteThroughService(consumer) {
  const began = performance.now()
  await askControl('/run/pontage/control.sock', { type: 'connect' }, 90_000)
  await consumer.host.run(['curl', '-s', '-m', '20', market.internet.addressUrl])
  const took = performance.now() - began
  await askControl('/run/pontage/control.sock', { type: 'disconnect' })
  return took
}

/** Connects, loses wireguard-go, is connected anew, is killed: all of it captured while a busy machine tries everything. */
async function leakOfBadDay(consumer, provider) {
  const noise = makeNoise(market, consumer.host)
  const program = consumer.start(['connect', '--json'])
  await logged(program, 'connected', {}, 90_000)
  const leak = await captureLeak(market, consumer.host, [provider.host], async () => {
    await consumer.host.run([
      'bash',
      '-c',
      'for p in $(pgrep -x wireguard-go); do [ "$(readlink /proc/$p/ns/net)" = "$(readlink /proc/self/ns/net)" ] && kill -9 $p; done; true',
    ])
    const tunnels = () => program.lines().filter((line) => line.includes('"event":"connected"')).length
    await program.when(() => tunnels() === 2, 'a second tunnel', 90_000)
    await program.stop('SIGKILL')
    await new Promise((resolve) => setTimeout(resolve, 2_000))
  })
  await noise.stop('SIGKILL')
  await consumer.run('unlock')
  return leak.ipv4 + leak.ipv6
}

/** From typing close to the tokens in the consumer's own account, as an observer of the chain sees it. */
async function closing(consumer) {
  const before = await market.chain.token.balanceOf(consumer.address)
  const began = performance.now()
  const command = consumer.start(['channel', 'close'])
  await eventually(
    'the tokens are back',
    async () => (await market.chain.token.balanceOf(consumer.address)) > before,
    90_000,
  )
  const took = Math.round(performance.now() - began)
  await command.succeeded({ timeoutMs: 90_000 })
  return took
}
