import { address } from '@pontage/shared'
import { Wallet } from 'ethers'
import {
  eventually,
  type Market,
  openHub,
  openProvider,
  type Person,
  type Program,
  seatConsumer,
} from '../world/index.js'
import { readContract } from '../world/jsonContract.js'
import { carryHome, installPackage, unitLogged } from './furnish.js'
import { type Machine, makeMachine } from './machine.js'

const home = '/var/lib/pontage'
const passwordFile = '/etc/pontage/password'

/** Begins a script that runs the consumer's program in its machine. */
export const asConsumer = `export PONTAGE_CONSUMER_HOME=${home} PONTAGE_CONSUMER_PASSWORD_FILE=${passwordFile} NO_COLOR=1\n`

/**
 * Everybody who is needed for a consumer that lives in a machine, which is on and not connected; the others are outside. It is
 * installed as its unit says, and not started at boot.
 *
 * @param flags - More flags of the provider.
 */
export async function bootConsumer(
  market: Market,
  flags: readonly string[] = [],
): Promise<{ machine: Machine; hub: Person; provider: Person & { program: Program } }> {
  const machine = await makeMachine(market, await market.world.addHost('machine'))
  const booted = machine.powerOn().then(() => installPackage(machine))
  booted.catch(() => undefined)
  const hub = await openHub(market, 'hub', { pool: '100', drawAbove: '1000' })
  const provider = await openProvider(market, 'provider', {
    ...{ price: '20/GB', country: 'DE', hubs: [hub.address], redeemAbove: '1000', clearEvery: 5 },
    beneficiary: address(Wallet.createRandom().address),
    flags: ['--resolver', market.internet.host.address, ...flags],
  })
  const consumer = await seatConsumer(market, 'consumer', '20')
  await consumer.run('channel', 'open', '--hub', hub.address, '--amount', '10')
  await booted
  await carryHome(market, machine, consumer.host, 'consumer', home, passwordFile)
  await machine.run(
    `tr -d '\n' <${passwordFile} | systemd-creds encrypt --name=pontage-password - /etc/pontage-password.cred`,
  )
  return { machine, hub, provider }
}

/** Starts the consumer's unit, waits until it is connected, and gives the event that says so. */
export async function connectIn(machine: Machine): Promise<string> {
  const event = '"event":"connected"'
  const before = await machine.run(`journalctl -b -u pontage -o cat | grep -c '${event}' || true`)
  await machine.run('systemctl start pontage', 120_000)
  return unitLogged(machine, 'pontage', event, Number(before) + 1)
}

/** By which address the internet sees a machine; empty where nothing comes back. */
export const seenFrom = async ({ internet }: Market, machine: Machine): Promise<string> =>
  (await machine.attempt(`curl -sS --max-time 20 ${internet.addressUrl}`)).stdout.trim()

/** Waits until what a machine asks for arrives as its provider's. */
export const goesThrough = (market: Market, machine: Machine, provider: Person): Promise<true> =>
  eventually(
    'the machine is seen as its provider',
    async () => (await seenFrom(market, machine)) === provider.host.address,
    180_000,
  )

/** What a provider has in its hands, in wei. */
export async function heldBy(provider: Person): Promise<bigint> {
  const { hubs } = await provider.json<{ hubs: { promised: string }[] }>('status')
  return BigInt(hubs[0]?.promised ?? 0)
}

/** What the consumer in a machine knows that it signed, in wei. */
export async function journalledIn(machine: Machine): Promise<bigint> {
  const status = await machine.run(`${asConsumer} pontage channel status --json`, 120_000)
  const { channels } = readContract(status.trim()) as { channels: { promised: { amount: string }[] }[] }
  return BigInt(channels[0]?.promised[0]?.amount ?? 0)
}

/** Begins a download in a machine, slow enough to leave it its processor; it is not known how that ends. */
export const beginDownload = (market: Market, machine: Machine): Promise<unknown> =>
  machine
    .attempt(
      `curl -sS --limit-rate 1M --max-time 60 -o /dev/null ${market.internet.fileUrl(1_000_000_000)}`,
      90_000,
    )
    .catch(() => undefined)
