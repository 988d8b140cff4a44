import { address } from '@pontage/shared'
import { Wallet } from 'ethers'
import { type Market, type Person, seat } from '../world/index.js'
import { carryHome, installPackage, unitLogged } from './furnish.js'
import { type Machine, makeMachine } from './machine.js'

export const units = ['pontage-hub', 'pontage-provider'] as const
const homes = { hub: '/var/lib/pontage-hub', provider: '/var/lib/pontage-provider' }

/** A machine with a hub and a provider, and what both say of their books. */
export interface Servers {
  readonly machine: Machine
  readonly hub: Person
  readonly provider: Person
  /** Waits until both listen, since this boot for the given time. @throws Error when one of them gives up. */
  listening(times?: number): Promise<void>
  books(): Promise<Books>
}

/** What the two programs have on disk, amounts in wei. */
export interface Books {
  /** What the hub has promised each provider, and what it knows the chain to have paid of it. */
  readonly ledger: ReadonlyMap<string, { readonly total: bigint; readonly paid: bigint }>
  /** What consumers have promised the provider. */
  readonly promised: bigint
  /** What the hub has promised, as the provider has it. */
  readonly hubTotal: bigint
}

/** A hub and a provider in one machine, installed as the documents say, started at boot, and listening. */
export async function bootServers(market: Market): Promise<Servers> {
  const host = await market.world.addHost('machine')
  // Drawn and redeemed often, so that transactions are under way at any moment.
  const hub = await seat(market, host, 'pontage-hub', '--tls', '--port', '7700', '--draw-above', '0.01')
  await market.fund(hub.address, { tokens: '2000', coin: '10' })
  await hub.run('register', '--stake', '1000', '--url', `wss://${host.at(7700)}`)
  await hub.run('pool', 'fund', '100')
  const provider = await seat(
    ...([market, host, 'pontage-provider', '--endpoint', host.at(7800), '--price', '1/GB'] as const),
    ...[
      '--country',
      'DE',
      '--hub',
      hub.address,
      '--auto-redeem',
      '--redeem-above',
      '0.02',
      '--clear-every',
      '2',
    ],
  )
  await market.fund(provider.address, { tokens: '100', coin: '10' })
  await provider.run('register', '--stake', '50', '--beneficiary', address(Wallet.createRandom().address))
  const machine = await makeMachine(market, host)
  await machine.powerOn()
  await installPackage(machine)
  await carryHome(market, machine, host, 'hub', homes.hub, '/etc/pontage/hub-password')
  await carryHome(market, machine, host, 'provider', homes.provider, '/etc/pontage/provider-password')
  await machine.run(`
    chown -R pontage-hub:pontage-hub ${homes.hub}
    systemctl --quiet enable --now ${units.join(' ')}`)
  const servers: Servers = {
    ...{ machine, hub, provider },
    async listening(times = 1) {
      await Promise.all(units.map((unit) => unitLogged(machine, unit, '"listening"', times)))
    },
    async books() {
      const said = await machine.run(
        `runuser -u pontage-hub -- pontage-hub providers --json --home ${homes.hub} >/run/ledger &
        pontage-provider status --json --home ${homes.provider} >/run/status
        wait $! && cat /run/ledger /run/status`,
        240_000,
      )
      const [{ providers }, { hubs }] = said.split('\n').map((line) => JSON.parse(line)) as [
        { providers: { provider: string; total: string; paid: string }[] },
        { hubs: { promised: string; hubTotal: string }[] },
      ]
      return {
        ledger: new Map(
          providers.map((each) => [each.provider, { total: BigInt(each.total), paid: BigInt(each.paid) }]),
        ),
        promised: BigInt(hubs[0]?.promised ?? 0),
        hubTotal: BigInt(hubs[0]?.hubTotal ?? 0),
      }
    },
  }
  await servers.listening()
  return servers
}
