import { type PromiseFrame, systemClock, wei } from '@pontage/shared'
import {
  connectChain,
  connectLink,
  createLog,
  createTypedData,
  type Link,
  type TypedData,
} from '@pontage/shared/node'
import { type Crowd, channelAt, channelsOf, consumerOf, hubIdentity, promiseAt, providerAt } from './crowd.js'

// The providers of a benchmark, in one process: they sign their consumers' papers beforehand, then clear them.

/** What this process is told first. */
export interface DriverOrder {
  /** Of the hub's processes: the providers are spread over them. */
  readonly ports: readonly number[]
  readonly rpc: string
  readonly deploymentFile: string
  readonly crowd: Crowd
}

/** One load; the papers for it are signed before it begins. */
export interface Load {
  /** Channels in one clear. */
  readonly batch: number
  /** Clears under way on each connection at once. */
  readonly ahead: number
  /** Clears in all, or fewer: after `maxSeconds` no more are begun. */
  readonly clears: number
  /** Clears a second over all connections; without, as fast as they are answered. */
  readonly perSecond?: number
}

/** What a load came to. */
export interface LoadResult {
  readonly cleared: number
  readonly seconds: number
  readonly p50Ms: number
  readonly p99Ms: number
}

interface Paper {
  readonly provider: number
  readonly promises: readonly PromiseFrame[]
}

const dialsAtOnce = 50
/** Connections that wait for an answer at once; where there are more, they take turns. */
const maxAtOnce = 1_000
/** Guarantees that each provider waits for at once. */
const sessionsAhead = 4
/** Until somebody who was sent away dials again. */
const retryMs = 20
const patienceMs = 120_000
/** A slow machine measures over fewer clears, not for longer. */
const maxSeconds = 10

process.once('message', (order: DriverOrder) => void drive(order))
process.once('disconnect', () => process.exit())

async function drive({ ports, rpc, deploymentFile, crowd }: DriverOrder): Promise<void> {
  const chain = await connectChain({ rpc, deploymentFile, confirmations: 0 })
  const typedData = createTypedData(chain.deployment)
  const people = Array.from({ length: crowd.providers }, (_, index) => providerAt(index))
  const links: Link[] = []
  const dial = async (index: number): Promise<Link> => {
    const dialled = await connectLink({
      url: `ws://127.0.0.1:${ports[index % ports.length]}`,
      self: { identity: people[index] ?? providerAt(index), typedData, clock: systemClock },
      expectPeer: hubIdentity().address,
      handlers: {},
      log: createLog('bench-driver', 'error'),
      timeoutMs: patienceMs,
    })
    if (!dialled.ok) throw new Error(JSON.stringify(dialled.refusal))
    return dialled.link
  }
  for (let first = 0; first < crowd.providers; first += dialsAtOnce) {
    const count = Math.min(dialsAtOnce, crowd.providers - first)
    links.push(...(await Promise.all(Array.from({ length: count }, (_, index) => dial(first + index)))))
  }

  const rounds = new Map<number, number>()
  /** Every provider in turn, each its channels in turn; a channel's total grows by 100 wei each time. */
  const sign = async ({ batch, clears }: Load): Promise<Paper[]> => {
    const next = new Map<number, number>()
    const signed: Paper[] = []
    for (let index = 0; index < clears; index++) {
      const provider = index % crowd.providers
      const own = channelsOf(crowd, provider)
      const from = next.get(provider) ?? 0
      next.set(provider, from + batch)
      const { address } = people[provider] ?? providerAt(provider)
      const promises = Array.from({ length: batch }, (_, place) => {
        const channel = own[(from + place) % own.length] ?? 0
        const round = (rounds.get(channel) ?? 0) + 1
        rounds.set(channel, round)
        return promiseAt(typedData, channel, address, 100n * BigInt(round))
      })
      signed.push({ provider, promises })
      // Whoever does not answer a ping for long is cut off.
      if ((index * batch) % 500 < batch) await new Promise((resolve) => setImmediate(resolve))
    }
    return signed
  }
  /** One provider dials, shows what it holds, as a hub that recovers expects, and clears, until that succeeds. */
  const again = async (): Promise<void> => {
    const load = { batch: 1, ahead: 1, clears: 1 }
    const papers = await sign(load)
    for (;;)
      try {
        const link = await dial(0)
        links[0] = link
        await link.request('recall', { hubPromise: null, guarantees: [], cleared: [] }, patienceMs)
        return void (await run(links, [...papers], load))
      } catch {
        await new Promise((resolve) => setTimeout(resolve, retryMs))
      }
  }
  process.send?.('connected')
  process.on('message', (asked: { sign: Load } | { go: Load } | 'begin' | 'again' | 'stop') => {
    if (asked === 'stop') process.exit()
    if (asked === 'begin')
      void beginSessions(links, typedData, crowd).then((result) => {
        process.send?.(result)
      })
    else if (asked === 'again') void again().then(() => process.send?.('again'))
    else if ('sign' in asked)
      void sign(asked.sign).then((signed) => {
        papers = signed
        process.send?.('signed')
      })
    else
      void run(links, papers.splice(0), asked.go).then((result) => {
        process.send?.(result)
      })
  })
  let papers: Paper[] = []
}

