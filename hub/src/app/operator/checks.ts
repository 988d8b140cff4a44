import { X509Certificate } from 'node:crypto'
import { readFile, stat, statfs } from 'node:fs/promises'
import { get as getHttp } from 'node:http'
import { get as getHttps } from 'node:https'
import { createServer } from 'node:net'
import {
  type Address,
  type Clock,
  countOf,
  decodeObject,
  formatBytes,
  type Hex,
  isActive,
  wei,
} from '@pontage/shared'
import {
  type Chain,
  inTokens,
  listenOn,
  readHub,
  readPinnedUrl,
  readStanding,
  UserError,
} from '@pontage/shared/node'
import { poolFree } from '../../core/solvency.js'
import type { Ledger } from '../../io/ledger.js'
import { certificateAt } from '../../io/link/readCertificate.js'

const minDiskBytes = 200_000_000
const soonDays = 14
/** A larger ledger is read through only when that is asked for. */
const readThroughChannels = 5_000
const readThroughBytes = 50_000_000

/** Whether the contracts take this identity for a hub in good standing. */
export async function checkStake(chain: Chain, hub: Address): Promise<string> {
  const standing = await readStanding(chain, hub)
  const { stake, faults, debt, url } = standing
  if (debt > 0n)
    throw new UserError(
      `The hub has a debt of ${inTokens(chain, debt)}. Repay it: until then nobody opens channels with it.`,
    )
  if (!isActive(standing, 'hub'))
    throw new UserError(
      `The stake of ${inTokens(chain, stake)} is not enough for a hub. Run pontage-hub register, or stake add.`,
    )
  return `${inTokens(chain, stake)}, ${countOf(faults, 'fault')}, address ${url}`
}

/** Whether the pool would pay every provider that redeems now. */
export async function checkPool(chain: Chain, hub: Address, ledger: Ledger | undefined): Promise<string> {
  const { pool, pendingWithdrawal } = await readHub(chain, hub)
  const free = poolFree({ balance: pool, pendingWithdrawal })
  const owed = ledger ? (await ledger.tally()).owed : wei(0n)
  if (owed > free)
    throw new UserError(
      `The pool has ${inTokens(chain, free)} free, but ${inTokens(chain, owed)} may be redeemed. Run pontage-hub draw --now or pool fund.`,
    )
  if (free === 0n)
    throw new UserError(
      'The pool is empty, so the hub draws before each promise it gives. Run pontage-hub pool fund AMOUNT.',
    )
  return `${inTokens(chain, free)} free, ${inTokens(chain, owed)} of it may be redeemed now`
}

/**
 * Whether the running hub is ready, or the port free for one.
 *
 * @param options.running - Undefined where that cannot be told beforehand: then the port says it.
 */
export async function checkPort(options: {
  host: string
  port: number
  tls: boolean
  running: boolean | undefined
  hub: Address
}): Promise<string> {
  const { host, port, tls, running, hub } = options
  const isTaken = running !== true && !(await isFree(host, port))
  if (running !== true && !isTaken) return `${shown(host)}:${port} is free; the hub is not running`
  if (port === 0) return 'the hub is running, on a port it chose itself'
  const target = host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host
  const page = await readyPage(target, port, tls).catch((error: Error) => error)
  // Whoever holds the port may be this hub itself, where no file says that it runs.
  if (isTaken && (running === false || page instanceof Error || hubOf(page.text) !== hub))
    throw new UserError(
      `Cannot listen on ${shown(host)}:${port}: another program has it. Stop that one, or choose another --port.`,
    )
  if (page instanceof Error) throw page
  if (page.status !== 200)
    throw new UserError(`The hub is running, but not ready: ${page.text.trim().slice(0, 300)}`)
  return `the hub answers on ${target}:${port} and is ready`
}

/** A host as it stands before a port. */
const shown = (host: string): string => (host.includes(':') ? `[${host}]` : host)

/** @throws UserError when it may not be listened on, whoever has it. */
async function isFree(host: string, port: number): Promise<boolean> {
  const server = createServer()
  try {
    await listenOn(server, host, port)
  } catch (error) {
    const { code } = (error as { cause?: NodeJS.ErrnoException }).cause ?? {}
    if (code === 'EADDRINUSE') return false
    throw error
  }
  await new Promise((resolve) => server.close(resolve))
  return true
}

