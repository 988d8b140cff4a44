import { wei } from '@pontage/shared'
import type { Identity } from '@pontage/shared/node'
import { HonestConsumer } from './actors/consumer.js'
import { Guild, type Move, moves } from './actors/guild.js'
import { HubMachine } from './actors/hub.js'
import { person, tokens } from './actors/people.js'
import { type PlotName, plotOf } from './actors/plots.js'
import { HonestProvider } from './actors/provider.js'
import { Retail, type RetailMove, retailMoves } from './actors/retail.js'
import { Chain } from './chain/chain.js'
import { Node } from './chain/node.js'
import { openingState } from './chain/opening.js'
import { Disorder, type Fault, faults, losesLedger } from './faults/disorder.js'
import { Judge, type Violation } from './judge/judge.js'
import { forgetKernels } from './kernel/kernel.js'
import { beginNetwork, type Network } from './network/network.js'
import { Chance } from './stage/chance.js'
import { forgetDisks } from './stage/disk.js'
import { answerAt, forgetServers } from './stage/doors/http.js'
import { listenIn } from './stage/doors/ws.js'
import { beginTimeline, timeline } from './stage/timeline.js'

export type Troupe = 'players' | 'programs'
/** All that can be left out of a run. */
export type Ability = Move | Fault | RetailMove | PlotName

/** What a run is made of. */
export interface Wishes {
  readonly seed: string
  /** Whether honest providers and consumers are players, or their own programs; left out: as the seed says. */
  readonly cast?: Troupe
  /** Moves of all actors together. */
  readonly steps: number
  /** Left out of what the seed would allow: how a story is shortened. */
  readonly without?: readonly Ability[]
  /** Keeps the trace for people. */
  readonly isTold?: boolean
}

/** What became of a run. */
export interface Outcome {
  readonly seed: string
  readonly steps: number
  readonly digest: string
  readonly violations: readonly Violation[]
  readonly simulatedMinutes: number
  /** Of one core. */
  readonly tookSeconds: number
  readonly events: number
  readonly cast: Troupe
  readonly abilities: readonly Ability[]
  readonly story: readonly string[]
  readonly said: readonly string[]
}

const confirmations = 2
const pool = tokens(60)
const drawAbove = tokens(40)
/** Milliseconds between two moves, on average: crowded in some runs, in others windows and exits run out between them. */
const paces = {
  players: [2_000, 4_000, 15_000, 40_000],
  // Sessions live by the second; what is long takes most of the time there is for all, and seldom shows anything.
  programs: [500, 500, 1_000, 1_000, 2_500, 2_500, 2_500, 10_000],
} as const
/** Where a ledger is kept, a run waits for nothing that takes so long. */
const slowest = 40_000
/** Without all of these nothing can be taken from a hub. */
const wayOfMoney: readonly Move[] = ['open', 'guarantee', 'clear', 'redeem']
/** Milliseconds within which everything must have come right, once all faults have stopped. */
const settleMs = { players: 15 * 60_000, programs: 6 * 60_000 } as const

/** Runs one world from its seed. */
export async function play({
  seed,
  steps,
  cast: named,
  without = [],
  isTold = false,
}: Wishes): Promise<Outcome> {
  const began = process.cpuUsage()
  forgetDisks()
  forgetServers()
  forgetKernels()
  const time = beginTimeline(seed)
  time.trace.isKept = isTold
  const network = beginNetwork()
  const { chance } = time
  const some = (kind: string, count: number) =>
    Array.from({ length: count }, (_, index) => person(`${kind}-${index + 1}`))
  // Drawn apart, so that the rest of a seed is the same with either.
  const troupe: Troupe = named ?? (new Chance(`${seed} cast`).rarely(3) ? 'programs' : 'players')
  const cast = {
    hubs: [person('hub')],
    providers: [...some('provider', 2), ...some('rogue-provider', 3)],
    consumers: [...some('consumer', 3), ...some('rogue-consumer', 3)],
  }
  const plot = troupe === 'players' ? plotOf(seed, without) : undefined
  const chain = new Chain(openingState(cast, plot?.pool ?? pool))
  const nodes = ['node-1', 'node-2', 'node-3'].map((name) => new Node(name, chain))
  for (const node of nodes) answerAt(node.machine, node)
  const hub = new HubMachine(
    person('hub'),
    'hub',
    nodes.map(({ machine }) => `http://${machine}:8545`),
    confirmations,
    wei(plot?.drawAbove ?? drawAbove),
  )
  const honest = { providers: cast.providers.slice(0, 2), consumers: cast.consumers.slice(0, 3) }
  const judge = new Judge(chain, nodes, hub.identity, honest, confirmations)

  // Each run switches off a random half of what could happen, so that what remains meets more often.
  const drawn = [...moves, ...faults].filter((each) => chance.dice(10) < 6 && !without.includes(each))
  // What a hub loses beside a lost ledger is hard to tell: in a third of all seeds it keeps that, and the guild can go all the way.
  const isDurable = plot?.isDurable ?? new Chance(`${seed} durability`).rarely(3)
  const needed = (plot?.needs ?? (isDurable ? wayOfMoney : [])).filter((each) => !without.includes(each))
  const abilities: Ability[] = [...new Set([...needed, ...drawn])].filter(
    (each) => !(isDurable && losesLedger(each)) && !plot?.spares.some((spared) => spared === each),
  )
  const retail = troupe === 'programs' ? openRetail(cast, chain, nodes, network, judge, without) : undefined
  if (retail) abilities.push(...retail.able)
  const able = moves.filter((each) => abilities.includes(each))
  const moveEveryMs = chance.one(plot?.paces ?? paces[troupe].filter((each) => !isDurable || each < slowest))
  if (plot) abilities.push(plot.name)
  const guild = new Guild(
    { consumers: cast.consumers.slice(3), providers: cast.providers.slice(2) },
    chain,
    hub,
    judge,
    able.length > 0 ? able : ['open'],
    plot,
  )
  const providers = (retail ? [] : honest.providers).map(
    (each, index) => new HonestProvider(`provider-${index + 1}`, each, chain, hub, judge),
  )
  const consumers = (retail ? [] : honest.consumers).map(
    (each, index) => new HonestConsumer(`consumer-${index + 1}`, each, chain, hub, judge),
  )
  const disorder = new Disorder(
    { chain, nodes, hub, network },
    faults.filter((each) => abilities.includes(each)),
  )

  listenIn((from, data, isBinary) => {
    if (from.name === 'hub') judge.hubSends(data, isBinary, !retail)
  })
  const isWrong = () => judge.violations.length > 0
  process.on('unhandledRejection', unhandled)
  chain.begin()
  hub.start()
  await time.runUntil(30_000, () => hub.isReady)
  for (const consumer of consumers) consumer.open(tokens(chance.between(5, 60)))
  retail?.begin()
  for (let step = 0; step < steps && !isWrong(); step++) {
    await time.runUntil(time.nowMs + chance.real() * 2 * moveEveryMs, isWrong)
    retail?.look()
    if (retail && chance.dice(100) < 70) retail.act()
    else act(guild, providers, consumers, disorder)
  }
  if (!isWrong()) {
    disorder.stop()
    retail?.calm()
    await settle(time.nowMs, settleMs[troupe], providers, hub, judge, isWrong)
    if (!isWrong()) judge.end(hub.hasLostLedger, !retail)
    if (!isWrong()) retail?.end()
  }
  process.off('unhandledRejection', unhandled)
  return {
    ...{ seed, steps, cast: troupe, abilities, digest: time.trace.digest(), violations: judge.violations },
    ...{ simulatedMinutes: time.nowMs / 60_000, tookSeconds: spentSince(began), events: time.count },
    ...{ story: time.trace.lines, said: hub.said },
  }
}