/** Every provider asks for a guarantee on each of its channels, some at a time. @throws Error when one is refused */
async function beginSessions(
  links: readonly Link[],
  typedData: TypedData,
  crowd: Crowd,
): Promise<{ guaranteed: number; seconds: number }> {
  const queues = links.map((link, index) => ({
    link,
    asked: channelsOf(crowd, index).map((channel) => {
      const consumer = consumerOf(channel)
      const request = {
        ...{ channelId: channelAt(channel), provider: providerAt(index).address },
        ...{ ceiling: wei(1_000n), issuedAt: systemClock.now() },
      }
      return {
        channel: { consumer: consumer.address, hub: hubIdentity().address, nonce: channel },
        request: typedData.signed('GuaranteeRequest', request, consumer.privateKey),
      }
    }),
  }))
  const began = performance.now()
  const ask = async ({ link, asked }: (typeof queues)[number]) => {
    for (let next = asked.shift(); next; next = asked.shift()) {
      const answer = await link.request('guarantee', next, patienceMs)
      if (!answer.ok) throw new Error(`A guarantee was refused: ${JSON.stringify(answer.refusal)}`)
    }
  }
  await Promise.all(queues.flatMap((queue) => Array.from({ length: sessionsAhead }, () => ask(queue))))
  return { guaranteed: crowd.providers * crowd.channelsEach, seconds: (performance.now() - began) / 1_000 }
}

/** Sends every paper, each connection its own in order, and waits for all answers. @throws Error when one is refused */
async function run(links: readonly Link[], papers: readonly Paper[], load: Load): Promise<LoadResult> {
  const queues = new Map<number, Paper[]>()
  for (const paper of papers) {
    const lane = paper.provider % maxAtOnce
    const queue = queues.get(lane)
    if (queue) queue.push(paper)
    else queues.set(lane, [paper])
  }
  const latencies: number[] = []
  let cleared = 0
  const clear = async ({ provider, promises }: Paper, since = performance.now()): Promise<void> => {
    const answer = await links[provider]?.request('clear', { promises }, patienceMs)
    if (!answer?.ok) throw new Error(`A clear was refused: ${JSON.stringify(answer)}`)
    // Of two clears under way, the later may be first; its larger totals then stand for both.
    const refused = answer.value.refused.filter(({ code }) => code !== 'below-accepted')
    if (refused.length > 0) throw new Error(`A promise was refused: ${JSON.stringify(refused[0])}`)
    latencies.push(performance.now() - since)
    cleared += promises.length
  }
  const began = performance.now()
  const isLate = () => performance.now() - began > maxSeconds * 1_000
  if (load.perSecond === undefined)
    await Promise.all(
      [...queues.values()].flatMap((queue) =>
        Array.from({ length: load.ahead }, async () => {
          for (let paper = queue.shift(); paper && !isLate(); paper = queue.shift()) await clear(paper)
        }),
      ),
    )
  else await paced(papers, load.perSecond, began, clear)
  latencies.sort((a, b) => a - b)
  const at = (share: number) =>
    latencies[Math.min(latencies.length - 1, Math.floor(share * latencies.length))] ?? 0
  return { cleared, seconds: (performance.now() - began) / 1_000, p50Ms: at(0.5), p99Ms: at(0.99) }
}

/** Sends at a steady rate whatever comes back, each timed from when it was due: who falls behind is not spared. */
async function paced(
  papers: readonly Paper[],
  perSecond: number,
  began: number,
  clear: (paper: Paper, since: number) => Promise<void>,
): Promise<void> {
  const under: Promise<void>[] = []
  while (under.length < papers.length) {
    const due = Math.min(papers.length, Math.floor(((performance.now() - began) / 1_000) * perSecond))
    for (let index = under.length; index < due; index++) {
      const paper = papers[index]
      if (paper) under.push(clear(paper, began + (index / perSecond) * 1_000))
    }
    await new Promise((resolve) => setTimeout(resolve, 1))
  }
  await Promise.all(under)
}
