import {
  type ChannelParties,
  type Hex,
  netOf,
  type Refusal,
  refuse,
  type Signed,
  unixSeconds,
  wei,
} from '@pontage/shared'
import type { Handlers, Identity, Link } from '@pontage/shared/node'
import type { Chain } from '../chain/chain.js'
import { documents } from '../chain/contracts.js'
import { moneySettings } from '../chain/deployment.js'
import { idOf } from '../chain/state.js'
import type { Judge } from '../judge/judge.js'
import { timeline } from '../stage/timeline.js'
import {
  bestGuarantee,
  drawArguments,
  guaranteeRequest,
  keepStamps,
  type Line,
  newLine,
  nowSeconds,
} from './lines.js'
import { Post } from './post.js'

const clearEveryMs = 60_000
/** Seconds that a guarantee must still live for a promise under it to be taken: time to clear, or to draw alone. */
const marginSeconds = 120
/** Seconds before a guarantee ends at which what was not cleared under it is drawn without the hub. */
const drawAloneSeconds = 100
const answerTimeoutMs = 10_000
/** A hub that cannot take anything now is shown everything again, as the provider's program does it (presentHoldings.ts). */
const passing: ReadonlySet<string> = new Set([
  ...['chain-unseen', 'ledger-unavailable', 'peer-gone', 'peer-silent'],
  ...['too-many-requests', 'too-many-under-way', 'unknown-channel'],
])

const codeOf = (refusal: Refusal): string =>
  refusal.code === 'peer-refused' ? refusal.peerCode : refusal.code

/** A provider that keeps to the protocol: it takes what is guaranteed, clears, redeems, and draws when its hub is silent. */
export class HonestProvider {
  readonly post: Post
  readonly lines = new Map<Hex, Line>()
  hubPromise: { total: bigint; signature: Hex } | undefined
  /** Whether the hub has to see every promise again. */
  #showsAll = false
  #clearing: Promise<void> = Promise.resolve()

  constructor(
    readonly name: string,
    identity: Identity,
    private readonly chain: Chain,
    private readonly hub: { readonly url: string; readonly identity: Identity },
    private readonly judge: Judge,
  ) {
    this.post = new Post(name, identity, chain, hub, this.#handlers(), (link) => this.#present(link))
    const round = () => {
      void this.#round()
      timeline().plan(clearEveryMs, round, this.post.process)
    }
    timeline().plan(timeline().chance.dice(clearEveryMs), round, this.post.process)
  }

  line(parties: ChannelParties): Line {
    const known = this.lines.get(idOf(parties)) ?? newLine(parties, this.post.address)
    this.lines.set(idOf(parties), known)
    return known
  }

  /** Takes a consumer's request to the hub. @returns Whether so much is guaranteed now */
  async guarantee(line: Line, consumer: Identity, ceiling: bigint): Promise<boolean> {
    const link = await this.post.link()
    if (!link || line.isReleased) return false
    const request = guaranteeRequest(line, consumer, ceiling)
    const answer = await link.request('guarantee', { channel: line.parties, request })
    if (!answer.ok) return false
    this.#keep(answer.value.guarantee)
    return true
  }

  /** Takes a promise. @returns Whether it is accepted: only under a guarantee that leaves time */
  accept(line: Line, amount: bigint, signature: Hex): boolean {
    const guarantee = bestGuarantee(line, nowSeconds(), marginSeconds)
    if (line.isReleased || !guarantee || amount > guarantee.ceiling || amount <= line.promised) return false
    line.promised = amount
    line.signature = signature
    this.judge.accepted(line)
    return true
  }

  /** Clears what moved and renews what ends, one time after the other. */
  clear(): Promise<void> {
    this.#clearing = this.#clearing.then(() => this.#clear())
    return this.#clearing
  }

  async #clear(): Promise<void> {
    const showsAll = this.#showsAll
    const lines = [...this.lines.values()].filter(
      (line) => line.promised > 0n && (showsAll || !line.isReleased),
    )
    if (lines.length === 0) return
    const link = await this.post.link()
    if (!link) return
    const sent = lines.map((line) => ({ line, amount: line.promised }))
    const promises = sent.map(({ line, amount }) => ({
      channelId: line.channelId,
      amount: wei(amount),
      signature: line.signature,
    }))
    const answer = await link.request('clear', { promises })
    if (!answer.ok) return
    // The hub forgot something meanwhile, and has been shown too little for this answer to mean anything.
    if (this.#showsAll && !showsAll) return this.#clear()
    if (showsAll) this.#showsAll = false
    const { total, signature, guarantees, refused, stamps } = answer.value
    for (const guarantee of guarantees) this.#keep(guarantee)
    keepStamps(lines, promises, stamps)
    for (const { line, amount } of sent)
      if (!refused.some(({ channelId }) => channelId === line.channelId) && amount > line.cleared)
        line.cleared = amount
    const covered = [...this.lines.values()].reduce((sum, line) => sum + netOf(wei(line.cleared), 200), 0n)
    this.judge.cleared(this.name, this.hubPromise?.total ?? 0n, total, covered)
    if (total > (this.hubPromise?.total ?? 0n)) this.hubPromise = { total, signature }
  }

  /** Redeems what is open. */
  redeem(): void {
    const { total, signature } = this.hubPromise ?? { total: 0n, signature: '0x' as Hex }
    this.post.send('redeem', {
      hub: this.hub.identity.address,
      provider: this.post.address,
      total,
      signature,
    })
  }

  /** Draws with the guarantees it holds: all of it, or only what its hub does not answer for. */
  drawAlone(all: boolean): void {
    const now = nowSeconds()
    const orders = [...this.lines.values()].flatMap((line) => {
      const guarantee = bestGuarantee(line, now, 20)
      const isEnding = !bestGuarantee(line, now, drawAloneSeconds)
      if (!guarantee || line.promised === 0n || !(all || (isEnding && line.promised > line.cleared)))
        return []
      return [drawArguments(line, guarantee)]
    })
    if (orders.length > 0) this.post.send('drawMany', orders)
  }

  async #round(): Promise<void> {
    await this.clear()
    this.drawAlone(false)
    if (timeline().chance.rarely(6)) this.redeem()
  }

