import { type ChannelParties, type Hex, systemClock, wei } from '@pontage/shared'
import {
  connectLink,
  createKemKeys,
  encodePromise,
  generateWireguardKeys,
  type Identity,
  type Link,
  publicPath,
  wireguardKeyFromHex,
  wireguardKeyToHex,
} from '@pontage/shared/node'
import { documents } from '../chain/contracts.js'
import { idOf } from '../chain/state.js'
import type { CreditJudge } from '../judge/credit.js'
import { kernelOf } from '../kernel/kernel.js'
import type { Traffic } from '../kernel/traffic.js'
import { Process, timeline } from '../stage/timeline.js'
import { logOf } from './hub.js'
import { guaranteeRequest, newLine, promise } from './lines.js'
import { nameOf, tokens } from './people.js'
import type { ProviderMachine } from './providerMachine.js'

/** Milliseconds within which a provider that died serves again, and gives what it gives. */
const untilBackMs = 40_000

/** A consumer that opens sessions, takes what it is given ahead of payment, and pays as little as it likes. */
export class Freeloader {
  readonly #process: Process
  readonly #signed = new Map<string, bigint>()
  #isBusy = false
  /** Whose session it has. */
  at: ProviderMachine | undefined

  constructor(
    readonly identity: Identity,
    readonly name: string,
    private readonly hub: Identity,
    private readonly traffic: Traffic,
    private readonly judge: CreditJudge,
  ) {
    this.#process = new Process(name, timeline().seed)
  }

  /** One session, on one of its channels; what it does with it is drawn. */
  take(provider: ProviderMachine, parties: ChannelParties): void {
    if (this.#isBusy) return
    this.#isBusy = true
    const done = () => {
      kernelOf(this.name).interfaces.clear()
      this.judge.ends(this.name)
      this.at = undefined
      this.#isBusy = false
    }
    timeline().plan(
      0,
      () =>
        void this.#session(provider, parties)
          .catch(() => undefined)
          .finally(done),
      this.#process,
    )
  }

  async #session(provider: ProviderMachine, parties: ChannelParties): Promise<void> {
    const { chance } = timeline()
    const [tunnel] = kernelOf(provider.name).interfaces.values()
    if (!tunnel) return
    const dialled = await connectLink({
      url: `wss://${provider.address}:7711${publicPath(wireguardKeyToHex(tunnel.publicKey))}`,
      self: { identity: this.identity, typedData: documents, clock: systemClock },
      handlers: {},
      log: logOf(this.name),
      timeoutMs: 5_000,
    })
    if (!dialled.ok) return
    const { link } = dialled
    try {
      await this.#use(link, provider, parties)
      if (chance.rarely(2)) await timeline().wait(chance.between(100, 3_000))
    } finally {
      if (chance.rarely(2)) link.close()
      else link.terminate()
    }
  }

  async #use(link: Link, provider: ProviderMachine, parties: ChannelParties): Promise<void> {
    const { chance } = timeline()
    const line = newLine(parties, provider.identity.address)
    const given = await link.request('terms', { channel: parties })
    if (!given.ok) return
    const keys = generateWireguardKeys()
    const kem = await createKemKeys()
    const before = this.#signed.get(`${idOf(parties)} ${provider.name}`) ?? 0n
    const asked = wei(before + tokens(chance.one([1, 3, 5])))
    const opened = await link.request(
      'open',
      {
        channel: parties,
        wireguardKey: wireguardKeyToHex(keys.publicKey),
        encapsulationKey: kem.encapsulationKey,
        guaranteeRequest: guaranteeRequest(line, this.identity, asked),
      },
      30_000,
    )
    if (!opened.ok) return
    const { tunnel, session } = opened.value
    this.at = provider
    this.judge.begins({
      ...{ machine: this.name, identity: nameOf(this.identity.address) },
      ...{ provider: provider.name, channel: line.channelId },
    })
    const kernel = kernelOf(this.name)
    kernel.make('free0')
    kernel.configure('free0', {
      privateKey: keys.privateKey,
      peers: [
        {
          publicKey: wireguardKeyFromHex(tunnel.publicKey),
          presharedKey: wireguardKeyFromHex(kem.keyOf(tunnel)),
          allowedIps: ['0.0.0.0/0'],
          endpoint: { host: provider.address, port: tunnel.port },
        },
      ],
    })
    const made = kernel.interfaces.get('free0')
    if (made) made.addresses = { address4: tunnel.address4, gateway4: tunnel.gateway4 }
    this.traffic.want(this.name, { down: chance.one([400_000, 3_000_000]), up: chance.one([0, 200_000]) })
    // The most is beyond what was guaranteed.
    const spends = chance.one([0, 0, 1, 3, 60])
    for (let step = 1; step <= 4; step++) {
      await timeline().wait(chance.between(500, 4_000))
      if (spends > 0)
        this.#pay(
          link,
          line.channelId,
          provider,
          parties,
          before + (tokens(spends * 0.1) * BigInt(step)) / 4n,
        )
    }
    if (chance.rarely(2)) await this.#stay(link)
    if (!chance.rarely(3)) await link.request('end', { session }, 3_000)
  }

  /** Takes what is left, and what a provider gives that died meanwhile, once it is back. */
  async #stay(link: Link): Promise<void> {
    let hasDied = false
    void link.closed.then(() => {
      hasDied = true
    })
    await timeline().wait(timeline().chance.between(5_000, 20_000))
    if (hasDied) await timeline().wait(untilBackMs)
  }

  #pay(link: Link, channelId: Hex, provider: ProviderMachine, parties: ChannelParties, amount: bigint): void {
    const total = wei(amount)
    this.#signed.set(`${idOf(parties)} ${provider.name}`, total)
    const signature = promise({ channelId, provider: provider.identity.address }, this.identity, total)
    link.sendFrame(encodePromise({ channelId, amount: total, signature }))
  }

  /** One of its channels. */
  channel(nonce: number): ChannelParties {
    return { consumer: this.identity.address, hub: this.hub.address, nonce }
  }
}
