import { type Address, address } from '@pontage/shared'
import { Wallet } from 'ethers'
import { type Market, type Person, seat } from '../world/index.js'
import { carryHome, installPackage, unitLogged } from './furnish.js'
import { type Machine, makeMachine } from './machine.js'

export const units = ['pontage-hub', 'pontage-provider'] as const
export const homes = {
  'pontage-hub': '/var/lib/pontage-hub',
  'pontage-provider': '/var/lib/pontage-provider',
}

/** A machine with a hub and a provider. */
export interface Servers {
  readonly machine: Machine
  readonly hub: Person
  readonly provider: Person
  /** Waits until both listen, since this boot for the given time. @throws Error when one of them gives up. */
  listening(times?: number): Promise<void>
}

/**
 * A hub and a provider in one machine, installed as the documents say, enabled, and listening.
 *
 * @param settle - What others do with them before they move into the machine: outside it is done sooner.
 * @param otherHubs - What the provider takes besides that one.
 */
export async function bootServers(
  market: Market,
  settle: (hub: Person, provider: Person) => Promise<void>,
  otherHubs: readonly Address[] = [],
): Promise<Servers> {
  const host = await market.world.addHost('machine')
  // Drawn and redeemed now and then, so that transactions are under way at any moment.
  const hub = await seat(market, host, 'pontage-hub', '--tls', '--port', '7700', '--draw-above', '0.04')
  await market.fund(hub.address, { tokens: '2000', coin: '10' })
  await hub.run('register', '--stake', '1000', '--url', `wss://${host.at(7700)}`)
  await hub.run('pool', 'fund', '100')
  const provider = await seat(
    ...([market, host, 'pontage-provider', '--endpoint', host.at(7800), '--price', '1/GB'] as const),
    ...['--country', 'DE', '--auto-redeem', '--redeem-above', '0.04', '--clear-every', '5'],
    ...[hub.address, ...otherHubs].flatMap((each) => ['--hub', each]),
  )
  await market.fund(provider.address, { tokens: '100', coin: '10' })
  await provider.run('register', '--stake', '50', '--beneficiary', address(Wallet.createRandom().address))
  for (const { start } of [hub, provider]) await start(['run']).line(/"listening"/, { timeoutMs: 90_000 })
  await settle(hub, provider)
  for (const program of host.programs.filter(({ running }) => running).reverse())
    await program.stop('SIGTERM', 60_000)
  const machine = await makeMachine(market, host)
  await machine.powerOn()
  await installPackage(machine)
  await carryHome(market, machine, host, 'hub', homes['pontage-hub'], '/etc/pontage/hub-password')
  await carryHome(
    market,
    machine,
    host,
    'provider',
    homes['pontage-provider'],
    '/etc/pontage/provider-password',
  )
  await machine.run(`
    chown -R pontage-hub:pontage-hub ${homes['pontage-hub']}
    systemctl --quiet enable --now ${units.join(' ')}`)
  const servers: Servers = {
    ...{ machine, hub, provider },
    async listening(times = 1) {
      await Promise.all(units.map((unit) => unitLogged(machine, unit, '"listening"', times)))
    },
  }
  await servers.listening()
  return servers
}

/** What there is to say of everybody, where something went wrong. */
export async function sayOf(market: Market, { machine }: Servers): Promise<string> {
  console.error(market.world.lastWords())
  return machine.run(
    `for unit in ${units.join(' ')}; do journalctl -b -u $unit -o cat | tail -n 40; done`,
    120_000,
  )
}