  /** Of each channel one: that which ends last, unless it covers less than was promised. */
  #keep(guarantee: Signed<'Guarantee'>): void {
    const line = this.lines.get(guarantee.channelId)
    if (!line || guarantee.ceiling < line.promised) return
    const [kept] = line.guarantees
    const isNewer =
      !kept ||
      guarantee.expiresAt > kept.expiresAt ||
      (guarantee.expiresAt === kept.expiresAt && guarantee.ceiling > kept.ceiling)
    if (isNewer) line.guarantees.splice(0, 1, guarantee)
  }

  /** Shows all it holds, also what has ended. @throws Error when the hub cannot take it now: then it connects again */
  async #present(link: Link): Promise<void> {
    const guarantees = [...this.lines.values()].flatMap((line) => line.guarantees)
    const held = this.hubPromise
    const hubPromise = held ? { total: wei(held.total), signature: held.signature } : null
    const cleared = [...this.lines.values()].flatMap((line) => line.stamped.slice(-1))
    const shown = await link.request('recall', { hubPromise, guarantees, cleared }, answerTimeoutMs)
    if (shown.ok) this.#showsAll ||= shown.value.isRecovering
    else if (passing.has(codeOf(shown.refusal)))
      throw new Error(`The hub did not take it: ${codeOf(shown.refusal)}`)
  }

  #handlers(): Handlers {
    return {
      requests: {
        release: async ({ channel }) => {
          const line = this.lines.get(idOf(channel))
          if (!line) return refuse({ code: 'unknown-channel', channelId: idOf(channel) })
          await this.clear()
          if (line.promised > line.cleared)
            return refuse({ code: 'channel-closing', channelId: line.channelId })
          line.isReleased = true
          // No guarantee that was ever given ends later than this.
          const upTo = unixSeconds(this.chain.newest.at + moneySettings.maxGuarantee)
          const release = {
            provider: this.post.address,
            channelId: line.channelId,
            amount: wei(line.cleared),
            upTo,
          }
          return {
            ok: true,
            value: { release: documents.signed('Release', release, this.post.identity.privateKey) },
          }
        },
      },
    }
  }
}
