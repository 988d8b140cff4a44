import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { makePrograms } from '../packaging/programs.mjs'
import { createTypedData } from '../shared/dist/node/index.js'
import { createMarket, keyOf, logged, openHub, openProvider, seatConsumer } from '../test/dist/world/index.js'
import { checkComplete, commands, reads } from './year/commands.mjs'
import { fillConsumer } from './year/consumer.mjs'
import { populate } from './year/crowd.mjs'
import { cleared, fillHub } from './year/hub.mjs'
import { fillProvider } from './year/provider.mjs'
import { overLimits, tableOf } from './year/report.mjs'
import { size } from './year/size.mjs'
import { commandMs, least, pageMs, readsMs } from './year/timed.mjs'

// npm run bench -- --year [hub provider consumer] [--share 0.01]: what every command, page and start takes after a year, in a world of its own.

const words = process.argv.slice(2)
const isJson = words.includes('--json')
const chosen = words.filter((word) => word in commands)
const say = (text) => process.stderr.write(`${Math.round(performance.now() / 1_000)} s: ${text}\n`)
const isChosen = (name) => chosen.length === 0 || chosen.includes(name)
const homeOf = ({ host }, name) => join(host.home, '.pontage', name)
const hubUrl = 'https://127.0.0.1:7700'

const folder = await mkdtemp(join(tmpdir(), 'pontage-bench-'))
await chmod(folder, 0o755)
await makePrograms(join(folder, 'programs'))
process.env.PONTAGE_PROGRAMS = join(folder, 'programs', 'bin')
checkComplete()
const market = await createMarket()
try {
  const report = await measure()
  if (isJson) process.stdout.write(`${JSON.stringify(report)}\n`)
  else process.stdout.write(tableOf(report))
  const over = overLimits(report)
  for (const line of over) process.stderr.write(`OVER THE LIMIT: ${line}\n`)
  if (over.length > 0) process.exitCode = 1
} finally {
  await market.destroy()
  await rm(folder, { recursive: true })
}

async function measure() {
  const hub = await openHub(market, 'hub', { pool: '100', drawAbove: '1000000' })
  const offer = { price: '0.05/GB', country: 'DE', hubs: [hub.address], beneficiary: market.deployer }
  const provider = await openProvider(market, 'provider', offer)
  const consumer = await seatConsumer(market, 'consumer', '10')
  const opened = await consumer.json('channel', 'open', '--hub', hub.address, '--amount', '5')
  for (const { program } of [provider, hub]) await program.stop('SIGTERM', 30_000)

  say(`${size.providers} providers offer something`)
  const providers = [provider.address, ...(await populate(market, hub.address)).slice(1)]
  const identity = await keyOf(hub, 'hub')
  const typedData = createTypedData(market.deployment)
  const sign = (document, fields) =>
    typedData.signed(document, { hub: hub.address, ...fields }, identity.privateKey)
  say(`a year of a hub with ${size.channels} channels`)
  await fillHub(join(homeOf(hub, 'hub'), 'ledger.sqlite'), market.chain, providers, sign)
  const total = cleared * BigInt(size.channelsUndrawn)
  say(`a year of a provider with ${size.sessionsADay} sessions a day`)
  fillProvider(
    homeOf(provider, 'provider'),
    hub.address,
    sign('HubPromise', { provider: provider.address, total }),
  )
  say(`a year of a consumer with ${size.sessions} sessions`)
  fillConsumer(homeOf(consumer, 'consumer'), providers, opened.channelId)

  const report = {}
  // Whoever is not measured serves the others all the same.
  const running = await startOf(hub, ['run', '--draw-above', '1000000'], isChosen('hub'))
  if (isChosen('hub')) {
    await settled(hub)
    const publication = join(folder, 'publication.json')
    await hub.host.run(['curl', '-sk', '-o', publication, `${hubUrl}/liabilities`])
    const meant = { PUBLICATION: () => publication, FILE: fresh(join(folder, 'ledger')) }
    report.hub = {
      commandsMs: await commandsOf('hub', hub, meant),
      pagesMs: { ...(await routesOf(hub, providers)), ...(await readsMs(hub, 'pontage-hub', reads.hub)) },
      startMs: running.startMs,
    }
  }
  if (isChosen('provider')) report.provider = await measureProvider(provider, hub)
  if (isChosen('consumer')) report.consumer = await measureConsumer(consumer, hub)
  await running.stop()
  return report
}

