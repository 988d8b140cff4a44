import {
  type Address,
  type Clock,
  explain,
  type Params,
  type RequestType,
  type Result,
  refuse,
  type Verdict,
} from '@pontage/shared'
import {
  connectLink,
  type Handlers,
  type Identity,
  type Link,
  type Log,
  type TypedData,
} from '@pontage/shared/node'

/** Our connection to one hub: made when needed, kept, and made again when it breaks. */
export interface HubLink {
  readonly hub: Address
  /** Asks the hub; refuses with `hub-unreachable` when there is no connection to be had. */
  request<Type extends RequestType>(
    type: Type,
    params: Params<Type>,
    timeoutMs?: number,
  ): Promise<Verdict<{ value: Result<Type> }>>
  close(): void
}

const firstPauseMs = 500
const maxPauseMs = 30_000
const connectTimeoutMs = 5_000

/**
 * Keeps a connection to a hub, so that it can ask us for releases too.
 *
 * @param options.findUrl - Where the hub says, on chain, that it is reached.
 */
export function keepHubLink(options: {
  hub: Address
  findUrl: () => Promise<string>
  identity: Identity
  typedData: TypedData
  clock: Clock
  handlers: Handlers
  /** Done with each new connection before it is used for anything else; one with which it fails is not kept. */
  joined?: (link: Link) => Promise<void>
  log: Log
}): HubLink {
  const { hub, findUrl, identity, typedData, clock, handlers, joined, log } = options
  let link: Link | undefined
  let connecting: Promise<Link | undefined> | undefined
  let pauseMs = firstPauseMs
  let timer: NodeJS.Timeout | undefined
  let closed = false
  let reported = ''

  async function connectOnce(): Promise<Link | undefined> {
    const url = await findUrl().catch((error: Error) => {
      report('the chain does not say where the hub is', error.message)
      return ''
    })
    if (url === '' || closed) return undefined
    const answer = await connectLink({
      url,
      self: { identity, typedData, clock },
      expectPeer: hub,
      handlers,
      log,
      timeoutMs: connectTimeoutMs,
    })
    if (!answer.ok) {
      report('the hub does not answer', explain(answer.refusal))
      return undefined
    }
    if (closed) {
      answer.link.close()
      return undefined
    }
    try {
      await joined?.(answer.link)
    } catch (error) {
      // It is not used for anything else, either, and made anew after a pause.
      answer.link.close()
      throw error
    }
    link = answer.link
    pauseMs = firstPauseMs
    reported = ''
    log.info('connected to hub', { hub, url })
    void answer.link.closed.then((reason) => {
      link = undefined
      if (closed) return
      report('the connection to the hub ended', reason)
      retryLater()
    })
    return link
  }

  /** One line for each kind of trouble, not one for each attempt. */
  function report(message: string, reason: string): void {
    if (reported === `${message} ${reason}`) return
    reported = `${message} ${reason}`
    log.warn(message, { hub, reason })
  }

  function connect(): Promise<Link | undefined> {
    connecting ??= connectOnce()
      .catch((error: Error) => {
        report('the hub cannot be connected to', error.message)
        return undefined
      })
      .finally(() => {
        connecting = undefined
        if (link === undefined) retryLater()
      })
    return connecting
  }

  function retryLater(): void {
    if (closed || timer !== undefined) return
    timer = setTimeout(() => {
      timer = undefined
      if (link === undefined) void connect()
    }, pauseMs)
    pauseMs = Math.min(maxPauseMs, 2 * pauseMs)
  }

  void connect()
  return {
    hub,
    async request(type, params, timeoutMs) {
      const live = link ?? (await connect())
      return live === undefined
        ? refuse({ code: 'hub-unreachable', hub })
        : live.request(type, params, timeoutMs)
    },
    close() {
      closed = true
      clearTimeout(timer)
      link?.close()
    },
  }
}