function openRetail(
  cast: {
    readonly hubs: readonly Identity[]
    readonly providers: readonly Identity[]
    readonly consumers: readonly Identity[]
  },
  chain: Chain,
  nodes: readonly Node[],
  network: Network,
  judge: Judge,
  without: readonly Ability[],
): Retail {
  const { chance } = timeline()
  const able = retailMoves.filter(
    (each) => (each === 'connect' || chance.dice(10) < 6) && !without.includes(each),
  )
  const [hub] = cast.hubs
  const people = {
    hub: hub as Identity,
    providers: cast.providers.slice(0, 2),
    rogueProviders: cast.providers.slice(2),
    consumers: cast.consumers.slice(0, 3),
    rogueConsumers: cast.consumers.slice(3),
  }
  const rpc = nodes.map(({ machine }) => `http://${machine}:8545`)
  return new Retail(people, rpc, chain, network, judge, able)
}

function spentSince(began: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(began)
  return (user + system) / 1e6
}

const unhandled = (error: unknown) => {
  timeline().trace.note(`unhandled ${(error as Error)?.message}`)
  process.stderr.write(`unhandled: ${(error as Error)?.stack}\n`)
}

/** One move of somebody. */
function act(
  guild: Guild,
  providers: readonly HonestProvider[],
  consumers: readonly HonestConsumer[],
  disorder: Disorder,
): void {
  const { chance } = timeline()
  const [consumer, provider] = [chance.any(consumers), chance.any(providers)]
  // Where they are programs, only the guild and the world are left to act here.
  if (!consumer || !provider) return void (chance.dice(68) < 55 ? guild.step() : disorder.step())
  const kinds: readonly [below: number, act: () => unknown][] = [
    [55, () => guild.step()],
    [68, () => disorder.step()],
    [88, () => consumer.post.act(() => consumer.buy(provider, tokens(chance.between(1, 2_000) / 1_000)))],
    [91, () => consumer.open(tokens(chance.between(5, 60)))],
    [93, () => consumer.deposit(tokens(chance.between(1, 20)))],
    [95, () => consumer.post.act(() => consumer.close())],
    [96, () => consumer.leave()],
    [99, () => provider.post.act(() => provider.clear())],
    [100, () => provider.post.act(async () => provider.redeem())],
  ]
  const kind = chance.dice(100)
  kinds.find(([below]) => kind < below)?.[1]()
}

/** When all faults have stopped: everybody goes on until everything is paid, which must come within a stated time. */
async function settle(
  fromMs: number,
  withinMs: number,
  providers: readonly HonestProvider[],
  hub: HubMachine,
  judge: Judge,
  isWrong: () => boolean,
): Promise<void> {
  const time = timeline()
  for (let atMs = fromMs; atMs <= fromMs + withinMs && !isWrong(); atMs += 60_000) {
    await time.runUntil(atMs, isWrong)
    for (const provider of providers) provider.post.act(() => provider.clear())
    hub.askToDraw()
    await time.runUntil(atMs + 20_000, isWrong)
    for (const provider of providers) provider.post.act(async () => provider.redeem())
  }
  if (isWrong()) return
  if (!hub.isReady) judge.say('every program is ready again', 'the hub does not serve')
}
