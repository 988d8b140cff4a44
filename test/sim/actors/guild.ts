import {
  type Address,
  type ChannelParties,
  finalState,
  type Hex,
  money,
  type Result,
  refuse,
  type Signed,
  unixSeconds,
  wei,
} from '@pontage/shared'
import { type Identity, type Link, signChannelState } from '@pontage/shared/node'
import type { Chain } from '../chain/chain.js'
import { documents } from '../chain/contracts.js'
import { deployment } from '../chain/deployment.js'
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
  promise,
} from './lines.js'
import { nameOf, tokens } from './people.js'
import type { Plot } from './plots.js'
import { Post } from './post.js'

/** One thing that a dishonest party can do. */
export const moves = [
  'open',
  'deposit',
  'guarantee',
  'guaranteeAll',
  'clear',
  'clearOld',
  'clearForged',
  'protest',
  'protestUnit',
  'settle',
  'draw',
  'redeem',
  'redeemOld',
  'exit',
  'finish',
  'close',
  'closeStale',
  'recall',
  'recallOld',
  'hurry',
  'flood',
  'repeat',
  'sweep',
] as const
export type Move = (typeof moves)[number]

type Voice = { readonly post: Post; promised: { total: bigint; signature: Hex }[] }

/** Channels of each consumer with a plot, one after the other. */
const ownNonces = Array.from({ length: 12 }, (_, nonce) => nonce)

type Place = { readonly consumer: Voice; readonly provider: Voice; readonly parties: ChannelParties }
const isGuaranteed = (line: Line, now: number) => bestGuarantee(line, now) !== undefined
const isCleared = ({ stamped }: Line, _now: number, drawn: bigint) => (stamped.at(-1)?.amount ?? 0n) > drawn
/** On what a move can come to something. */
const promising: Readonly<Partial<Record<Move, (line: Line, now: number, drawn: bigint) => boolean>>> = {
  ...{ clear: isGuaranteed, clearOld: isGuaranteed, clearForged: isGuaranteed, draw: isGuaranteed },
  ...{ protest: isCleared, protestUnit: isCleared },
}

/** Consumers and providers who know each other's keys, and want what is not theirs. */
export class Guild {
  readonly #consumers: readonly Voice[]
  readonly #providers: readonly Voice[]
  readonly #lines = new Map<string, Line>()
  readonly #drafts = new Map<Hex, Result<'close-draft'>>()
  #lastRequest: (() => Promise<unknown>) | undefined

