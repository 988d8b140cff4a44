import { type ChannelParties, finalState, type Hex, money } from '@pontage/shared'
import { type Identity, signChannelState } from '@pontage/shared/node'
import type { Chain } from '../chain/chain.js'
import { deployment } from '../chain/deployment.js'
import type { Judge } from '../judge/judge.js'
import { timeline } from '../stage/timeline.js'
import { promise } from './lines.js'
import { Post } from './post.js'
import type { HonestProvider } from './provider.js'

/** A consumer that keeps to the protocol: it signs growing totals, closes together or leaves alone. */
export class HonestConsumer {
  readonly post: Post
  #parties: ChannelParties
  #isClosing = false
  /** Totals it signed, by provider; they never fall. */
  readonly #signed = new Map<HonestProvider, bigint>()

  constructor(
    readonly name: string,
    identity: Identity,
    private readonly chain: Chain,
    private readonly hub: { readonly url: string; readonly identity: Identity },
    private readonly judge: Judge,
  ) {
    this.post = new Post(name, identity, chain, hub)
    this.#parties = { consumer: identity.address, hub: hub.identity.address, nonce: 0 }
  }

  get #channel(): money.Channel | undefined {
    return money.channelOf(this.chain.newest.state.money, this.#parties)
  }

  /** Begins a channel, or another one after the last has ended. */
  open(amount: bigint): void {
    const channel = this.#channel
    if (channel?.open) return
    if (channel) {
      this.#parties = { ...this.#parties, nonce: this.#parties.nonce + 1 }
      this.#isClosing = false
      this.#signed.clear()
    }
    this.post.send('open', this.hub.identity.address, this.#parties.nonce, amount)
  }

  deposit(amount: bigint): void {
    if (this.#channel?.open && !this.#isClosing) this.post.send('deposit', this.#parties, amount)
  }

  /** Buys from a provider for some while: a total after the other, each larger. */
  async buy(provider: HonestProvider, amount: bigint): Promise<void> {
    const channel = this.#channel
    if (!channel?.open || channel.exitAt > 0 || this.#isClosing) return
    const line = provider.line(this.#parties)
    const before = this.#signed.get(provider) ?? 0n
    const target = before + amount
    const drawnOf = (each: HonestProvider) =>
      money.tabOf(this.chain.newest.state.money, this.#parties, each.post.address).drawn
    // What it signed and nobody has drawn yet is still in the channel.
    const bound = [...this.#signed].reduce((sum, [each, total]) => sum + total - drawnOf(each), 0n)
    if (bound + amount > channel.balance) return
    if (!(await provider.guarantee(line, this.post.identity, target))) return
    const steps = timeline().chance.between(1, 4)
    for (let step = 1; step <= steps; step++) {
      await timeline().wait(timeline().chance.between(50, 3_000))
      const total = before + (amount * BigInt(step)) / BigInt(steps)
      if (this.#isClosing || total <= (this.#signed.get(provider) ?? 0n)) return
      this.#signed.set(provider, total)
      this.judge.signed(this.name, this.#parties, provider.name, total)
      this.judge.signs(line, total)
      const signature = promise(line, this.post.identity, total)
      await timeline().wait(timeline().chance.between(5, 60))
      provider.accept(line, total, signature)
    }
  }

  /** Closes with its hub. */
  async close(): Promise<void> {
    const channel = this.#channel
    if (!channel?.open || channel.exitAt > 0) return
    const link = await this.post.link()
    const draft = await link?.request('close-draft', { channel: this.#parties })
    if (!draft?.ok || !link) return
    const { turnNum, totals, releases } = draft.value
    const byAddress = new Map([...this.#signed].map(([provider, total]) => [provider.post.address, total]))
    // It signs nothing that pays more than it promised.
    if (totals.some(({ provider, amount }) => amount > (byAddress.get(provider) ?? 0n))) return
    this.#isClosing = true
    const state = finalState(deployment, this.#parties, { totals, releases })
    const signature: Hex = await timeline().hold(signChannelState(state, this.post.identity.privateKey))
    await link.request('conclude', { channel: this.#parties, turnNum, totals, releases, signature }, 60_000)
  }

  /** Leaves alone: asks for its exit, or takes what is left once that is due. */
  leave(): void {
    const channel = this.#channel
    if (!channel?.open || this.#isClosing) return
    if (channel.exitAt === 0) this.post.send('requestExit', this.hub.identity.address, this.#parties.nonce)
    if (channel.exitAt === 0 || this.chain.newest.at < channel.exitAt) return
    const tabs = [...(this.chain.newest.state.money.tabs.get(money.channelKey(this.#parties)) ?? [])]
    const protesters = tabs.filter(([, tab]) => tab.protestEndsAt > 0).map(([provider]) => provider)
    this.post.send('exit', this.#parties, protesters)
  }
}
