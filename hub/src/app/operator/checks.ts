import { X509Certificate } from 'node:crypto'
import { readFile, statfs } from 'node:fs/promises'
import { get as getHttp } from 'node:http'
import { get as getHttps } from 'node:https'
import { createServer } from 'node:net'
import { type Address, type Clock, formatBytes, isActive, wei } from '@pontage/shared'
import { type Chain, inTokens, readHub, readStanding, UserError } from '@pontage/shared/node'
import { poolFree } from '../../core/solvency.js'
import type { Ledger } from '../../io/ledger.js'

const minDiskBytes = 200_000_000
const soonDays = 14

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
  return `${inTokens(chain, stake)}, ${faults} fault(s), address ${url}`
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

/** Whether the running hub is ready, or the port free for one. */
export async function checkPort(options: {
  host: string
  port: number
  tls: boolean
  running: boolean
}): Promise<string> {
  const { host, port, tls, running } = options
  if (!running) {
    await bindOnce(host, port)
    return `${host}:${port} is free; the hub is not running`
  }
  if (port === 0) return 'the hub is running, on a port it chose itself'
  const target = host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host
  const { status, text } = await readyPage(target, port, tls)
  if (status !== 200) throw new UserError(`The hub is running, but not ready: ${text.trim().slice(0, 300)}`)
  return `the hub answers on ${target}:${port} and is ready`
}

function bindOnce(host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', (cause: NodeJS.ErrnoException) =>
      reject(
        new UserError(
          `Cannot listen on ${host}:${port} (${cause.code ?? cause.message}). Stop the program that uses it, or choose another --port.`,
          { cause },
        ),
      ),
    )
    server.listen(port, host, () => server.close(() => resolve()))
  })
}

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
export async function checkCertificate(path: string | undefined, clock: Clock): Promise<string> {
  if (path === undefined) return 'none: ws without TLS, suitable behind a proxy that adds it'
  const certificate = new X509Certificate(
    await readFile(path).catch((cause) => {
      throw new UserError(`${path} cannot be read. Check --tls-certificate.`, { cause })
    }),
  )
  const days = Math.floor((Date.parse(certificate.validTo) / 1_000 - clock.now()) / 86_400)
  if (days < soonDays)
    throw new UserError(
      days < 0
        ? `The certificate ${path} expired ${-days} day(s) ago. Renew it and restart the hub.`
        : `The certificate ${path} expires in ${days} day(s). Renew it and restart the hub.`,
    )
  return `valid for ${days} days`
}

/** Whether the ledger is intact, this hub's, and has room to grow. */
export async function checkDatabase(
  home: string,
  path: string,
  ledger: Ledger | undefined,
  bind: () => Promise<void>,
): Promise<string> {
  const { bavail, bsize } = await statfs(home)
  const free = BigInt(bavail) * BigInt(bsize)
  if (free < minDiskBytes)
    throw new UserError(
      `Only ${formatBytes(free)} is free on the disk of ${home}. Free some space: the hub stops answering when it cannot write.`,
    )
  if (!ledger) return `none yet; ${formatBytes(free)} free`
  await bind()
  const problem = await ledger.problem()
  if (problem !== undefined)
    throw new UserError(
      `The ledger ${path} is damaged: ${problem}. Stop the hub and restore the last backup.`,
    )
  return `${path} is intact, ${formatBytes(free)} free`
}
