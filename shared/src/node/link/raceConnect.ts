import { promises as dns, type LookupAddress } from 'node:dns'
import { connect, isIP, type Socket } from 'node:net'
import { proxyFor } from './proxy.js'
import { connectThrough } from './socks.js'

/** Milliseconds before the next address is tried beside those that have not answered (RFC 8305, section 5). */
const nextAfterMs = 250

/**
 * Connects to a host by whichever of its addresses answers first. An attempt under way is never given up for the next
 * one: Node's own race ends each after 250 ms, and so never reaches a machine far away whose other address is dead.
 *
 * Where a proxy is used, it is the proxy that finds the host, and nothing is looked up or connected to beside it.
 *
 * @param options.lookup - Resolves a name; the system's resolver when left out.
 * @throws Error when no address answers within `timeoutMs`.
 */
export async function raceConnect(options: {
  host: string
  port: number
  timeoutMs: number
  lookup?: (host: string) => Promise<LookupAddress[]>
}): Promise<Socket> {
  const { port, timeoutMs, lookup = (name) => dns.lookup(name, { all: true }) } = options
  const host = options.host.replace(/^\[(.*)\]$/, '$1')
  const proxy = proxyFor(host)
  if (proxy) return connectThrough(proxy, { host, port, timeoutMs })
  const addresses = isIP(host) > 0 ? [host] : alternating(await lookup(host))
  return new Promise((resolve, reject) => {
    const underWay = new Set<Socket>()
    const waiting = [...addresses]
    const failures = new Set<string>()
    let nextTimer: NodeJS.Timeout | undefined
    let isOver = false
    const end = (winner?: Socket) => {
      isOver = true
      clearTimeout(nextTimer)
      clearTimeout(limit)
      for (const socket of underWay) if (socket !== winner) socket.destroy()
      if (winner) resolve(winner)
      else reject(new Error([...failures].join('; ') || `${host} has no address`))
    }
    const limit = setTimeout(() => {
      failures.add(`${host} does not answer within ${timeoutMs} ms`)
      end()
    }, timeoutMs)
    const tryNext = () => {
      if (isOver) return
      clearTimeout(nextTimer)
      const address = waiting.shift()
      if (address === undefined) {
        if (underWay.size === 0) end()
        return
      }
      const socket = connect({ host: address, port })
      underWay.add(socket)
      const failed = (error: Error) => {
        failures.add(error.message)
        underWay.delete(socket)
        tryNext()
      }
      socket.once('error', failed)
      socket.once('connect', () => {
        socket.off('error', failed)
        // Until its new owner listens.
        socket.on('error', () => {})
        end(socket)
      })
      if (waiting.length > 0) nextTimer = setTimeout(tryNext, nextAfterMs)
    }
    tryNext()
  })
}

/** The families by turns, beginning with that of the first. */
function alternating(addresses: readonly LookupAddress[]): string[] {
  const first = addresses.filter(({ family }) => family === addresses[0]?.family)
  const others = addresses.filter(({ family }) => family !== addresses[0]?.family)
  return Array.from({ length: Math.max(first.length, others.length) }, (_, index) => [
    ...(first[index] ? [first[index].address] : []),
    ...(others[index] ? [others[index].address] : []),
  ]).flat()
}
