import type { ServerResponse } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import { codeOf, failureOf } from '../report/failure.js'

/** Tells everybody who looks how things stand, by server-sent events. */
export interface LiveFeed {
  /** Answers with a stream that ends when whoever looks goes. */
  follow(response: ServerResponse, headers: Readonly<Record<string, string>>): void
  close(): void
}

const everyMs = 1_000
/** Somebody who does not read is hung up on before that much waits for it. */
const maxWaitingBytes = 262_144

/** @param ask - How things stand; asked only while somebody looks, once for all of them. */
export function createLiveFeed(ask: () => Promise<object>): LiveFeed {
  const lookers = new Set<ServerResponse>()
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
      const now = await ask().catch((error: Error) => ({ error: failureOf(codeOf(error), error.message) }))
      last = JSON.stringify(now)
      for (const looker of lookers) tell(looker, last)
      await delay(everyMs, undefined, { signal: closing.signal }).catch(() => undefined)
    }
    isAsking = false
    last = undefined
  }
  return {
    follow(response, headers) {
      response.writeHead(200, { ...headers, 'content-type': 'text/event-stream' })
      lookers.add(response)
      response.on('close', () => lookers.delete(response))
      if (last !== undefined) tell(response, last)
      if (!isAsking) void run()
    },
    close() {
      closing.abort()
      for (const looker of lookers) looker.end()
    },
  }
}
