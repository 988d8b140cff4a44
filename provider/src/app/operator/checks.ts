import { createSocket } from 'node:dgram'
import { createServer } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import { type Address, countOf, explain, isActive, tunnelMtuOver } from '@pontage/shared'
import {
  type Chain,
  CommandFailed,
  inTokens,
  linkMtu,
  listenOn,
  readStanding,
  readWithheld,
  runCommand,
  UserError,
} from '@pontage/shared/node'
import { judgeHub } from '../../core/hubTrust.js'
import { readHubStanding } from '../../io/chain/hubStanding.js'
import { askRunning } from '../../io/link/askRunning.js'
import { planNetwork } from '../offer/planNetwork.js'
import type { Reached } from '../offer/reach.js'
import type { Examined, Settings } from '../settings.js'
import { tryWay } from './tryWay.js'

// Each check says what is well, or throws a sentence that says what to do about it.

/** Rights and programs without which there is no tunnel. */
export async function checkMachine(): Promise<string> {
  if (process.geteuid?.() !== 0)
    throw new UserError('Serving needs root, for the tunnel and the firewall. Run this with sudo.')
  for (const [program, ...args] of [
    ['nft', '--version'],
    ['ip', '-V'],
    ['tc', '-V'],
    ['wg', '--version'],
  ])
    await runCommand([program ?? '', ...args]).catch((cause) => {
      throw new UserError(
        `${program} does not run: install nftables, iproute2 and wireguard-tools. (${(cause as Error).message})`,
      )
    })
  const kernel = await runCommand(['modinfo', 'wireguard']).then(
    () => true,
    () => false,
  )
  if (kernel) return 'root, with nftables, iproute2 and WireGuard in the kernel'
  await runCommand(['wireguard-go', '--version']).catch((cause) => {
    if (cause instanceof CommandFailed) return
    throw new UserError(
      'The kernel has no WireGuard module, and wireguard-go is missing. Install one of them.',
    )
  })
  return 'root, with nftables, iproute2 and wireguard-go'
}

export async function checkStake(chain: Chain, provider: Address): Promise<string> {
  const standing = await readStanding(chain, provider)
  if (!isActive(standing, 'provider'))
    throw new UserError(
      `${inTokens(chain, standing.stake)} staked, ${inTokens(chain, standing.debt)} of debt: that is not enough for a provider. Run pontage-provider register --stake AMOUNT.`,
    )
  return `${inTokens(chain, standing.stake)}, paid to ${standing.beneficiary}`
}

/** Whether the token paid everything. */
export async function checkWithheld(chain: Chain, provider: Address): Promise<string> {
  const { amount } = await readWithheld(chain, provider)
  if (amount > 0n)
    throw new UserError(
      `The token refused to pay your beneficiary ${inTokens(chain, amount)}. Run pontage-provider collect ADDRESS to have it paid to another address.`,
    )
  return 'the token paid everything'
}

export async function checkHubs(chain: Chain, hubs: readonly Address[]): Promise<string> {
  for (const hub of hubs) {
    const verdict = judgeHub(hub, await readHubStanding(chain, hub))
    if (!verdict.ok) throw new UserError(explain(verdict.refusal))
  }
  return `${countOf(hubs.length, 'hub')}, registered, without debt, none leaving`
}

const askHubsForMs = 12_000
const askHubsEveryMs = 4_000

/** Whether there is a way out, and somebody to answer for names. */
export async function checkNetwork(settings: Examined, running: boolean): Promise<string> {
  const { uplink, resolver4, resolver6 } = await planNetwork(settings, running)
  const takes = await linkMtu(uplink)
  const resolvers = [resolver4, resolver6].filter((each) => each !== undefined)
  if (resolvers.length === 0)
    throw new UserError(
      'There is no resolver for consumers. Give --resolver ADDRESS, for example that of your ISP.',
    )
  return `traffic leaves through ${uplink}, DNS from ${resolvers.join(' and ')}; ${uplink} takes packets of ${takes} bytes, so tunnels take up to ${tunnelMtuOver(takes, 4)} bytes`
}

/**
 * Whether packets pass this machine as a consumer would send them: a running provider is asked, otherwise the tunnel and
 * its rules are made for a moment.
 */
export async function checkWay(home: string, settings: () => Settings, running: boolean): Promise<string> {
  const faults = running
    ? await askRunning<readonly string[]>(home, { type: 'way' })
    : await tryWay(settings())
  if (faults.length > 0) throw new UserError(faults.join(' '))
  return 'packets like those of a consumer pass the rules of this machine'
}

/** Whether the ports are free for us, or ours already. */
export async function checkPorts(settings: Examined, running: boolean): Promise<string> {
  const { listen, wireguardPort } = settings
  if (running) return `TCP ${listen.port} and UDP ${wireguardPort} are used by the running provider`
  await bindTcp(listen.host, listen.port)
  await bindUdp(wireguardPort)
  return `TCP ${listen.port} and UDP ${wireguardPort} are free`
}

/** Whether consumers can reach us, by what the hubs find when they try. */
export async function checkReach(settings: Examined, running: boolean): Promise<string> {
  if (settings.unlisted) return 'not asked: a hub that tries an unlisted provider’s ports would know them'
  if (!running) throw new UserError('Not checked: run pontage-provider run, then ask again.')
  const reached = await onceTried(() => askRunning<Reached[]>(settings.home, { type: 'reach' }))
  const good = reached.find(({ problem }) => problem === undefined)
  if (good)
    return `hub ${good.hub} reached ${good.endpoint} by TCP, and WireGuard on UDP ${settings.wireguardPort}`
  const first = reached[0]?.problem ?? 'There is no hub to ask.'
  if (!reached.some(({ tried }) => tried))
    throw new UserError(`Not known: no hub has tried to reach this provider. ${first}`)
  throw new UserError(
    `Unreachable from outside: ${first} Forward TCP ${settings.endpoint.port} and UDP ${settings.wireguardPort} to this machine in router and firewall, and check --endpoint.`,
  )
}

/** Asks again where no hub has tried: one that tried a moment ago, as it does before an offer is published, waits ten seconds. */
async function onceTried(ask: () => Promise<Reached[]>): Promise<Reached[]> {
  const giveUpAt = performance.now() + askHubsForMs
  for (;;) {
    const reached = await ask()
    if (reached.some(({ tried }) => tried) || performance.now() > giveUpAt) return reached
    await delay(askHubsEveryMs)
  }
}

async function bindTcp(host: string, port: number): Promise<void> {
  const server = createServer()
  await listenOn(server, host, port)
  await new Promise<void>((resolve) => server.close(() => resolve()))
}

function bindUdp(port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = createSocket('udp4')
    socket.once('error', (cause) => reject(taken(`UDP ${port}`, '--wireguard-port', cause)))
    socket.bind(port, () => socket.close(() => resolve()))
  })
}

const taken = (what: string, flag: string, cause: Error): UserError =>
  new UserError(
    `${what} is not available (${cause.message}). Stop the program that uses it, or choose another ${flag}.`,
    {
      cause,
    },
  )
