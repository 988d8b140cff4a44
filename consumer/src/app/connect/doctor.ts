import { constants } from 'node:fs'
import { access } from 'node:fs/promises'
import { smallestTunnelMtu } from '@pontage/shared'
import {
  type Chain,
  type ChainOptions,
  CommandFailed,
  commandExists,
  createTypedData,
  inTokens,
  keystoreAddress,
  listTable,
  onChain,
  proxyInUse,
  readWithheld,
  runCommand,
  tryProxy,
} from '@pontage/shared/node'
import { whyUnsound } from '../../core/choose.js'
import { killSwitchTable } from '../../core/killSwitch.js'
import { whatSpeedsRootless, whyNotRootless } from '../../core/rootless.js'
import { readChannels } from '../../io/chain/channelReader.js'
import { readOffers } from '../../io/chain/discovery.js'
import { isRunning, readConnection } from '../../io/home/connectionFile.js'
import { differences } from '../../io/kernel/differences.js'
import { planDns } from '../../io/kernel/dns.js'
import { rootlessMeans } from '../../io/kernel/ownRoot.js'
import { recursiveResolver, whyResolverFails } from '../../io/kernel/recursiveResolver.js'
import { remoteShell } from '../../io/kernel/remoteShell.js'
import { speaksIpv6 } from '../../io/kernel/routing.js'
import { systemPrograms } from './machine.js'

/** One thing looked at. `bad`: it has to be mended before `connect` works; `note`: worth knowing. */
export interface Finding {
  readonly about: string
  readonly verdict: 'ok' | 'note' | 'bad'
  readonly says: string
}

/** Clocks that differ by more cannot shake hands (docs/protocol.md, Hello). */
const clockToleranceSeconds = 60
/** A chain whose newest block is older than this stands still, or this clock is ahead. */
const freshBlockSeconds = 600
const proxyWithinMs = 10_000

/** Looks at all that a connection needs, and says what is wrong and what to do. Changes nothing. */
export async function examine(settings: ChainOptions): Promise<Finding[]> {
  return [
    ...(await machineFindings()),
    ...(await proxyFindings()),
    ...(await connectionFindings(settings.home)),
    ...(await onChain(settings, (chain) => chainFindings(settings.home, chain)).catch((error: Error) => [
      bad('chain', error.message),
    ])),
  ]
}

async function machineFindings(): Promise<Finding[]> {
  const isRoot = process.getuid?.() === 0
  const missing: Finding[] = []
  for (const [program, source] of Object.entries(systemPrograms))
    if (!(await commandExists(program)))
      missing.push(bad('programs', `${program} was not found. Install ${source}.`))
  const tun = await access('/dev/net/tun', constants.R_OK | constants.W_OK).then(
    () => true,
    () => false,
  )
  const client = remoteShell()
  const resolver = recursiveResolver()
  const dns = await planDns(['127.0.0.1']).catch(() => undefined)
  return [
    isRoot ? ok('rights', 'root: can create tunnels') : await rightsFinding(),
    ...(missing.length > 0 ? missing : [ok('programs', Object.keys(systemPrograms).join(', '))]),
    (await commandExists('ping'))
      ? ok('packets', 'as large as the path to a provider allows')
      : note('packets', `without ping the path is not probed: at most ${smallestTunnelMtu} bytes`),
    tun
      ? ok('tun', '/dev/net/tun can be opened')
      : (isRoot ? bad : note)('tun', '/dev/net/tun is missing or cannot be opened: load the module tun'),
    await wireguardFinding(),
    isRoot ? await firewallFinding() : note('nftables', 'only root can check'),
    speaksIpv6() ? ok('IPv6', 'available') : note('IPv6', 'not available: the tunnel carries IPv4 only'),
    dns === undefined
      ? note('names', 'there is no resolver to configure: only the firewall redirects DNS queries')
      : ok('names', `set through ${dns.way === 'file' ? dns.path : dns.way}`),
    ...(resolver === undefined ? [] : [note('resolver', whyResolverFails(resolver))]),
    ...(client === undefined
      ? []
      : [note('shell', 'this is a remote shell, which connect would cut off (--yes, --allow-lan)')]),
  ]
}

/** What somebody can do who is not root. */
async function rightsFinding(): Promise<Finding> {
  const means = await rootlessMeans()
  const missing = whyNotRootless(means)
  const faster = whatSpeedsRootless(means)
  const works = 'not root: "pontage exec" works, everything else connects with sudo'
  if (missing === undefined)
    return faster === undefined ? ok('rights', works) : note('rights', `${works}. ${faster}`)
  return note('rights', `not root: connect with sudo. "pontage exec" does not work without: ${missing}`)
}

