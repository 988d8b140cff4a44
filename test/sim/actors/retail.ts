import type { ConnectWishes } from '@pontage/consumer'
import {
  type Address,
  bytes,
  type Hex,
  type Price,
  type Wei,
  wei,
  weiPerHour,
  weiPerMegabyte,
} from '@pontage/shared'
import type { Identity } from '@pontage/shared/node'
import type { Chain } from '../chain/chain.js'
import { channels } from '../chain/contracts.js'
import { deployment } from '../chain/deployment.js'
import { Accepted } from '../judge/accepted.js'
import { CreditJudge } from '../judge/credit.js'
import type { Judge } from '../judge/judge.js'
import { SessionJudge } from '../judge/sessions.js'
import { Traffic } from '../kernel/traffic.js'
import type { Network } from '../network/network.js'
import { timeline } from '../stage/timeline.js'
import { fickle } from './cheats.js'
import { ConsumerMachine } from './consumerMachine.js'
import { Freeloader } from './freeloader.js'
import { nameOf, tokens } from './people.js'
import { ProviderMachine } from './providerMachine.js'

/** What the people of a world with programs do, and what befalls them. */
export const retailMoves = [
  'connect',
  'disconnect',
  'freeload',
  'freeloadElsewhere',
  'appetite',
  'killProvider',
  'killAtOpening',
  'killConsumer',
  'stopProvider',
  'pour',
  'lossy',
  'cutTunnel',
] as const
export type RetailMove = (typeof retailMoves)[number]

const perMegabyte = (amount: number) => weiPerMegabyte(tokens(amount))
const prices: readonly Price[] = [
  { perMegabyte: perMegabyte(0.05), perHour: weiPerHour(0n) },
  { perMegabyte: perMegabyte(0.02), perHour: weiPerHour(tokens(30)) },
  { perMegabyte: perMegabyte(0.03), perHour: weiPerHour(0n) },
]
const appetites = [0, 100_000, 1_000_000, 4_000_000] as const

/** Channels of freeloaders, which their guild leaves alone: credit is one over all of them. */
const ownNonces = [3, 4, 5, 6, 7] as const

interface Cast {
  readonly hub: Identity
  readonly providers: readonly Identity[]
  readonly rogueProviders: readonly Identity[]
  readonly consumers: readonly Identity[]
  readonly rogueConsumers: readonly Identity[]
}

/** Consumers and providers as their own programs, with kernels and what flows through them; one provider of them cheats. */
export class Retail {
  readonly providers: readonly ProviderMachine[]
  readonly consumers: readonly ConsumerMachine[]
  readonly sessions: SessionJudge
  readonly traffic: Traffic
  readonly #freeloaders: readonly Freeloader[]
  readonly #accepted: Accepted
  readonly #credit: CreditJudge
  #isCalm = false
  #nextToOpenDies = false

