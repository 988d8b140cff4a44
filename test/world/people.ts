import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Address, address } from '@pontage/shared'
import { type Identity, openKeystore } from '@pontage/shared/node'
import { decryptKeystoreJson, encryptKeystoreJson } from 'ethers'
import type { Host } from './host.js'
import { readContract } from './jsonContract.js'
import type { Market } from './market.js'
import type { Program } from './program.js'
import { repository } from './repository.js'

type ProgramName = 'pontage-hub' | 'pontage-provider' | 'pontage'

/** Somebody at a machine of the world, typing commands of one of the programs. */
export interface Person {
  readonly host: Host
  readonly address: Address
  /** Runs a command to its end and gives what it printed. @throws Error when it fails, with what it said. */
  run(...args: readonly string[]): Promise<string>
  /** As `run`, for what a command prints as one JSON object, by the contract that is said with it. */
  json<T>(...args: readonly string[]): Promise<T>
  /** Starts a command that stays. */
  start(args: readonly string[], onLine?: (line: string, stream: 'stdout' | 'stderr') => void): Program
}

/** Path of a program: as built in this checkout, or in the folder that the environment names, such as `/usr/bin`. */
export const programPath = (program: ProgramName): string =>
  join(process.env.PONTAGE_PROGRAMS ?? join(repository, 'node_modules', '.bin'), program)

/** The default, shortened: the test chain has a block a second, and nobody reorganises it. */
const confirmations = '1'

const folderOf = { 'pontage-hub': 'hub', 'pontage-provider': 'provider', pontage: 'consumer' } as const

/** Encrypts a key in a way that opens in a hundredth of the time: every command of every test opens one. */
async function weaken(path: string, password: string): Promise<void> {
  const account = await decryptKeystoreJson(readFileSync(path, 'utf8'), password)
  writeFileSync(path, await encryptKeystoreJson(account, password, { scrypt: { N: 1_024 } }))
}

/**
 * Sits somebody down at a machine: makes the key and the configuration with the program's `init`.
 * @param host - One person and program a machine, so that the default home folder serves.
 * @param settings - Further flags that go into the configuration.
 */
export async function seat(
  market: Market,
  host: Host,
  program: ProgramName,
  ...settings: readonly string[]
): Promise<Person> {
  const passwordFile = join(host.home, 'password')
  writeFileSync(passwordFile, `${host.name} password\n`, { mode: 0o600 })
  const command = (args: readonly string[]) => [programPath(program), ...args]
  const run = async (...args: readonly string[]) => host.start(command(args)).succeeded({ timeoutMs: 90_000 })
  const json = async <T>(...args: readonly string[]) => readContract(await run(...args, '--json')) as T
  const made = await json<{ address: string }>(
    'init',
    ...['--rpc', market.testChain.rpcUrl, '--deployment', market.deploymentFile],
    ...['--password-file', passwordFile, '--confirmations', confirmations],
    ...settings,
  )
  await weaken(join(host.home, '.pontage', folderOf[program], 'keystore.json'), `${host.name} password`)
  return {
    host,
    address: address(made.address),
    run,
    json,
    start: (args, onLine) => host.start(command(args), onLine === undefined ? {} : { onLine }),
  }
}

/** What somebody signs with, for signing what their program never would. @param folder - Of the program, in the home */
export const keyOf = ({ host }: Person, folder: 'consumer' | 'hub' | 'provider'): Promise<Identity> =>
  openKeystore(join(host.home, '.pontage', folder, 'keystore.json'), `${host.name} password`)

const listening = ({ world }: Market): string[] => (world.outer === 'ipv6' ? ['--host', '::'] : [])

const hubPort = 7700
const providerPort = 7800

/** A hub, registered, its pool filled, running. */
export async function openHub(
  market: Market,
  name: string,
  {
    pool,
    drawAbove,
    flags = [],
  }: {
    readonly pool: string
    readonly drawAbove: string
    /** More flags of `run`. */
    readonly flags?: readonly string[]
  },
): Promise<Person & { readonly program: Program }> {
  const hub = await enrolHub(market, name)
  await hub.run('pool', 'fund', pool)
  const program = hub.start([
    'run',
    ...listening(market),
    '--port',
    String(hubPort),
    '--draw-above',
    drawAbove,
    ...flags,
  ])
  await program.line(/"listening"/)
  return { ...hub, program }
}

/** A hub with key, tokens and stake that does not run yet. */
export async function enrolHub(market: Market, name: string): Promise<Person> {
  const host = await market.world.addHost(name)
  const hub = await seat(market, host, 'pontage-hub', '--tls')
  await market.fund(hub.address, { tokens: '2000', coin: '10' })
  await hub.run('register', '--stake', '1000', '--url', `wss://${host.at(hubPort)}`)
  return hub
}

/** A provider, registered with stake, its offer published, running. */
export async function openProvider(
  market: Market,
  name: string,
  offer: {
    readonly price: string
    readonly country: string
    readonly hubs: readonly Address[]
    readonly beneficiary: Address
    readonly megabits?: number
    readonly redeemAbove?: string
    /** Seconds between two looks at its hubs; default 60. */
    readonly clearEvery?: number
    /** TCP port of its endpoint; default 7800. */
    readonly port?: number
    /** Where it says that it is; by default at its machine's address. */
    readonly endpoint?: string
    /** More flags of `run`. */
    readonly flags?: readonly string[]
    /** What runs in place of the provider's own program, with the same flags. */
    readonly actor?: readonly string[]
  },
): Promise<Person & { readonly program: Program }> {
  const line = offer.megabits === undefined ? {} : { megabits: offer.megabits }
  const host = await market.world.addHost(name, line)
  const provider = await seat(market, host, 'pontage-provider')
  await market.fund(provider.address, { tokens: '100', coin: '10' })
  await provider.run('register', '--stake', '50', '--beneficiary', offer.beneficiary)
  const program = host.start([
    ...(offer.actor ?? [programPath('pontage-provider')]),
    ...[
      'run',
      ...listening(market),
      '--auto-redeem',
      '--endpoint',
      offer.endpoint ?? host.at(offer.port ?? providerPort),
    ],
    ...['--price', offer.price, '--country', offer.country, '--redeem-above', offer.redeemAbove ?? '0.1'],
    ...['--clear-every', String(offer.clearEvery ?? 60)],
    ...offer.hubs.flatMap((hub) => ['--hub', hub]),
    ...(offer.flags ?? []),
  ])
  await program.line(/"listening"/)
  return { ...provider, program }
}

/** A consumer with tokens and no coin for gas at all. */
export async function seatConsumer(market: Market, name: string, tokens: string): Promise<Person> {
  const consumer = await seat(market, await market.world.addHost(name), 'pontage')
  await market.fund(consumer.address, { tokens })
  return consumer
}
