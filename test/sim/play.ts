import { HonestConsumer } from './actors/consumer.js'
import { Guild, type Move, moves } from './actors/guild.js'
import { HubMachine } from './actors/hub.js'
import { person, tokens } from './actors/people.js'
import { HonestProvider } from './actors/provider.js'
import { Chain } from './chain/chain.js'
import { Node } from './chain/node.js'
import { openingState } from './chain/opening.js'
import { Disorder, type Fault, faults } from './faults/disorder.js'
import { Judge, type Violation } from './judge/judge.js'
import { beginNetwork } from './network/network.js'
import { forgetDisks } from './stage/disk.js'
import { answerAt, forgetServers } from './stage/doors/http.js'
import { listenIn } from './stage/doors/ws.js'
import { beginTimeline, timeline } from './stage/timeline.js'

/** What a run is made of. */
export interface Wishes {
  readonly seed: string
  /** Moves of all actors together. */
  readonly steps: number
  /** Left out of what the seed would allow: how a story is shortened. */
  readonly without?: readonly (Move | Fault)[]
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
  readonly abilities: readonly (Move | Fault)[]
  readonly story: readonly string[]
  readonly said: readonly string[]
}

const confirmations = 2
const pool = tokens(60)
/** Milliseconds between two moves, on average: crowded in some runs, in others windows and exits run out between them. */
const paces = [2_000, 4_000, 15_000, 40_000] as const
/** Milliseconds within which everything must have come right, once all faults have stopped. */
const settleMs = 15 * 60_000

/** Runs one world from its seed. */
export async function play({ seed, steps, without = [], isTold = false }: Wishes): Promise<Outcome> {
  const began = process.cpuUsage()
  forgetDisks()
  forgetServers()
  const time = beginTimeline(seed)
  time.trace.isKept = isTold
  const network = beginNetwork()
  const { chance } = time
  const some = (kind: string, count: number) =>
    Array.from({ length: count }, (_, index) => person(`${kind}-${index + 1}`))
  const cast = {
    hubs: [person('hub')],
    providers: [...some('provider', 2), ...some('rogue-provider', 3)],
    consumers: [...some('consumer', 3), ...some('rogue-consumer', 3)],
  }
  const chain = new Chain(openingState(cast, pool))
  const nodes = ['node-1', 'node-2', 'node-3'].map((name) => new Node(name, chain))
  for (const node of nodes) answerAt(node.machine, node)
  const hub = new HubMachine(
    person('hub'),
    'hub',
    nodes.map(({ machine }) => `http://${machine}:8545`),
    confirmations,
  )
  const honest = { providers: cast.providers.slice(0, 2), consumers: cast.consumers.slice(0, 3) }
  const judge = new Judge(chain, nodes, hub.identity, honest, confirmations)
  listenIn((from, data, isBinary) => {
    if (from.name === 'hub') judge.hubSends(data, isBinary)
  })

  // Each run switches off a random half of what could happen, so that what remains meets more often.
  const abilities = [...moves, ...faults].filter((each) => chance.dice(10) < 6 && !without.includes(each))
  const able = moves.filter((each) => abilities.includes(each))
  const moveEveryMs = chance.one(paces)
  const guild = new Guild(
    { consumers: cast.consumers.slice(3), providers: cast.providers.slice(2) },
    chain,
    hub,
    able.length > 0 ? able : ['open'],
  )
  const providers = honest.providers.map(
    (each, index) => new HonestProvider(`provider-${index + 1}`, each, chain, hub, judge),
  )
  const consumers = honest.consumers.map(
    (each, index) => new HonestConsumer(`consumer-${index + 1}`, each, chain, hub, judge),
  )
  const disorder = new Disorder(
    { chain, nodes, hub, network },
    faults.filter((each) => abilities.includes(each)),
  )

  const isWrong = () => judge.violations.length > 0
  process.on('unhandledRejection', unhandled)
  chain.begin()
  hub.start()
  await time.runUntil(30_000, () => hub.isReady)
  for (const consumer of consumers) consumer.open(tokens(chance.between(5, 60)))
  for (let step = 0; step < steps && !isWrong(); step++) {
    await time.runUntil(time.nowMs + chance.real() * 2 * moveEveryMs, isWrong)
    act(guild, providers, consumers, disorder)
  }
  if (!isWrong()) {
    disorder.stop()
    await settle(time.nowMs, providers, hub, judge, isWrong)
    if (!isWrong()) judge.end(hub.hasLostLedger)
  }
  process.off('unhandledRejection', unhandled)
  return {
    ...{ seed, steps, abilities, digest: time.trace.digest(), violations: judge.violations },
    ...{ simulatedMinutes: time.nowMs / 60_000, tookSeconds: spentSince(began), events: time.count },
    ...{ story: time.trace.lines, said: hub.said },
  }
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
  const consumer = chance.one(consumers)
  const provider = chance.one(providers)
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
  providers: readonly HonestProvider[],
  hub: HubMachine,
  judge: Judge,
  isWrong: () => boolean,
): Promise<void> {
  const time = timeline()
  for (let atMs = fromMs; atMs <= fromMs + settleMs && !isWrong(); atMs += 60_000) {
    await time.runUntil(atMs, isWrong)
    for (const provider of providers) provider.post.act(() => provider.clear())
    hub.askToDraw()
    await time.runUntil(atMs + 20_000, isWrong)
    for (const provider of providers) provider.post.act(async () => provider.redeem())
  }
  if (isWrong()) return
  if (!hub.isReady) judge.say('every program is ready again', 'the hub does not serve')
}