  constructor(
    people: { readonly consumers: readonly Identity[]; readonly providers: readonly Identity[] },
    private readonly chain: Chain,
    private readonly hub: { readonly url: string; readonly identity: Identity },
    private readonly judge: Pick<Judge, 'say' | 'signs'>,
    /** What they are able to do in this run. */
    readonly able: readonly Move[],
    private readonly plot?: Plot,
  ) {
    const voice = (identity: Identity, isProvider: boolean): Voice => ({
      post: new Post(
        nameOf(identity.address),
        identity,
        chain,
        hub,
        isProvider ? { requests: { release: (params) => this.#release(identity, params.channel) } } : {},
      ),
      promised: [],
    })
    this.#consumers = people.consumers.map((each) => voice(each, false))
    this.#providers = people.providers.map((each) => voice(each, true))
    if (plot?.isPunctual) chain.onBlock.push(({ at }) => this.#settleWhatIsDue(at))
  }

  /** Does one move that this run allows. */
  step(): void {
    const { chance } = timeline()
    const name = chance.one(this.able)
    const consumer = chance.one(this.#consumers)
    const provider = chance.one(this.#providers)
    timeline().trace.note(`guild ${name}`)
    consumer.post.act(async () => this.#do(name, consumer, provider))
  }

  async #do(name: Move, anyConsumer: Voice, anyProvider: Voice): Promise<void> {
    const { chance } = timeline()
    const place = this.#place(name, anyConsumer, anyProvider)
    if (!place) return
    const { consumer, provider, parties } = place
    const line = this.#line(parties, provider)
    const balance = this.#channel(parties)?.balance ?? 0n
    const hub = this.hub.identity.address
    const { drawn } = money.tabOf(this.chain.newest.state.money, parties, line.provider)
    const clearThat = (amount: bigint, by: Identity) => {
      const isForged = by.address !== parties.consumer
      return this.#clear(provider, [{ line, amount, signature: this.#sign(line, by, amount), isForged }])
    }
    const acts: Readonly<Record<Move, () => unknown>> = {
      open: () =>
        consumer.post.send('open', hub, this.#nonceToOpen(consumer), tokens(chance.one([1, 5, 20, 100]))),
      deposit: () => provider.post.send('deposit', parties, tokens(chance.one([1, 5, 30]))),
      guarantee: () => this.#guarantee(line, consumer, provider, this.#near(balance)),
      guaranteeAll: () =>
        Promise.all(
          this.#providers.map((each) => this.#guarantee(this.#line(parties, each), consumer, each, balance)),
        ),
      clear: () => this.#clearMore(line, consumer, provider, balance),
      clearOld: () => clearThat(line.promised / 2n, consumer.post.identity),
      clearForged: () => clearThat(line.promised + tokens(1), chance.one(this.#consumers).post.identity),
      sweep: () =>
        this.#clear(
          provider,
          this.#linesOf(provider).map((each) => ({
            ...{ line: each, amount: each.promised, signature: each.signature },
          })),
        ),
      protest: () => this.#protest(line, consumer, this.#near(balance + line.promised)),
      protestUnit: () => this.#protest(line, consumer, drawn + 1n),
      settle: () => consumer.post.send('settleProtest', parties, line.provider),
      draw: () => this.#draw(line, consumer, provider),
      redeem: () => this.#redeem(provider, provider.promised.at(-1)),
      redeemOld: () => this.#redeem(provider, provider.promised[0]),
      exit: () => consumer.post.send('requestExit', hub, parties.nonce),
      finish: () => {
        const protesters = this.#protestsOn(parties).map(([each]) => each)
        consumer.post.send('exit', parties, protesters)
      },
      close: () => this.#close(consumer, parties, false),
      closeStale: () => this.#close(consumer, parties, true),
      recall: () => this.#recall(provider, false),
      recallOld: () => this.#recall(provider, true),
      hurry: () => {
        for (const each of this.#consumers) each.post.send('requestExit', hub, this.#nonce(each))
      },
      flood: () => {
        for (let nonce = 0; nonce < 12; nonce++) {
          const other = this.#line({ ...parties, nonce: nonce % 3 }, chance.one(this.#providers))
          this.#protest(other, consumer, tokens(0.001) * BigInt(nonce + 1))
        }
      },
      repeat: () => this.#lastRequest?.(),
    }
    await acts[name]()
  }

  #sign(line: Line, by: Identity, amount: bigint): Hex {
    if (by.address === line.parties.consumer) this.judge.signs(line, amount)
    return promise(line, by, amount)
  }

  #clearMore(line: Line, consumer: Voice, provider: Voice, balance: bigint): Promise<void> {
    const best = bestGuarantee(line, this.chain.newest.at)
    const target = this.#near(best?.ceiling ?? balance)
    if (target > line.promised) {
      line.promised = target
      line.signature = this.#sign(line, consumer.post.identity, target)
    }
    return this.#clear(provider, [{ line, amount: line.promised, signature: line.signature }])
  }

  #draw(line: Line, consumer: Voice, provider: Voice): void {
    const guarantee = bestGuarantee(line, this.chain.newest.at)
    if (!guarantee) return
    const isWhole = line.promised > guarantee.ceiling || timeline().chance.rarely(2)
    const promised = isWhole ? guarantee.ceiling : line.promised
    const signature = this.#sign(line, consumer.post.identity, promised)
    provider.post.send('drawMany', [drawArguments({ ...line, promised, signature }, guarantee)])
  }

  #redeem(provider: Voice, held: { total: bigint; signature: Hex } | undefined): void {
    const { total, signature } = held ?? { total: 0n, signature: '0x' as Hex }
    provider.post.send('redeem', {
      ...{ hub: this.hub.identity.address, provider: provider.post.address, total, signature },
    })
  }

  #channel(parties: ChannelParties): money.Channel | undefined {
    return money.channelOf(this.chain.newest.state.money, parties)
  }

