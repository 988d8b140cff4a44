import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import {
  createMarket,
  eventually,
  logged,
  type Market,
  openHub,
  openProvider,
  type Person,
  programPath,
  seatConsumer,
} from '../world/index.js'
import { endAfterFailure } from './endAfterFailure.js'

// What takes time when one connects, counted instead of timed.

let market: Market
let consumer: Person

beforeAll(async () => {
  market = await createMarket()
  const hub = await openHub(market, 'hub', { pool: '100', drawAbove: '1000' })
  const offer = { price: '0.05/GB', country: 'DE', hubs: [hub.address], beneficiary: market.deployer }
  await openProvider(market, 'provider', offer)
  consumer = await seatConsumer(market, 'consumer', '10')
  await consumer.run('channel', 'open', '--hub', hub.address, '--amount', '5')
})
afterAll(() => market.destroy())

/** Stands before the chain's node and prints a line for each message that comes. */
const countingRpc = `
require('node:http').createServer(async (asked, answer) => {
  console.log('asked')
  const pieces = []
  for await (const piece of asked) pieces.push(piece)
  const response = await fetch('http://127.0.0.1:8545', { method: 'POST', body: Buffer.concat(pieces), headers: { 'content-type': 'application/json' } })
  answer.writeHead(response.status, { 'content-type': 'application/json' }).end(await response.text())
}).listen(8546, '0.0.0.0', () => console.log('listening'))
`

/** A folder whose programs note that they were started, and go on as the system's. */
async function notingPrograms(): Promise<{ path: string; started: () => string[] }> {
  const folder = join(consumer.host.home, 'noted')
  const log = join(folder, 'log')
  mkdirSync(folder)
  for (const name of ['ip', 'nft', 'wg', 'ping', 'flock', 'wireguard-go']) {
    const { stdout } = await consumer.host.run(['sh', '-c', `command -v ${name}`])
    const script = join(folder, name)
    writeFileSync(script, `#!/bin/sh\necho "${name} $*" >>${log}\nexec ${stdout.trim()} "$@"\n`)
    chmodSync(script, 0o755)
  }
  return {
    path: `${folder}:${process.env.PATH}`,
    started: () => readFileSync(log, 'utf8').trim().split('\n'),
  }
}

it('starts few processes, and asks the chain few times', async () => {
  const { host } = market.testChain
  const rpc = host.start([process.execPath, '-e', countingRpc])
  await rpc.line(/listening/)
  const { path, started } = await notingPrograms()
  const words = [programPath('pontage'), 'connect', '--json', '--rpc', `http://${host.at(8546)}`]
  const connect = async () => {
    const program = endAfterFailure(consumer, consumer.host.start(words, { env: { PATH: path } }))
    await logged(program, 'connected', {}, 60_000)
    return program
  }
  // The first time there is more to read of the chain.
  await (await connect()).stop('SIGINT', 30_000)
  const before = { processes: started().length, messages: rpc.lines().length }
  const program = await connect()
  const since = () => started().slice(before.processes)
  const pings = () => since().filter((line) => line.startsWith('ping ')).length
  // What the path takes is looked for when the tunnel is up already.
  await eventually('a ping has begun', async () => pings() >= 1)
  const processes = since()
  const messages = rpc.lines().length - before.messages
  await program.stop('SIGINT', 30_000)

  // Two at once, of which the second may be called off before it has begun: the larger one's answer is enough.
  expect([1, 2]).toContain(pings())
  // How often it looks at what stands is a matter of what the kernel tells meanwhile, and of the machine; never without a bound.
  const isLook = (line: string) => /^(nft -j list|ip (-[46] )?-json|wg show) /.test(line)
  const count = (of: readonly string[], what: string) => `${of.length} ${what}:\n${of.join('\n')}`
  const [looks, others] = [processes.filter(isLook), processes.filter((line) => !isLook(line))]
  expect(others.length, count(others, 'others')).toBeLessThan(26)
  expect(looks.length, count(looks, 'looks')).toBeLessThan(90)
  // Eight as a rule; questions that a busy machine puts a turn later come singly. Asked one by one they are 28.
  expect(messages).toBeLessThan(14)
})

it('says on request how long each step of connecting took', async () => {
  const program = endAfterFailure(consumer, consumer.start(['connect', '--timings']))
  const took = ['program', 'chain', 'offers, channel and key', 'agreement', 'tunnel']
  await program.line(new RegExp(`Time taken: ${took.map((step) => `${step} \\d+ ms`).join(', ')}\\.`), {
    timeoutMs: 60_000,
  })
  await program.stop('SIGINT', 30_000)
})
