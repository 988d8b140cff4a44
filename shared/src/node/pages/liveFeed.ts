import type { ServerResponse } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import { failureTold } from './failureTold.js'
import type { Visit } from './visitors.js'

/** Tells everybody who looks how things stand, by server-sent events. */
export interface LiveFeed {
  /** Answers with a stream that ends when whoever looks goes. @returns false where this visit follows too often */
  follow(visit: Visit, response: ServerResponse, headers: Readonly<Record<string, string>>): boolean
  close(): void
}

const everyMs = 1_000
/** Somebody who does not read is hung up on before that much waits for it. */
const maxWaitingBytes = 262_144
/** A browser opens six connections to one place at most. */
const maxOfOneVisit = 8

/** @param ask - How things stand; asked only while somebody looks, once for all of them. */
export function createLiveFeed(ask: () => Promise<object>): LiveFeed {
  const lookers = new Map<ServerResponse, Visit>()
  const closing = new AbortController()
  let last: string | undefined
  let isAsking = false
  const tell = (looker: ServerResponse, text: string) => {
    if (looker.writableLength > maxWaitingBytes) looker.destroy()
    else looker.write(`data: ${text}\n\n`)
  }
  const run = async () => {
    isAsking = true
    while (lookers.size > 0 && !closing.signal.aborted) {
      const now = await ask().catch(failureTold)
      last = JSON.stringify(now)
      for (const looker of lookers.keys()) tell(looker, last)
      await delay(everyMs, undefined, { signal: closing.signal }).catch(() => undefined)
    }
    isAsking = false
    last = undefined
  }
  return {
    follow(visit, response, headers) {
      const own = [...lookers.values()].filter((each) => each === visit)
      if (own.length >= maxOfOneVisit) return false
      response.writeHead(200, { ...headers, 'content-type': 'text/event-stream' })
      lookers.set(response, visit)
      response.on('close', () => lookers.delete(response))
      if (last !== undefined) tell(response, last)
      if (!isAsking) void run()
      return true
    },
    close() {
      closing.abort()
      for (const looker of lookers.keys()) looker.end()
    },
  }
}