  #someChannel(consumer: Voice): ChannelParties {
    return this.#parties(consumer, this.#nonce(consumer))
  }

  /** Its channels that stand, and that nobody leaves. */
  #standing(consumer: Voice): number[] {
    return ownNonces.filter((nonce) => this.#stands(this.#parties(consumer, nonce)))
  }

  #stands(parties: ChannelParties): boolean {
    const channel = this.#channel(parties)
    return channel?.open === true && channel.exitAt === 0
  }

  #parties = (consumer: Voice, nonce: number): ChannelParties => ({
    ...{ consumer: consumer.post.address, hub: this.hub.identity.address, nonce },
  })

  /** With a plot: mostly one that stands. */
  #nonce(consumer: Voice): number {
    const { chance } = timeline()
    if (!this.plot) return chance.dice(3)
    return (chance.rarely(8) ? undefined : chance.any(this.#standing(consumer))) ?? chance.one(ownNonces)
  }

  /** With a plot: another one only when none stands. */
  #nonceToOpen(consumer: Voice): number {
    if (!this.plot) return timeline().chance.dice(3)
    const [standing] = this.#standing(consumer)
    return standing ?? ownNonces.find((nonce) => !this.#channel(this.#parties(consumer, nonce))) ?? 0
  }

  /** With a plot: mostly where the move can come to something, or undefined where it cannot. */
  #place(name: Move, consumer: Voice, provider: Voice): Place | undefined {
    const anywhere = { consumer, provider, parties: this.#someChannel(consumer) }
    const isPromising = promising[name]
    if (!this.plot || !isPromising || timeline().chance.rarely(6)) return anywhere
    const { newest } = this.chain
    const line = timeline().chance.any(
      [...this.#lines.values()].filter(
        (each) =>
          this.#stands(each.parties) &&
          isPromising(each, newest.at, money.tabOf(newest.state.money, each.parties, each.provider).drawn),
      ),
    )
    if (!line) return name.startsWith('protest') ? undefined : anywhere
    const owner = this.#consumers.find(({ post }) => post.address === line.parties.consumer) ?? consumer
    const seller = this.#providers.find(({ post }) => post.address === line.provider) ?? provider
    return {
      consumer: owner,
      provider: name.startsWith('protest') ? provider : seller,
      parties: line.parties,
    }
  }

  #line(parties: ChannelParties, provider: Voice): Line {
    const key = `${money.channelKey(parties)} ${provider.post.address}`
    const known = this.#lines.get(key) ?? newLine(parties, provider.post.address)
    this.#lines.set(key, known)
    return known
  }

  #linesOf = (provider: Voice): Line[] =>
    [...this.#lines.values()].filter((line) => line.provider === provider.post.address && line.promised > 0n)

  /** All of it, nearly, a part, or more than there is. */
  #near(amount: bigint): bigint {
    const { chance } = timeline()
    const part = (amount * BigInt(chance.dice(1_001))) / 1_000n
    return chance.one([amount, amount, part, part, part, amount + 1n, amount > 0n ? amount - 1n : 0n])
  }

  async #guarantee(line: Line, consumer: Voice, provider: Voice, ceiling: bigint): Promise<void> {
    const link = await provider.post.link()
    if (!link || ceiling === 0n) return
    const request = guaranteeRequest(line, consumer.post.identity, ceiling)
    const ask = () => link.request('guarantee', { channel: line.parties, request })
    this.#lastRequest = ask
    const answer = await ask()
    if (answer.ok) line.guarantees.push(answer.value.guarantee)
  }

  async #clear(
    provider: Voice,
    sent: readonly { line: Line; amount: bigint; signature: Hex; isForged?: boolean }[],
  ): Promise<void> {
    const link = await provider.post.link()
    const promises = sent
      .filter(({ amount, signature }) => amount > 0n && signature !== '0x')
      .map(({ line: { channelId }, amount, signature }) => ({ channelId, amount: wei(amount), signature }))
    if (!link || promises.length === 0) return
    const ask = () => link.request('clear', { promises })
    this.#lastRequest = ask
    const answer = await ask()
    if (!answer.ok) return
    const { total, signature, guarantees, refused, stamps } = answer.value
    keepStamps(
      sent.map(({ line }) => line),
      promises,
      stamps,
    )
    for (const { line, isForged } of sent)
      if (isForged && !refused.some(({ channelId }) => channelId === line.channelId))
        this.judge.say(
          'a promise counts if its consumer signed it',
          `${nameOf(line.provider)} showed another`,
        )
    if (total > (provider.promised.at(-1)?.total ?? 0n)) provider.promised.push({ total, signature })
    for (const guarantee of guarantees) this.#keep(guarantee)
  }

  #keep(guarantee: Signed<'Guarantee'>): void {
    for (const line of this.#lines.values())
      if (line.channelId === guarantee.channelId && line.provider === guarantee.provider)
        line.guarantees.push(guarantee)
  }

  #protest(line: Line, consumer: Voice, amount: bigint): void {
    const signature = this.#sign(line, consumer.post.identity, amount)
    consumer.post.send('protest', line.parties, line.provider, amount, signature)
  }

  #protestsOn(parties: ChannelParties): [Address, money.Tab][] {
    const tabs = this.chain.newest.state.money.tabs.get(money.channelKey(parties)) ?? []
    return [...tabs].filter(([, tab]) => tab.protestEndsAt > 0)
  }

  /** Before anybody else has seen the block. */
  #settleWhatIsDue(at: number): void {
    for (const consumer of this.#consumers)
      for (const nonce of ownNonces) {
        const parties = this.#parties(consumer, nonce)
        for (const [provider, { protestEndsAt }] of this.#protestsOn(parties))
          if (protestEndsAt <= at) consumer.post.send('settleProtest', parties, provider)
      }
  }

  async #close(consumer: Voice, parties: ChannelParties, isStale: boolean): Promise<void> {
    const link = await consumer.post.link()
    if (!link) return
    const draft = await link.request('close-draft', { channel: parties })
    if (draft.ok && !isStale) this.#drafts.set(idOf(parties), draft.value)
    const value = isStale ? this.#drafts.get(idOf(parties)) : draft.ok ? draft.value : undefined
    if (!value) return
    const state = finalState(deployment, parties, value)
    const signature = await timeline().hold(signChannelState(state, consumer.post.identity.privateKey))
    const { turnNum, totals, releases } = value
    await link.request('conclude', { channel: parties, turnNum, totals, releases, signature }, 60_000)
  }

  async #recall(provider: Voice, isOld: boolean): Promise<void> {
    const link: Link | undefined = await provider.post.link()
    const held = isOld ? provider.promised[0] : provider.promised.at(-1)
    const guarantees = this.#linesOf(provider).flatMap((line) =>
      isOld ? line.guarantees.slice(0, 1) : line.guarantees.slice(-1),
    )
    const cleared = this.#linesOf(provider).flatMap((line) =>
      isOld ? line.stamped.slice(0, 1) : line.stamped.slice(-1),
    )
    await link?.request('recall', {
      hubPromise: held ? { total: wei(held.total), signature: held.signature } : null,
      guarantees,
      cleared,
    })
  }

  /** Releases some, refuses others, and keeps promises back. */
  async #release(identity: Identity, channel: ChannelParties) {
    const { chance } = timeline()
    const line = this.#lines.get(`${money.channelKey(channel)} ${identity.address}`)
    if (!line || chance.rarely(3))
      return refuse({ code: 'channel-closing' as const, channelId: idOf(channel) })
    const upTo = unixSeconds(Math.max(nowSeconds(), ...line.guarantees.map(({ expiresAt }) => expiresAt)))
    const drawn = money.tabOf(this.chain.newest.state.money, channel, identity.address).drawn
    const amount = wei(chance.rarely(3) ? drawn : line.promised)
    const release = { provider: identity.address, channelId: line.channelId, amount, upTo }
    return {
      ok: true as const,
      value: { release: documents.signed('Release', release, identity.privateKey) },
    }
  }
}
