import type { Refusal, Verdict } from '../../refusal.js'
import type { Address } from '../../units.js'
import type { Notice, NoticeType, Params, RequestType, Result } from '../../wire.js'

/** A connection whose two ends have proved who they are. */
export interface Link {
  readonly peer: Address
  /** Network address and port of the other end. */
  readonly remoteAddress: string
  /** Asks, and gives the answer or why there is none. Never throws for what the peer does. */
  request<Type extends RequestType>(
    type: Type,
    params: Params<Type>,
    timeoutMs?: number,
  ): Promise<Verdict<{ value: Result<Type> }>>
  /** Tells, without an answer. */
  notify<Type extends NoticeType>(type: Type, body: Notice<Type>): void
  /**
   * Sends one binary frame of promiseFrame.ts or packetFrame.ts.
   *
   * @param sent - Called once its memory may be written again; never where the connection is gone.
   */
  sendFrame(frame: Buffer, sent?: () => void): void
  /** Bytes that were sent and wait in this process, because the other end does not take them. */
  readonly backlogBytes: number
  close(): void
  /** Ends it at once, without waiting for a peer that may be gone. */
  terminate(): void
  /** Resolves once the connection is gone, with a sentence why. */
  readonly closed: Promise<string>
}

/** What one end does with what comes in. */
export interface Handlers {
  readonly requests?: {
    readonly [Type in RequestType]?: (
      params: Params<Type>,
      link: Link,
    ) => Promise<Verdict<{ value: Result<Type> }>> | Verdict<{ value: Result<Type> }>
  }
  /** What a request costs, in requests of the usual kind; one where nothing is said. */
  readonly costOf?: (type: RequestType, params: unknown) => number
  readonly notices?: { readonly [Type in NoticeType]?: (body: Notice<Type>, link: Link) => void }
  /** A binary frame. Returns a refusal to close the connection with. */
  readonly frame?: (frame: Buffer, link: Link) => Refusal | undefined
  /** A binary frame of packetFrame.ts: thousands a second are usual. Returns a refusal to close the connection with. */
  readonly packets?: (frame: Buffer, link: Link) => Refusal | undefined
}
