import type { Address, Hex } from '@pontage/shared'
import {
  type Link,
  openRelay,
  type PacketRelay,
  pinned,
  readWireguard,
  type WireguardEndpoint,
  type WireguardInterface,
} from '@pontage/shared/node'
import { type Context, link, unwrap } from '../context.js'

const connectWithinMs = 5_000
const pingEveryMs = 2_000

/** Where the other end of the tunnel is, by either carrier. */
export interface Reached {
  readonly udp: WireguardEndpoint
  readonly url: string
  readonly provider: Address
  readonly certificate: Hex
  readonly hostname?: string
  readonly session: string
  /** Inside the tunnel. */
  readonly gateway4: string
}

/** The carrier `wss`: WireGuard speaks to a relay on the loopback, which outlives its connection. */
export class WssCarrier {
  #relay: PacketRelay | undefined
  #link: Link | undefined
  isOpen = false

  constructor(
    private readonly context: Context,
    private readonly to: Reached,
  ) {}

  get endpoint(): WireguardEndpoint | undefined {
    return this.#relay && { host: '127.0.0.1', port: this.#relay.port }
  }

  /** Connects, in place of the connection before. @throws Error when the provider does not carry. */
  async connect(tunnel: WireguardInterface): Promise<void> {
    const { url, provider, certificate, hostname, session } = this.to
    const relay = this.#relay ?? (await openRelay())
    this.#relay = relay
    await relay.face((await readWireguard(tunnel)).listenPort)
    const { link: opened } = unwrap(
      await link(this.context, {
        ...{ url, expectPeer: provider, pingEveryMs, ...pinned(certificate) },
        ...(hostname === undefined ? {} : { hostname }),
        timeoutMs: connectWithinMs,
        handlers: { packets: (frame, from) => relay.take(frame, from) },
      }),
    )
    if (this.#relay !== relay) {
      opened.terminate()
      throw new Error('It was closed meanwhile.')
    }
    const before = this.#link
    this.#link = opened
    relay.use(opened)
    const carried = await opened.request('carry', { session }, connectWithinMs)
    before?.terminate()
    if (!carried.ok) {
      opened.close()
      unwrap(carried)
    }
    relay.begin()
    this.isOpen = true
    void opened.closed.then(() => {
      if (this.#link === opened) this.isOpen = false
    })
  }

  close(): void {
    this.isOpen = false
    this.#link?.close()
    this.#relay?.close()
    this.#link = undefined
    this.#relay = undefined
  }
}
