import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { formatBytes, formatTokens } from '@pontage/shared'
import {
  fileDigest,
  type LogLine,
  logged,
  type Market,
  measureDelivery,
  type Person,
} from '../world/index.js'
import type { Telling } from './telling.js'

/** What a capped session showed, each figure from who counted it. */
export interface SessionFigures {
  readonly provider: string
  readonly bytesConsumer: number
  readonly promises: number
  readonly spent: bigint
  /** What the internet host delivered to and took from the provider's address. */
  readonly delivered: number
  readonly serverSawAddress: string
}

const firstFile = 30_000_000
const secondFile = 50_000_000

/**
 * Connects with a cap, downloads one file whole and a second until the cap cuts it, and restores the network.
 * @param cap - Bytes, more than the first file and less than both.
 */
export async function cappedSession(
  market: Market,
  consumer: Person,
  cap: number,
  tell: Telling,
): Promise<SessionFigures> {
  const { internet } = market
  const { host } = consumer
  const meter = await measureDelivery(internet)
  const capText = `${cap / 1_000_000}MB`
  tell.chapter(`The consumer connects: pontage connect --cap ${capText}`)
  const connect = consumer.start(['connect', '--cap', capText, '--json'], (text) =>
    showEvent(text, market, tell),
  )
  const connected = await logged(connect, 'connected', {}, 60_000)
  const chosen = await logged(connect, 'chosen')
  tell.say(
    `${connected.interface} is up, WireGuard in ${connected.wireguard === 'kernel' ? 'the kernel' : 'wireguard-go'}.`,
  )

  const serverSawAddress = (
    await host.run(['curl', '-sS', '--max-time', '10', internet.addressUrl])
  ).stdout.trim()
  tell.say(`The internet host sees ${serverSawAddress}; the consumer is ${host.address}.`)

  tell.chapter(`A file of ${formatBytes(BigInt(firstFile))} arrives whole through the tunnel`)
  const file = join(host.home, 'first')
  await host.run(['curl', '-sS', '--fail', '--max-time', '60', '-o', file, internet.fileUrl(firstFile)], {
    timeoutMs: 70_000,
  })
  tell.check('its SHA-256 matches the file on the server', (await digestOf(file)) === fileDigest(firstFile))

  tell.chapter(`A second file of ${formatBytes(BigInt(secondFile))} is cut off by the cap`)
  const second = host.start([
    'curl',
    '-sS',
    '--max-time',
    '120',
    '-o',
    join(host.home, 'second'),
    internet.fileUrl(secondFile),
  ])
  const ended = await logged(connect, 'ended', {}, 90_000)
  const exit = await connect.ended
  const { downBytes, upBytes } = await meter.read(addressOf(chosen))
  const delivered = downBytes + upBytes
  tell.check(
    `the session ended by itself, because of the cap (${ended.reason}), with exit code 0`,
    ended.reason === 'cap' && exit.code === 0,
  )
  tell.check(
    `the internet host delivered ${formatBytes(BigInt(delivered))}, not a byte more than the cap`,
    delivered <= cap,
  )
  tell.check('the download of the second file has stopped, unfinished', second.running)
  await second.stop()

  const blocked = await host.start(['curl', '-sS', '--max-time', '2', internet.addressUrl]).ended
  tell.check('the kill switch holds: nothing leaves the machine', blocked.code !== 0)
  const leaked = await meter.read(host.address)
  tell.check(
    'the internet host never heard from the consumer itself',
    leaked.downBytes + leaked.upBytes === 0,
  )
  meter.stop()
  await consumer.run('disconnect')
  const restored = (await host.run(['curl', '-sS', '--max-time', '5', internet.addressUrl])).stdout.trim()
  tell.check('after pontage disconnect the network is back to normal', restored === host.address)
  return {
    provider: String(chosen.provider),
    bytesConsumer: Number(ended.downBytes) + Number(ended.upBytes),
    promises: Number(ended.promises),
    spent: BigInt(String(ended.spent)),
    delivered,
    serverSawAddress,
  }
}

/** The network address of the provider that was chosen, from the endpoint it published. */
const addressOf = (chosen: LogLine): string => String(chosen.endpoint).replace(/:\d+$/, '')

function showEvent(text: string, { chain }: Market, tell: Telling): void {
  if (!text.startsWith('{"event"')) return
  const event = JSON.parse(text) as LogLine
  const tokens = (amount: unknown) =>
    `${formatTokens(BigInt(String(amount)), chain.tokenDecimals)} ${chain.tokenSymbol}`
  const size = (bytes: unknown) => formatBytes(BigInt(Math.round(Number(bytes))))
  if (event.event === 'chosen')
    tell.say(
      `It chooses ${event.provider} in ${event.country}: the cheapest with a stake and without faults. This costs at most ${tokens(event.mostToSpend)}.`,
    )
  if (event.event === 'progress')
    tell.live(
      `down ${size(event.downBytes)}  up ${size(event.upBytes)}  ${size(event.bytesPerSecond)}/s  spent ${tokens(event.spent)}  cap left ${size(event.capLeft)}`,
    )
}

async function digestOf(path: string): Promise<string> {
  const hash = createHash('sha256')
  await pipeline(createReadStream(path), hash)
  return hash.digest('hex')
}