  constructor(
    private readonly cast: Cast,
    rpc: readonly string[],
    private readonly chain: Chain,
    private readonly network: Network,
    private readonly judge: Judge,
    readonly able: readonly RetailMove[],
  ) {
    const accepted = new Accepted((channel) => {
      const parties = chain.newest.state.parties.get(channel)
      return parties && nameOf(parties.consumer)
    })
    this.#accepted = accepted
    const accepts = (provider: string, channel: Hex, amount: bigint) =>
      accepted.note(provider, channel, amount)
    const opens = (provider: string) => this.#opens(provider)
    const around = { hub: cast.hub.address, rpc, accepts, opens }
    const honest = cast.providers.map(
      (identity, index) =>
        new ProviderMachine(identity, nameOf(identity.address), index + 1, prices[index] as Price, around),
    )
    const rogue = cast.rogueProviders
      .slice(0, 1)
      .map(
        (identity) =>
          new ProviderMachine(identity, nameOf(identity.address), 9, prices[2] as Price, around, fickle()),
      )
    this.providers = [...honest, ...rogue]
    this.traffic = new Traffic(new Set(rogue.map(({ name }) => name)))
    const known = this.providers.map(({ name, price }): [string, { price: Price; isHonest: boolean }] => [
      name,
      { price, isHonest: !name.startsWith('rogue') },
    ])
    const named = (address: string) => nameOf(address as Address)
    const providers = new Map(known)
    this.sessions = new SessionJudge(judge, this.traffic, providers, named)
    this.#credit = new CreditJudge(judge, this.traffic, providers, accepted)
    this.consumers = cast.consumers.map(
      (identity) => new ConsumerMachine(identity, nameOf(identity.address), rpc, this.sessions),
    )
    this.#freeloaders = cast.rogueConsumers.flatMap((identity) =>
      [0, 1].map(
        (each) =>
          new Freeloader(
            identity,
            `${nameOf(identity.address)}-${each}`,
            cast.hub,
            this.traffic,
            this.#credit,
          ),
      ),
    )
  }

  begin(): void {
    for (const provider of this.providers) provider.start()
    for (const { address } of this.cast.rogueConsumers)
      for (const nonce of ownNonces) {
        const call = channels.encodeFunctionData('open', [this.cast.hub.address, nonce, tokens(20)])
        this.chain.inject(address, deployment.channels, call as Hex)
      }
    const free = this.#freeloaders.map(({ name }) => name)
    this.traffic.begin([...this.consumers.map(({ name }) => name), ...free])
  }

  act(): void {
    if (this.able.length === 0) return
    const { chance } = timeline()
    const move = chance.one(this.able)
    timeline().trace.note(`retail ${move}`)
    const consumer = chance.one(this.consumers)
    const provider = chance.one(this.providers)
    // Nothing befalls whoever is not connected.
    if (!consumer.isConnected && chance.rarely(2)) {
      this.#connect(consumer)
      return
    }
    const acts: Readonly<Record<RetailMove, () => unknown>> = {
      connect: () => this.#connect(consumer),
      disconnect: () => consumer.disconnect(),
      freeload: () => this.#freeload(this.providers[0] as ProviderMachine),
      freeloadElsewhere: () => this.#freeload(provider),
      appetite: () => this.#feed(consumer.name),
      killProvider: () => this.#killProvider(provider),
      killAtOpening: () => {
        this.#nextToOpenDies = true
      },
      killConsumer: () => consumer.kill(),
      stopProvider: () => provider.stop(),
      pour: () => {
        this.traffic.poured = chance.one([50_000, 400_000])
        this.#for(chance.between(2_000, 30_000), () => {
          this.traffic.poured = 0
        })
      },
      lossy: () => {
        this.traffic.lostPerMille = chance.between(3, 12)
        this.#for(chance.between(2_000, 30_000), () => {
          this.traffic.lostPerMille = 2
        })
      },
      cutTunnel: () => {
        this.network.cut(consumer.name, provider.name)
        this.#for(chance.between(500, 40_000), () => this.network.heal())
      },
    }
    acts[move]()
  }

  /** A session has just been opened, and is not paid yet: what dies then has told nobody much. */
  #opens(name: string): void {
    if (!this.#nextToOpenDies || this.#isCalm) return
    this.#nextToOpenDies = false
    const provider = this.providers.find((each) => each.name === name)
    const { chance } = timeline()
    const downMs = 1_000 + chance.dice(30_000)
    this.#for(chance.between(20, 600), () => provider?.kill(downMs))
  }

  /** Any, or one from whom somebody takes what it does not pay for: what that one forgets is what it is after. */
  #killProvider(any: ProviderMachine): void {
    const { chance } = timeline()
    const robbed = chance.any(this.#freeloaders.flatMap(({ at }) => at ?? []))
    const provider = chance.rarely(2) ? any : (robbed ?? any)
    provider.kill(1_000 + chance.dice(30_000))
  }

  #for(ms: number, undo: () => void): void {
    timeline().plan(ms, undo, timeline().world)
  }

  #connect(consumer: ConsumerMachine): void {
    this.#feed(consumer.name)
    consumer.connect(this.#wishes())
  }

  #feed(machine: string): void {
    const { chance } = timeline()
    this.traffic.want(machine, { down: chance.one(appetites), up: chance.one(appetites) / 4 })
  }

  #freeload(provider: ProviderMachine): void {
    const { chance } = timeline()
    const freeloader = chance.one(this.#freeloaders)
    const parties = freeloader.channel(chance.one(ownNonces))
    freeloader.take(provider, parties)
  }

  #wishes(): Partial<ConnectWishes> {
    const { chance } = timeline()
    const ofConnect = <Amount extends bigint>(amounts: readonly Amount[]) =>
      chance.rarely(2) ? [{ amount: chance.one(amounts), period: 'connect' as const }] : []
    return {
      limits: {
        maxPrice: chance.rarely(2) ? { perHour: weiPerHour(tokens(40)) } : {},
        caps: ofConnect([bytes(2_000_000n), bytes(5_000_000n), bytes(30_000_000n)]),
        budgets: ofConnect<Wei>([tokens(0.5), tokens(2)]),
      },
      topUp: chance.rarely(3)
        ? { amount: tokens(3), below: tokens(1), perMonth: wei(tokens(30)) }
        : undefined,
      deposit: tokens(chance.one([1, 5, 20])),
      patienceMs: chance.one([6_000, 20_000]),
    }
  }

  /** Faults stop; what runs goes on. */
  calm(): void {
    this.#isCalm = true
    this.traffic.poured = 0
    this.traffic.lostPerMille = 2
    this.network.heal()
    for (const consumer of this.consumers) consumer.disconnect()
  }

  /** What must hold all the while. */
  look(): void {
    this.#credit.look()
  }

  end(): void {
    for (const provider of this.providers.slice(0, this.cast.providers.length))
      if (this.#isCalm && !provider.isReady)
        this.judge.say('every program is ready again', `${provider.name} does not serve`)
    this.judge.endSessions(this.chain.newest.state.money, this.cast, this.#accepted, this.sessions)
  }
}