/** Whether the proxy answers, where one is set. */
async function proxyFindings(): Promise<Finding[]> {
  try {
    const proxy = proxyInUse()
    if (proxy === undefined) return []
    await tryProxy(proxy, proxyWithinMs)
    return [ok('proxy', `${proxy.name} answers: all that goes out goes through it`)]
  } catch (error) {
    return [bad('proxy', (error as Error).message)]
  }
}

async function wireguardFinding(): Promise<Finding> {
  if (!(await commandExists('wireguard-go')))
    return note('WireGuard', 'wireguard-go was not found: connecting works only if the kernel has WireGuard')
  const version = await runCommand(['wireguard-go', '--version']).then(
    ({ stdout }) => /v[\d.]+/.exec(stdout)?.[0] ?? 'of an unknown version',
    () => 'of an unknown version',
  )
  // The packages of 2022 lose packets under load.
  return /^v0\.0\.2022/.test(version)
    ? note('WireGuard', `wireguard-go ${version} is slow: install one of 2023 or later`)
    : ok('WireGuard', `wireguard-go ${version}`)
}

const firewallFinding = (): Promise<Finding> =>
  runCommand(['nft', 'list', 'tables']).then(
    () => ok('nftables', 'the kernel answers'),
    (error) => {
      if (!(error instanceof CommandFailed)) throw error
      return bad('nftables', `nft does not work here: ${error.stderr.trim() || error.message}`)
    },
  )

async function connectionFindings(home: string): Promise<Finding[]> {
  const key = await keystoreAddress(home).then(
    (address) => ok('key', address),
    (error: Error) => bad('key', error.message),
  )
  const record = await readConnection(home).catch((error: Error) => error)
  if (record instanceof Error) return [key, bad('connection', record.message)]
  const problems = record === undefined ? [] : ((await differences(record)) ?? [])
  const findings = [key, ...problems.map((problem) => bad('kernel', problem))]
  if (record && isRunning(record))
    return [...findings, note('connection', 'one is running: see "pontage status"')]
  if (record)
    return [
      ...findings,
      bad(
        'connection',
        `an earlier one ${record.state === 'blocked' ? 'left the kill switch on' : 'was killed and is not undone'}: run "pontage disconnect" or "unlock"`,
      ),
    ]
  const foreign = await listTable('inet', killSwitchTable).catch(() => undefined)
  return [
    key,
    foreign
      ? bad('connection', 'there is a kill switch of another home folder: "pontage unlock" removes it')
      : ok('connection', 'none, and nothing to undo'),
  ]
}

async function chainFindings(home: string, chain: Chain): Promise<Finding[]> {
  const { at } = await chain.head()
  const offers = await readOffers(home, chain, createTypedData(chain.deployment))
  const sound = offers.filter((offer) => whyUnsound(offer) === undefined).length
  const own = await keystoreAddress(home).catch(() => undefined)
  const channels = own === undefined ? [] : await readChannels(home, chain, own)
  const open = channels.filter(({ status }) => status === 'open').length
  const withheld = own === undefined ? 0n : (await readWithheld(chain, own)).amount
  return [
    ok('chain', `chain ${chain.deployment.chainId} answers`),
    clockFinding(Math.floor(Date.now() / 1_000) - at),
    sound > 0
      ? ok('providers', `${sound} of ${offers.length} can be dealt with`)
      : bad('providers', 'none can be dealt with'),
    open > 0
      ? ok('channels', `${open} open`)
      : note('channels', 'none open: create one with "pontage channel open"'),
    ...(withheld === 0n
      ? []
      : [
          bad(
            'withheld',
            `the token refused to pay you ${inTokens(chain, withheld)}: "pontage collect ADDRESS" has it paid elsewhere`,
          ),
        ]),
  ]
}

/** @param aheadSeconds - This clock less the newest block's. Blocks are never of the future. */
export function clockFinding(aheadSeconds: number): Finding {
  if (aheadSeconds < -clockToleranceSeconds)
    return bad(
      'clock',
      `it is ${-aheadSeconds} s behind the chain's newest block. Set the clock: a difference of up to ${clockToleranceSeconds} s is allowed`,
    )
  if (aheadSeconds > freshBlockSeconds)
    return note(
      'clock',
      `the chain's newest block is ${aheadSeconds} s old: the chain has stopped, or this clock is ahead`,
    )
  return ok('clock', 'agrees with the chain')
}

const ok = (about: string, says: string): Finding => ({ about, verdict: 'ok', says })
const note = (about: string, says: string): Finding => ({ about, verdict: 'note', says })
const bad = (about: string, says: string): Finding => ({ about, verdict: 'bad', says })
