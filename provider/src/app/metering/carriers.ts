import { type Refusal, type Result, refuse, type Verdict } from '@pontage/shared'
import { type Link, openRelay, type PacketRelay } from '@pontage/shared/node'
import type { Components } from '../components.js'
import type { LiveSession } from './liveSession.js'

/**
 * Connections that carry the packets of a session's tunnel, where UDP does not get through. They end before our own
 * WireGuard: keys, counters and limits are behind it, and know nothing of them.
 */
export class Carriers {
  /** One for each session: the latest. */
  readonly #carrying = new Map<LiveSession, Link>()
  readonly #relays = new WeakMap<Link, PacketRelay>()
  readonly #asked = new WeakSet<Link>()

  /**
   * @param wireguardPort - Our own, UDP.
   * @param find - The running session of an id.
   */
  constructor(
    private readonly components: Pick<Components, 'log'>,
    private readonly wireguardPort: number,
    private readonly find: (session: string) => LiveSession | undefined,
  ) {}

  /** Has a connection carry a session of the identity at its other end, in place of the one that did before. */
  async carry(session: string, link: Link): Promise<Verdict<{ value: Result<'carry'> }>> {
    const refused = refuse({ code: 'unknown-session', session })
    const live = this.find(session)
    if (live === undefined || live.session.consumer !== link.peer || this.#asked.has(link)) return refused
    // Before anything is waited for: a connection that asks twice at once gets one socket.
    this.#asked.add(link)
    const relay = await openRelay(onLoopback(live.addresses.address4))
    await relay.face(this.wireguardPort)
    if (this.find(session) !== live) {
      relay.close()
      return refused
    }
    this.#relays.set(link, relay)
    relay.use(link)
    relay.begin()
    void link.closed.then(() => {
      relay.close()
      this.#relays.delete(link)
      if (this.#carrying.get(live) === link) this.#carrying.delete(live)
    })
    this.#carrying.get(live)?.close()
    this.#carrying.set(live, link)
    this.components.log.info('carried over a connection', { session })
    return { ok: true, value: {} }
  }

  /** A frame of packets. @returns A refusal for a connection that carries none. */
  take(frame: Buffer, link: Link): Refusal | undefined {
    const relay = this.#relays.get(link)
    if (relay === undefined) return { code: 'malformed-frame', kind: frame[0] ?? 0, length: frame.length }
    return relay.take(frame, link)
  }

  /** The consumer of a session has hung up: nothing more is to be carried. */
  left(live: LiveSession): void {
    this.#carrying.get(live)?.close()
  }
}

/**
 * An address for each session on the loopback, made of the one in its tunnel: WireGuard under load takes so many greetings of an
 * address and no more, and those of one session must not use up what the others have.
 */
const onLoopback = (address4: string): string => address4.replace(/^\d+/, '127')