/** Whose page it is that says whether a hub is ready. */
const hubOf = (text: string): unknown => decodeObject(text)?.hub

function readyPage(host: string, port: number, tls: boolean): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const failed = (cause: Error) =>
      reject(
        new UserError(
          `The hub is running, but does not answer on ${host}:${port}: ${cause.message}. Check --host, --port and its log.`,
          { cause },
        ),
      )
    const options = { host, port, path: '/readyz', timeout: 5_000 }
    // Whether the certificate is trusted matters to those who connect from outside, not here.
    const request = tls ? getHttps({ ...options, rejectUnauthorized: false }) : getHttp(options)
    request.on('timeout', () => request.destroy(new Error('no answer within 5 s')))
    request.on('error', failed)
    request.on('response', (response) => {
      let text = ''
      response.setEncoding('utf8')
      response.on('data', (piece: string) => {
        text += piece
      })
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text }))
    })
  })
}

/** Whether the certificate will still be good in two weeks. */
export async function checkCertificate(path: string, clock: Clock): Promise<string> {
  const certificate = new X509Certificate(await readFile(path))
  const days = Math.floor((Date.parse(certificate.validTo) / 1_000 - clock.now()) / 86_400)
  if (days < soonDays)
    throw new UserError(
      days < 0
        ? `The certificate ${path} expired ${countOf(-days, 'day')} ago. Renew it: a running hub takes it up by itself.`
        : `The certificate ${path} expires in ${countOf(days, 'day')}. Renew it: a running hub takes it up by itself.`,
    )
  return `valid for ${days} days`
}

/**
 * Whether the address on chain names the certificate that those who connect there are shown.
 *
 * @param certificate - What the hub is to present; undefined without TLS of its own and of a proxy.
 */
export async function checkPublished(
  chain: Chain,
  hub: Address,
  certificate: Hex | undefined,
): Promise<string> {
  const { url } = await readStanding(chain, hub)
  const published = readPinnedUrl(url)?.certificate
  if (published === undefined)
    return certificate === undefined
      ? 'none: ws without TLS'
      : 'the address on chain names none, so that nobody can tell it from another'
  if (certificate === undefined)
    throw new UserError(
      `The address on chain names the certificate ${published}, but by these settings the hub serves without one: nobody connects. Set tls, tls-certificate with tls-key, or proxy-certificate in config.yaml.`,
    )
  if (certificate !== published)
    throw new UserError(
      `The address on chain names the certificate ${published}, but the hub presents ${certificate}: nobody connects. Run pontage-hub register --stake 0 with the flags that name the certificate.`,
    )
  const { host } = new URL(url)
  const seen = await certificateAt(host.includes(':') ? host : `${host}:443`)
  if (!seen.ok) return `as published; ${host} could not be looked at from here (${seen.reason})`
  if (seen.fingerprint !== published)
    throw new UserError(
      `The address on chain names the certificate ${published}, but ${host} presents ${seen.fingerprint}: nobody connects. If a proxy adds TLS, name its certificate with --proxy-certificate and run pontage-hub register --stake 0 with it.`,
    )
  return `as published, and ${host} presents it`
}

/** Whether the ledger is intact, this hub's, and has room to grow. */
export async function checkDatabase(
  home: string,
  path: string,
  ledger: Ledger | undefined,
  bind: () => Promise<void>,
  isThorough: boolean,
): Promise<string> {
  const { bavail, bsize } = await statfs(home)
  const free = BigInt(bavail) * BigInt(bsize)
  if (free < minDiskBytes)
    throw new UserError(
      `Only ${formatBytes(free)} is free on the disk of ${home}. Free some space: the hub stops answering when it cannot write.`,
    )
  if (!ledger) return `none yet; ${formatBytes(free)} free`
  await bind()
  const { channels } = await ledger.tally()
  const size = BigInt((await stat(path).catch(() => undefined))?.size ?? 0)
  if (!isThorough && (channels > readThroughChannels || size > readThroughBytes))
    return `${path} can be used, ${formatBytes(free)} free; it holds ${countOf(channels, 'channel')}, so that reading through it takes a while: --thorough does`
  const problem = await ledger.problem()
  if (problem !== undefined)
    throw new UserError(
      `The ledger ${path} is damaged: ${problem}. Stop the hub and restore the last backup.`,
    )
  return `${path} is intact, ${formatBytes(free)} free`
}
