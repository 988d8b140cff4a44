import { type Address, type Hex, systemClock } from '@pontage/shared'
import { connectLink, type Handlers, type Identity, type Link } from '@pontage/shared/node'
import type { Chain } from '../chain/chain.js'
import { channels, documents } from '../chain/contracts.js'
import { deployment } from '../chain/deployment.js'
import { Process, timeline } from '../stage/timeline.js'
import { logOf } from './hub.js'

/** Somebody who speaks to hubs over the protocol's links, and to the chain without a program of ours. */
export class Post {
  readonly process: Process
  readonly identity: Identity
  #link: Link | undefined
  #isConnecting = false

  constructor(
    readonly name: string,
    identity: Identity,
    private readonly chain: Chain,
    private readonly hub: { readonly url: string },
    private readonly handlers: Handlers = {},
    /** Done with each new link before anything else is asked on it; one with which it fails is not kept. */
    private readonly greeted: (link: Link) => Promise<void> = async () => undefined,
  ) {
    this.identity = identity
    this.process = new Process(name, timeline().seed)
  }

  get address(): Address {
    return this.identity.address
  }

  /** Runs on behalf of this machine. */
  act(work: () => Promise<void>): void {
    timeline().plan(0, () => void work(), this.process)
  }

  /** A link that stands, or is made now; undefined when the hub cannot be reached. */
  async link(): Promise<Link | undefined> {
    if (this.#link) return this.#link
    if (this.#isConnecting) return undefined
    this.#isConnecting = true
    try {
      const dialled = await connectLink({
        url: this.hub.url,
        self: { identity: this.identity, typedData: documents, clock: systemClock },
        handlers: this.handlers,
        log: logOf(this.name),
        timeoutMs: 5_000,
      })
      if (!dialled.ok) return undefined
      const { link } = dialled
      void link.closed.then(() => {
        if (this.#link === link) this.#link = undefined
      })
      try {
        await this.greeted(link)
      } catch {
        link.close()
        return undefined
      }
      this.#link = link
      return link
    } finally {
      this.#isConnecting = false
    }
  }

  /** Sends a call of PaymentChannels. */
  send(name: string, ...values: unknown[]): void {
    this.chain.inject(this.address, deployment.channels, channels.encodeFunctionData(name, values) as Hex)
  }
}
