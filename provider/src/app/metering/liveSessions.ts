import type { Address, Hex } from '@pontage/shared'
import type { WireguardKey } from '@pontage/shared/node'
import type { CreditInUse } from '../../core/credit.js'
import { creditInUse } from '../../core/session.js'
import type { LiveSession } from './liveSession.js'

/** The sessions that run now, by all that they are looked up by. */
export class LiveSessions {
  readonly #byId = new Map<string, LiveSession>()
  readonly #byChannel = new Map<Hex, LiveSession>()

  get count(): number {
    return this.#byId.size
  }

  all(): LiveSession[] {
    return [...this.#byId.values()]
  }

  find(id: string): LiveSession | undefined {
    return this.#byId.get(id)
  }

  byChannel(channelId: Hex): LiveSession | undefined {
    return this.#byChannel.get(channelId)
  }

  /** Whether a running session has this key: WireGuard knows a peer by nothing else. */
  hasKey(wireguardKey: WireguardKey): boolean {
    return this.all().some((live) => live.wireguardKey === wireguardKey)
  }

  /** What the running sessions of one identity have of its credit. */
  creditOf(consumer: Address): CreditInUse {
    const own = this.all().filter(({ record }) => record.consumer === consumer)
    return creditInUse(own.map(({ session }) => session))
  }

  protected add(live: LiveSession): void {
    this.#byId.set(live.record.id, live)
    this.#byChannel.set(live.record.channelId, live)
  }

  protected remove({ record }: LiveSession): void {
    this.#byId.delete(record.id)
    this.#byChannel.delete(record.channelId)
  }
}
