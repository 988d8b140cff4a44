import type { HubMachine } from '../actors/hub.js'
import type { Chain } from '../chain/chain.js'
import type { Node, NodeFault } from '../chain/node.js'
import type { Network } from '../network/network.js'
import { timeline } from '../stage/timeline.js'

/** What can go wrong without anybody wanting it. */
export const faults = [
  'kill',
  'partition',
  'loss',
  'nodeDown',
  'nodeBusy',
  'nodeFrozen',
  'allFrozen',
  'nodeLags',
  'nodeLies',
  'nodeBoasts',
  'gasSpike',
  'reorganisation',
  'stall',
  'fullDisk',
  'clockJump',
  'oldLedger',
  'failOver',
  'nonceGap',
  'forgotten',
] as const
export type Fault = (typeof faults)[number]

/** Whether a hub that it befalls goes on with an old ledger. */
export const losesLedger = (ability: string): boolean => ability === 'oldLedger' || ability === 'failOver'

interface World {
  readonly chain: Chain
  readonly nodes: readonly Node[]
  readonly hub: HubMachine
  readonly network: Network
}

const gwei = 10n ** 9n

/** Brings about what the seed draws, each for a while. */
export class Disorder {
  readonly #undo = new Set<() => void>()
  #isOver = false

  constructor(
    private readonly world: World,
    private readonly able: readonly Fault[],
  ) {}

  step(): void {
    if (this.able.length === 0 || this.#isOver) return
    const fault = timeline().chance.one(this.able)
    timeline().trace.note(`fault ${fault}`)
    this.#begin(fault)
  }

  /** Everything is well from now on. */
  stop(): void {
    this.#isOver = true
    timeline().trace.note('all faults stop')
    for (const undo of [...this.#undo]) undo()
  }

  #for(ms: number, undo: () => void): void {
    const once = () => {
      if (!this.#undo.delete(once)) return
      undo()
    }
    this.#undo.add(once)
    timeline().plan(ms, once, timeline().world)
  }

  #begin(fault: Fault): void {
    const { chain, hub, network } = this.world
    const { chance } = timeline()
    const begin: Readonly<Record<Fault, () => unknown>> = {
      // Between any two effects: at a moment of its own, not where a move begins.
      kill: () =>
        timeline().plan(
          chance.real() * 4_000,
          () => !this.#isOver && hub.kill(1_000 + chance.dice(40_000)),
          timeline().world,
        ),
      partition: () => this.#partition(),
      loss: () => {
        network.weather.lostPerMille = chance.one([50, 200, 500])
        this.#for(chance.between(5_000, 60_000), () => {
          network.weather.lostPerMille = 2
        })
      },
      nodeDown: () => this.#node('silent'),
      nodeBusy: () => this.#node('busy'),
      nodeFrozen: () => this.#node('frozen'),
      allFrozen: () => this.#allFrozen(),
      nodeLags: () => this.#node('lagging'),
      nodeLies: () => this.#node('leavesOutLogs'),
      nodeBoasts: () => this.#node('claimsTooMuch'),
      gasSpike: () => {
        chain.baseFee = gwei * BigInt(chance.one([5, 50, 300]))
        this.#for(chance.between(10_000, 120_000), () => {
          chain.baseFee = gwei
        })
      },
      reorganisation: () =>
        chain.newest.number > 10 &&
        timeline().hold(chain.reorganise(chance.between(1, 2), () => chance.rarely(4))),
      stall: () => {
        chain.stallSeconds = chance.between(5, 100)
      },
      fullDisk: () => {
        hub.diskIsFull = true
        this.#for(chance.between(1_000, 30_000), () => {
          hub.diskIsFull = false
        })
      },
      clockJump: () => {
        hub.clockOffsetMs = chance.between(-20_000, 20_000)
        this.#for(chance.between(5_000, 60_000), () => {
          hub.clockOffsetMs = 0
        })
      },
      oldLedger: () => (chance.rarely(2) ? hub.backUp() : hub.goBack()),
      failOver: () => (chance.rarely(2) ? hub.backUp() : hub.failOver()),
      nonceGap: () => {
        const { address } = hub.identity
        const hash = chain.inject(address, address, '0x')
        this.#for(chance.between(500, 15_000), () => chain.forget((each) => each.hash === hash))
      },
      forgotten: () => chain.forget(() => chance.rarely(2)),
    }
    begin[fault]()
  }

  #partition(): void {
    const { network } = this.world
    const { chance } = timeline()
    const others = ['node-1', 'node-2', 'node-3', 'provider-1', 'provider-2', 'rogue-provider-1']
    for (const other of others) if (chance.rarely(3)) network.cut('hub', other)
    this.#for(chance.between(2_000, 90_000), () => network.heal())
  }

  /** All nodes answer, and stand still: as one provider of nodes behind three names does. */
  #allFrozen(): void {
    const { nodes } = this.world
    if (nodes.some((node) => node.fault !== 'none')) return
    for (const node of nodes) node.fall('frozen')
    this.#for(timeline().chance.between(60_000, 280_000), () => {
      for (const node of nodes) node.fall('none')
    })
  }

  #node(fault: NodeFault): void {
    const { chance } = timeline()
    // Of three nodes, one at a time is bad: that is what a hub is told to name three for.
    if (this.world.nodes.some((node) => node.fault !== 'none')) return
    const node = chance.one(this.world.nodes)
    node.fall(fault)
    this.#for(chance.between(5_000, 150_000), () => node.fall('none'))
  }
}