async function measureProvider(provider, hub) {
  const flags = ['--endpoint', provider.host.at(7_800), '--price', '0.05/GB', '--country', 'DE']
  const words = ['run', ...flags, '--hub', hub.address, '--metrics-port', '9800']
  const running = await startOf(provider, words, true)
  try {
    return {
      commandsMs: await commandsOf('provider', provider, {}),
      pagesMs: {
        '/metrics': await least(() => pageMs(provider, 'http://127.0.0.1:9800/metrics')),
        ...(await readsMs(provider, 'pontage-provider', reads.provider)),
      },
      startMs: running.startMs,
    }
  } finally {
    await running.stop()
  }
}

async function measureConsumer(consumer, hub) {
  const commandsMs = await commandsOf('consumer', consumer, { HUB: () => hub.address })
  const pagesMs = await readsMs(consumer, 'pontage', reads.consumer)
  const running = await startOf(consumer, ['run', '--control-group', 'users'], true)
  await running.stop()
  return { commandsMs, pagesMs, startMs: running.startMs }
}

async function commandsOf(name, person, meant) {
  const { program, timed } = commands[name]
  const took = {}
  for (const named of timed.map((each) => each.join(' '))) {
    took[named] = await least(() => {
      const typed = named.replace(/FILE|PUBLICATION|HUB/, (word) => meant[word]()).split(' ')
      // Who finds something wrong has looked all the same.
      return commandMs(person, program, typed, ['doctor', 'liabilities'].includes(typed[0]) ? [1] : [])
    })
    say(`${name}: ${named} ${took[named]} ms`)
  }
  return took
}

/** Starts a program that stays, three times where its start is measured. */
async function startOf(person, words, isMeasured) {
  let program
  const start = async () => {
    await program?.stop('SIGTERM', 30_000)
    const began = performance.now()
    program = person.start(words)
    await logged(program, 'listening')
    return performance.now() - began
  }
  const startMs = isMeasured ? await least(start) : Math.round(await start())
  say(`${words[0]} of ${person.host.name}: ready after ${startMs} ms`)
  return { startMs, stop: () => program.stop('SIGTERM', 30_000) }
}

/** The market is read in the background after the start: pages of it are there once it was. */
async function settled(hub) {
  for (;;) {
    const { stdout } = await hub.host.run([
      'curl',
      '-sk',
      '-w',
      '%{http_code}',
      '-o',
      '/dev/null',
      `${hubUrl}/market`,
    ])
    if (stdout.trim() === '200') return
  }
}

/** Every page that the hub says it has. */
async function routesOf(hub, providers) {
  const { stdout } = await hub.host.run(['curl', '-sk', `${hubUrl}/none`])
  const paths = /The pages are: ([^"\n]+)/.exec(stdout)?.[1]?.trim().split(' ') ?? []
  if (paths.length === 0) throw new Error(`The hub does not say which pages it has: ${stdout}`)
  const took = {}
  for (const path of paths) {
    const query = path === '/liabilities/leaf' ? `?provider=${providers[1]}` : ''
    took[path] = await least(() => pageMs(hub, `${hubUrl}${path}${query}`))
  }
  const country = '/proposals?country=SE'
  return { ...took, [country]: await least(() => pageMs(hub, `${hubUrl}${country}`)) }
}

function fresh(path) {
  let made = 0
  return () => `${path}-${made++}`
}
