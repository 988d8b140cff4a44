import { join } from 'node:path'
import { type Address, channelIdOf, type Hex } from '@pontage/shared'
import { createLog, createSender, type Identity } from '@pontage/shared/node'
import type { Ledger } from '../io/ledger.js'
import { openSqliteLedger } from '../io/sqlite/sqliteLedger.js'
import type { HubSettings } from './components.js'
import { type RunningHub, startHub } from './hub.js'
import { startTestChain, type TestChain, tokens } from './world.fixture.js'

/** What hubs under test are set to, where a test does not say otherwise. */
export const hubSettings: HubSettings = {
  relayFee: tokens('0.01'),
  relaysPerDay: 20,
  relaysPerDayInAll: 100,
  gasWarnBelow: 0n,
  drainSeconds: 0,
  publicMetrics: false,
  guaranteeSeconds: 3_600,
  drawAbove: tokens('1000'),
  pollMs: 20,
}

/** A chain with a hub, a consumer and a provider on it, registered, with tokens and coin for gas. */
export async function startScene(): Promise<{
  world: TestChain
  hub: Identity
  consumer: Identity
  provider: Identity
}> {
  const world = await startTestChain()
  const hub = await world.person('hub', { tokens: '5000', coin: '10' })
  const consumer = await world.person('consumer', { tokens: '100', coin: '10' })
  const provider = await world.person('provider', { tokens: '100', coin: '10' })
  await world.register(hub, 'hub', '1000')
  await world.register(provider, 'provider', '50')
  await world.register(consumer, 'consumer', '1')
  return { world, hub, consumer, provider }
}

type Options = Parameters<typeof startHub>[0]

/** Starts a hub on this ledger, or on one of that name in the world's folder. */
export async function startTestHub(
  world: TestChain,
  identity: Identity,
  ledger: string | Ledger,
  { settings, ...more }: Partial<Omit<Options, 'settings'>> & { settings?: Partial<HubSettings> } = {},
): Promise<RunningHub> {
  return startHub({
    ...{ chain: world.chain, identity, host: '127.0.0.1', port: 0, log: createLog('hub', 'error') },
    ledger: typeof ledger === 'string' ? await openSqliteLedger(join(world.folder, ledger)) : ledger,
    settings: { ...hubSettings, ...settings },
    ...more,
  })
}

/** The hub pays into its own pool. */
export async function fillPool({ chain, deployment }: TestChain, hub: Identity, amount: string) {
  const sender = createSender(chain, hub)
  await sender.send(chain.token.approve.populateTransaction(deployment.channels, tokens(amount)))
  await sender.send(chain.channels.fund.populateTransaction(hub.address, tokens(amount)))
}

/** The consumer opens a channel by its own gas. @returns its id */
export async function openChannel(
  { chain, deployment }: TestChain,
  consumer: Identity,
  hub: Address,
  nonce: number,
  amount: string,
): Promise<Hex> {
  const sender = createSender(chain, consumer)
  await sender.send(chain.token.approve.populateTransaction(deployment.channels, tokens(amount)))
  await sender.send(chain.channels.open.populateTransaction(hub, nonce, tokens(amount)))
  return channelIdOf(deployment, { consumer: consumer.address, hub, nonce })
}
